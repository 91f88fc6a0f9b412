"""Files of which nothing could be read head every report; those passed over are told by reason, everywhere."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.cli.main import run as command
from tests.pipeline.runs import WORDS
from tests.sources.corpora import put, warc_record


def text(seed: int) -> str:
    return " ".join(WORDS[(seed * 7 + k * (1 + seed % 5)) % len(WORDS)] + str(seed * k % 13) for k in range(90))


def lines(start: int = 0, count: int = 8) -> bytes:
    return b"".join(json.dumps({"id": f"d{i}", "text": text(i)}).encode() + b"\n" for i in range(start, start + count))


def damaged_parquet() -> bytes:
    """The footer says that there are rows; their pages are zeros."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": [text(i) for i in range(8)]}), sink, compression="none", use_dictionary=False)
    octets = bytearray(sink.getvalue().to_pybytes())
    octets[4:2000] = bytes(1996)
    return bytes(octets)


UNREADABLE = {
    "lists.jsonl": b'{"id": 1, "text": ["x"]}\n' * 4,
    "broken.jsonl": b"{not JSON\n" * 4,
    "garbage.parquet": b"PAR1 and then nothing that is Parquet",
    "pages.parquet": damaged_parquet(),
    "cut.jsonl.gz": b"\x1f\x8b\x08\x00cut",
    "short.csv": b"id,text\n1\n2\n3\n",
}
PASSED = {
    "_data/b.jsonl": lines(50),
    ".cache/c.jsonl": lines(60),
    "c.jsonl.lz4": b"\x04\x22\x4d\x18xx",
    "d.zip": b"PK\x03\x04",
    "e.docx": b"PK\x03\x04",
    "f.xyz": b"what is this",
    "empty.jsonl": b"",
}


def audited(folder, files, capsys) -> tuple[int, str, dict]:
    for name, octets in files.items():
        put(folder / "corpus", name, octets)
    code = command(["audit", str(folder / "corpus"), "--out", str(folder / "run"), "--workers", "1", "--quiet"])
    said = re.sub(r"\s+", " ", capsys.readouterr().out)
    return code, said, json.loads((folder / "run" / "report.json").read_text())


def pages(folder) -> dict[str, str]:
    """The reports as text, each up to the table of shards."""
    markdown = (folder / "run" / "report.md").read_text().replace("\\", "")
    page = re.sub(r"<[^>]+>", " ", (folder / "run" / "report.html").read_text().split("<body", 1)[1])
    return {"md": re.sub(r"\s+", " ", markdown), "html": re.sub(r"\s+", " ", page)}


def test_files_of_which_nothing_could_be_read_head_the_report(tmp_path, capsys):
    code, said, report = audited(tmp_path, {"good.jsonl": lines(), **UNREADABLE}, capsys)
    assert code == 3 and not report["audit"]["complete"]
    assert said.startswith("6 of 7 files were not read. ")
    assert "of what was read" in said.split(" Nothing could be read of 6 of 7 files: ")[0]
    assert report["corpus"]["unread"]["shards"] == 6
    assert "8 documents in 1 of" in said
    for name, page in pages(tmp_path).items():
        assert "6 of 7 files were not read." in page[:3000], name
        assert "Nothing could be read of 6 of 7 files" in page, name
    named = {finding["scope"]: finding for finding in report["findings"] if finding["kind"] == "incomplete"}
    skipped = {skip["shard"] for skip in report["skips"] if skip["reason"] == "unreadable_file"}
    assert set(UNREADABLE) == named.keys() | skipped
    assert "none of its 4 records could be read (4 x no_text)" in named["lists.jsonl"]["message"]


def test_files_passed_over_are_told_by_reason_everywhere(tmp_path, capsys):
    code, said, report = audited(tmp_path, {"good.jsonl": lines(), **PASSED}, capsys)
    assert code == 0 and report["audit"]["complete"]
    assert said.startswith("7 of 8 files were not read. ")  # most of what was given is in no figure
    reasons = report["corpus"]["unread"]["by_reason"]
    assert report["corpus"]["unread"]["files"] == sum(reasons.values()) == 7
    sentence = "7 files passed over: 2 in a folder whose name begins with a dot or an underscore; "
    for page in (said, *pages(tmp_path).values()):
        assert sentence in page
    assert command(["plan", str(tmp_path / "corpus")]) == 0
    planned = capsys.readouterr().out
    for reason, count in reasons.items():
        assert f"passed over: {count} file{'s' * (count != 1)}: {reason}" in planned


def test_one_file_passed_over_of_many_is_told_but_is_no_headline(tmp_path, capsys):
    files = {f"{i}.jsonl": lines(10 * i) for i in range(3)} | {"image.png": b"\x89PNG"}
    _, said, _ = audited(tmp_path, files, capsys)
    assert "not read" not in said[:40]
    assert "1 file passed over: 1 of no known format" in said


@pytest.mark.parametrize(
    "body", [b"HTTP/1.1 404 Gone\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"]
)
def test_an_archive_of_images_and_errors_was_read(tmp_path, capsys, body):
    archive = b"".join(warc_record(i, body, kind="response") for i in range(4))
    code, said, report = audited(tmp_path, {"good.jsonl": lines(), "images.warc": archive}, capsys)
    assert code == 0 and report["audit"]["complete"]
    assert not said.startswith("1 of 2 files")


def test_where_nothing_at_all_could_be_read_the_reasons_are_said(tmp_path, capsys):
    for name, octets in UNREADABLE.items():
        put(tmp_path / "corpus", name, octets)
    assert command(["audit", str(tmp_path / "corpus"), "--out", str(tmp_path / "run"), "--quiet"]) == 5
    said = capsys.readouterr().err
    assert "4 x no_text" in said and "lists.jsonl" in said
