"""Whatever feeds a figure is in the digest, in every format; and a run that does not add up names the shard."""

import csv
import io
import json
import shutil
import unicodedata
from datetime import UTC, datetime

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.cli.main import run as command
from auditor.pipeline.finished.verify import content_of, verify
from auditor.pipeline.run.parts import done, part_folder
from auditor.pipeline.run.run import load_run
from auditor.records import plain
from auditor.sources.read.interface import ROLES, SourceOptions
from tests.pipeline.runs import WORDS
from tests.sources.corpora import COMPRESS, page, plan, put, read

VALUES = {
    "id": "doc-7",
    "date": "2019-04-25T12:57:54Z",
    "url": "https://host.example.org/a/path?q=1",
    "language": "en",
    "source": "press",
    "topic": "rivers",
    "category": "news",
    "generator": "",
    "licence": "CC0-1.0",
}
OTHER = {
    "text": "text of the record that was read, in caps",
    "id": "doc-8",
    "date": "2019-04-25T12:57:55Z",  # a second later: no figure changes, but it is not what was audited
    "url": "https://host.example.org/a/path?q=2",
    "language": "eng_Latn",  # the same language, written in another way
    "source": "Press",
    "topic": "river",
    "category": "views",
    "generator": "some-model",
    "licence": "CC0-1.1",
}


def text(seed: int) -> str:
    return " ".join(WORDS[(seed * 7 + k * (1 + seed % 5)) % len(WORDS)] + str(seed * k % 13) for k in range(90))


def rows(count: int = 6) -> list[dict[str, str]]:
    return [{"text": text(i), **VALUES, "id": f"doc-{i}", "unused": "x"} for i in range(count)]


def jsonl(records) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def delimited(records, delimiter=",") -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, list(records[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(records)
    return sink.getvalue().encode()


def table(records) -> pa.Table:
    """Dates as timestamps, which a table has and lines have not."""
    made = pa.Table.from_pylist(records)
    when = [datetime.fromisoformat(row["date"]).astimezone(UTC).replace(tzinfo=None) for row in records]
    return made.set_column(made.schema.get_field_index("date"), "date", pa.array(when, pa.timestamp("us")))


def parquet(records) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(records), sink, row_group_size=2)
    return sink.getvalue()


def arrow(records) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table(records).schema) as writer:
        writer.write_table(table(records))
    return sink.getvalue()


def archive(records, kind="conversion") -> bytes:
    """Records of an archive, which have five of the roles."""
    found = []
    for row in records:
        body = row["text"].encode() if kind == "conversion" else page(row["text"])
        head = (
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: {row['id']}\r\nWARC-Date: {row['date']}\r\n"
            f"WARC-Target-URI: {row['url']}\r\nWARC-Identified-Content-Language: {row['language']}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        found.append(head.encode() + body + b"\r\n\r\n")
    return b"".join(found)


MAKE = {
    ".jsonl": jsonl,
    ".csv": delimited,
    ".tsv": lambda records: delimited(records, "\t"),
    ".parquet": parquet,
    ".arrow": arrow,
    ".wet": archive,
    ".warc": lambda records: archive(records, "response"),
}
PACKED = {".jsonl": ".gz", ".csv": ".zst", ".warc": ".gz"}
IN_ARCHIVES = ("text", "id", "date", "url", "language")


def digest(folder, suffix, records) -> str:
    packed = PACKED.get(suffix, "")
    path = put(folder, f"a{suffix}{packed}", COMPRESS[packed](MAKE[suffix](records)))
    (shard,) = plan(path).shards
    assert suffix in (".wet", ".warc") or set(shard.columns.used()) == set(ROLES)
    return content_of(shard, SourceOptions()).digest


@pytest.mark.parametrize(
    ("suffix", "role"),
    [(suffix, role) for suffix in MAKE for role in OTHER if suffix not in (".wet", ".warc") or role in IN_ARCHIVES],
)
def test_another_byte_in_any_column_that_is_read_is_another_digest(tmp_path, suffix, role):
    changed = rows()
    changed[3][role] = OTHER[role]
    assert digest(tmp_path, suffix, rows()) != digest(tmp_path, suffix, changed)


@pytest.mark.parametrize("suffix", MAKE)
def test_order_and_columns_that_nobody_reads_do_not_count_but_what_belongs_together_does(tmp_path, suffix):
    once = digest(tmp_path, suffix, rows())
    assert digest(tmp_path, suffix, rows()[::-1]) == once
    assert digest(tmp_path, suffix, [row | {"unused": "y"} for row in rows()]) == once
    exchanged = rows()
    exchanged[0]["url"], exchanged[1]["url"] = OTHER["url"], VALUES["url"]
    other = rows()
    other[0]["url"], other[1]["url"] = VALUES["url"], OTHER["url"]
    assert digest(tmp_path, suffix, exchanged) != digest(tmp_path, suffix, other)
    assert digest(tmp_path, suffix, [*rows(), rows()[0]]) != once


def test_a_text_that_only_its_normal_form_has_in_common_is_another_text(tmp_path):
    composed = [row | {"text": row["text"] + " déjà vu"} for row in rows()]
    decomposed = [row | {"text": unicodedata.normalize("NFD", row["text"])} for row in composed]
    hyphened = [row | {"text": row["text"].replace("vu", "v\u00adu")} for row in composed]
    assert len({digest(tmp_path, ".jsonl", found) for found in (composed, decomposed, hyphened)}) == 3


def test_values_that_run_together_are_kept_apart(tmp_path):
    """("ab", "c") is not ("a", "bc"), and an empty value is not a missing one."""
    found = set()
    for source, topic in (("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("abc", None), ("topic:1:x", "y")):
        found.add(digest(tmp_path, ".jsonl", [row | {"source": source, "topic": topic} for row in rows()]))
    assert len(found) == 6


@pytest.mark.parametrize(
    "line",
    [b"{broken\n", b'{"id": "x"}\n', b'{"text": 7}\n', b"[1]\n", b'{"text": ["a"]}\n', b'{"text": null}\n'],
    ids=["bad JSON", "without text", "a number", "no object", "a list", "null"],
)
def test_a_record_more_that_cannot_be_read_is_seen(tmp_path, line):
    before = digest(tmp_path, ".jsonl", rows())
    (tmp_path / "b.jsonl").write_bytes(jsonl(rows()) + line)
    (shard,) = plan(tmp_path / "b.jsonl").shards
    content = content_of(shard, SourceOptions())
    assert content.digest != before
    assert content.documents + sum(content.skips.values()) == len(rows()) + 1


def test_a_file_of_plain_text_is_its_text_whatever_its_name(tmp_path):
    contents = []
    for name in ("one.txt", "two.txt"):
        path = put(tmp_path, name, text(3).encode())
        contents.append(content_of(plan(path).shards[0], SourceOptions()))
    assert contents[0].digest == contents[1].digest
    assert read(tmp_path / "one.txt")[0]["doc_id"].item() == "one.txt"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A file of every format, some of them with records that cannot be read."""
    folder = tmp_path_factory.mktemp("verified") / "corpus"
    for place, (suffix, make) in enumerate(MAKE.items()):
        records = [row | {"text": text(100 * place + i)} for i, row in enumerate(rows(12))]
        packed = PACKED.get(suffix, "")
        put(folder, f"part-{place}{suffix}{packed}", COMPRESS[packed](make(records)))
    (folder / "bad.jsonl").write_bytes(jsonl(rows(3)) + b"{broken\n\n" + b'{"id": "no text"}\n')
    put(folder, "texts/one.txt", text(900).encode())
    put(folder, "texts/two.txt", text(901).encode() + b" \xff\xfe")
    put(folder, "lang=de/part.csv", delimited([{"text": row["text"], "id": row["id"]} for row in rows(2)]))
    return folder


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("verified") / "run"
    assert command(["audit", str(corpus), "--out", str(out), "--workers", "1", "--quiet"]) == 0
    return out


def test_a_corpus_that_nobody_touched_is_the_same_and_accounts_for_every_record(run, corpus, capsys):
    found = verify(run, [str(corpus)])
    assert (found.verdict, found.compared.changed, found.compared.unreadable) == ("same", (), {})
    law = found.conservation
    assert law.holds and not law.broken
    assert law.records == law.documents + law.skipped == 7 * 12 + 3 + 2 + 2 + 2
    assert law.skipped == 2
    assert command(["verify", str(run)]) == 0
    said = capsys.readouterr().out
    assert "91 documents and 2 skipped" in said and "Every record is accounted for" in said
    assert "audited" not in said.replace("accounted", "")  # nothing is said of a corpus that was not given
    assert command(["verify", str(run), str(corpus)]) == 0
    assert "Not compared: the order of documents" in capsys.readouterr().out


def test_what_changed_is_said_in_words(run, corpus, tmp_path, capsys):
    copy = shutil.copytree(corpus, tmp_path / "corpus")
    with open(copy / "bad.jsonl", "ab") as file:
        file.write(b'{"id": "one more without text"}\n')
    plain = copy / "texts" / "one.txt"
    plain.write_bytes(plain.read_bytes() + b".")
    shutil.move(copy / "lang=de", copy / "lang=fr")
    found = verify(run, [str(copy)])
    assert found.verdict == "changed"
    assert found.compared.differences["bad.jsonl"] == "2 records left out as no_text, 1 when audited"
    assert found.compared.differences["texts"] == "as many records, but a text or a column beside it is another"
    assert (found.compared.missing, found.compared.new) == (("lang=de/part.csv",), ("lang=fr/part.csv",))
    assert command(["verify", str(run), str(copy)]) == 1
    assert "bad.jsonl: 2 records left out as no_text, 1 when audited" in capsys.readouterr().out


@pytest.mark.parametrize("old", [b"12:57:54Z", b"q=1", b"rivers", b"press", b"CC0-1.0", b'"en"', b"doc-5"])
def test_one_byte_of_one_column_changes_the_verdict(run, corpus, tmp_path, old):
    copy = shutil.copytree(corpus, tmp_path / "corpus")
    path = copy / "bad.jsonl" if old != b"doc-5" else copy / "part-2.tsv"
    octets = path.read_bytes()
    assert old in octets
    path.write_bytes(octets.replace(old, old[:-2] + b"x" + old[-1:], 1))
    found = verify(run, [str(copy)])
    assert (found.verdict, found.compared.changed) == ("changed", (path.name,))


def broken(run, tmp_path, change) -> dict[str, str]:
    """What verify says of a copy of a run that was changed: scope -> what, of the first breach of each."""
    copy = shutil.copytree(run, tmp_path / "copy")
    change(copy)
    law = verify(copy).conservation
    assert not law.holds and command(["verify", str(copy)]) == 3
    return {breach.scope: breach.what for breach in reversed(law.broken)}


def marker_of(run, name):
    task = next(task for task in load_run(run).plan.tasks if task.shard.name == name)
    return part_folder(run, task.key), done(run, task.key)


def test_a_record_that_became_neither_document_nor_skip_names_its_shard(run, tmp_path):
    def change(copy):
        folder, marker = marker_of(copy, "part-1.csv.zst")
        (folder / "done.json").write_text(json.dumps(marker.as_json() | {"records": marker.counts.records + 1}))

    found = broken(run, tmp_path, change)
    assert list(found) == ["part-1.csv.zst"]
    assert "13 records met, but 12 documents and 0 skipped" in json.dumps(plain(verify(tmp_path / "copy")))


def test_rows_that_a_part_lost_name_its_shard(run, tmp_path):
    def change(copy):
        path = marker_of(copy, "part-3.parquet")[0] / "documents.parquet"
        pl.read_parquet(path).head(-1).write_parquet(path)

    assert broken(run, tmp_path, change) == {"part-3.parquet": "12 documents counted, 11 in its part"}


def test_a_document_that_stands_twice_in_the_tables_names_its_shard(run, tmp_path):
    def change(copy):
        with duckdb.connect(str(copy / "audit.duckdb")) as connection:
            connection.execute("INSERT INTO documents SELECT * FROM documents WHERE shard = 'texts' AND row = 0")

    found = broken(run, tmp_path, change)
    assert found == {"texts": "2 documents in the report, 3 in the table documents"}


@pytest.mark.parametrize("count", ["records", "documents", "tokens", "bytes", "skipped"])
def test_shards_that_do_not_add_up_to_the_corpus_are_said(run, tmp_path, count):
    def change(copy):
        report = json.loads((copy / "report.json").read_text())
        report["corpus"][count] += 1
        (copy / "report.json").write_text(json.dumps(report))

    assert list(broken(run, tmp_path, change)) == ["corpus"]


def test_a_shard_whose_part_has_gone_is_said(run, tmp_path):
    found = broken(run, tmp_path, lambda copy: shutil.rmtree(marker_of(copy, "part-4.arrow")[0]))
    assert found == {"part-4.arrow": "a part of it is not in the run's folder any more"}
