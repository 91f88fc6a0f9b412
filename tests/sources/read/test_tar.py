"""Tar shards in webdataset's layout: samples, their JSON, damage, hostile headers."""

import io
import json
import tarfile

import pytest

from auditor.errors import SourceError
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read import tar
from auditor.sources.read.interface import Limits, SourceOptions
from tests.sources.corpora import COMPRESS, TEXTS, batches, plan, put, read


def packed(members: dict[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=format) as archive:
        for name, octets in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(octets)
            archive.addfile(entry, io.BytesIO(octets))
    return sink.getvalue()


def samples(texts: list[str], *, json_too: bool = True) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    for i, text in enumerate(texts):
        members[f"{i:06d}.npy"] = b"\xff\xd8" + bytes(700)
        members[f"{i:06d}.txt"] = text.encode()
        if json_too:
            members[f"{i:06d}.json"] = json.dumps(
                {"url": f"https://Host{i}.example.org/a.jpg", "caption": "another text", "key": "k"}, indent=1
            ).encode()
    return members


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("suffix", COMPRESS)
def test_captions_are_documents_and_their_json_says_the_rest(tmp_path, suffix, format):
    octets = COMPRESS[suffix](packed(samples(TEXTS), format))
    frame, skips, notes, failure = read(put(tmp_path, f"00000.tar{suffix}", octets))
    assert frame["text"].to_list() == TEXTS and (skips, notes, failure) == ({}, {}, None)
    assert frame["doc_id"].to_list() == [f"{i:06d}" for i in range(len(TEXTS))]
    assert frame["host"].to_list() == [f"host{i}.example.org" for i in range(len(TEXTS))]
    assert frame["row"].to_list() == [*range(len(TEXTS))]


def test_the_name_tgz_and_a_tar_without_a_name_are_known(tmp_path):
    put(tmp_path, "a.tgz", COMPRESS[".gz"](packed(samples(["one"]))))
    named = put(tmp_path, "b", packed(samples(["two"])))
    corpus = plan_corpus([str(tmp_path / "a.tgz"), str(named)], SourceOptions())
    assert [shard.format for shard in corpus.shards] == ["tar", "tar"]


@pytest.mark.parametrize("suffix", ["caption", "text"])
def test_other_suffixes_of_text_and_folders_within(tmp_path, suffix):
    members = {f"./train/a.b/{i}.{suffix}": f"text {i}".encode() for i in range(3)} | {"train/._1.txt": b"a fork"}
    frame, *_ = read(put(tmp_path, "a.tar", packed(members)))
    assert frame["text"].to_list() == ["text 0", "text 1", "text 2"]
    if suffix == "caption":
        assert frame["doc_id"].to_list() == [f"train/a.b/{i}" for i in range(3)]


def test_samples_of_json_alone(tmp_path):
    rows = [{"text": TEXTS[i], "id": f"d{i}", "lang": "de", "more": {"a": [1, "x\ny"]}} for i in range(len(TEXTS))]
    members = {f"{i}.json": json.dumps(row, indent=2).encode() for i, row in enumerate(rows)}
    frame, skips, *_ = read(put(tmp_path, "a.tar", packed(members)))
    assert frame["text"].to_list() == TEXTS and frame["language"].to_list() == ["de"] * len(TEXTS) and skips == {}
    assert frame["doc_id"].to_list() == [f"d{i}" for i in range(len(TEXTS))]


def test_every_sample_is_a_document_or_a_counted_skip(tmp_path):
    members = {
        "0.txt": b"good",
        "1.cls": b"7",
        "2.json": b'{"txt": "no member, but a field"}',
        "3.json": b"{broken",
        "4.txt": b"its json is broken",
        "4.json": b"[1, 2",
        "5.txt": "not UTF-8 \xe9".encode("latin-1"),
        "6.txt": b"x" * 5000,
        "7.txt": b"",
        "8.json": b"",
        "9.txt": "\ufeffwith a mark".encode(),
    }
    frame, skips, notes, failure = read(put(tmp_path, "a.tar", packed(members)), limits=Limits(record_bytes=2000))
    assert dict(frame.select("row", "text").iter_rows()) == {
        0: "good",
        2: "no member, but a field",
        4: "its json is broken",
        5: "not UTF-8 \ufffd",
        7: "",
        9: "with a mark",
    }
    assert skips == {"no_text": 2, "bad_json": 1, "record_too_large": 1} and failure is None
    assert notes == {"json_unreadable": 1, "invalid_utf8_replaced": 1}
    found, _ = batches(plan(tmp_path / "a.tar").shards[0])
    assert sum(batch.records for batch in found) == 10


def test_links_devices_and_paths_outside_open_nothing(tmp_path):
    secret = put(tmp_path, "secret.txt", b"a secret")
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, kind in (("1.txt", tarfile.SYMTYPE), ("2.txt", tarfile.LNKTYPE), ("3.txt", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, str(secret)
            archive.addfile(entry)
        for name in ("../../4.txt", "/etc/5.txt"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"abc"))
    before = sorted(tmp_path.rglob("*"))
    frame, *_ = read(put(tmp_path / "corpus", "a.tar", sink.getvalue()))
    assert frame["text"].to_list() == ["abc", "abc"]
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "corpus", tmp_path / "corpus/a.tar"])


def test_a_header_cannot_ask_for_memory(tmp_path):
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    good = packed(samples(["good", "last"])).rstrip(b"\0")
    octets = good + bytes(-len(good) % 512) + entry.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    found, failure = batches(plan(put(tmp_path, "a.tar", octets)).shards[0])
    assert "extended header of 1,099,511,627,776 bytes" in str(failure)
    kept = [text for batch in found for text in batch.frame["text"]]
    assert kept == ["good"]  # the last sample may go on behind the damage


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_a_truncated_shard_gives_its_whole_samples(tmp_path, at):
    whole = packed(samples([f"text {i}" for i in range(40)]))
    found, failure = batches(plan(put(tmp_path, "a.tar", whole[: int(len(whole) * at) // 512 * 512 + 100])).shards[0])
    kept = [text for batch in found for text in batch.frame["text"]]
    assert kept == [f"text {i}" for i in range(len(kept))] and len(kept) > 40 * at - 4
    assert "damaged tar after sample" in str(failure)


def test_what_is_no_shard_of_samples_is_named(tmp_path):
    put(tmp_path, "a.tar", b"no tar at all" * 100)
    put(tmp_path, "b.tar", packed({"data/part-0.parquet": b"PAR1" + bytes(99)}))
    put(tmp_path, "good.jsonl", b'{"text": "x"}\n')
    failed = {unread.name: unread.reason for unread in plan(tmp_path).failed}
    assert "damaged tar at its beginning" in failed["a.tar"] and "unpack it first" in failed["b.tar"]


def test_no_bytes_bring_it_down(tmp_path):
    """Bytes changed, one place after the other: documents and a SourceError are all that may come of it."""
    whole = packed(samples(["one", "two", "three"]))
    for place in range(0, len(whole), 97):
        for byte in (0, 0x31, 0xFF):
            path = put(tmp_path, "m.tar", whole[:place] + bytes([byte]) + whole[place + 1 :])
            try:
                made = [tar.line_of(sample) for sample in tar.samples(str(path), None, SourceOptions())]
            except SourceError:
                continue
            assert len(made) <= 9
