"""Every format in every compression gives the same documents."""

import datetime

import polars as pl
import pytest

from auditor.sources.read.chooser import MODULES, reader
from auditor.sources.read.interface import CANONICAL
from tests.sources.corpora import COMPRESS, MAKE, PACKINGS, TEXTS, batches, page, plan, put, read, warc_record


@pytest.mark.parametrize(("suffix", "compression"), PACKINGS)
def test_documents_come_back_whole_from_every_format(tmp_path, suffix, compression):
    path = put(tmp_path, f"corpus{suffix}{compression}", COMPRESS[compression](MAKE[suffix](TEXTS)))
    frame, skips, notes, failure = read(path)
    assert frame["text"].to_list() == TEXTS
    assert frame["doc_id"].to_list() == [f"doc-{i}" for i in range(len(TEXTS))]
    assert frame["row"].to_list() == list(range(len(TEXTS)))
    assert frame["host"].to_list() == [f"host{i % 3}.example.org" for i in range(len(TEXTS))]
    assert frame["date"].to_list() == [datetime.date(2019, 4, i % 28 + 1) for i in range(len(TEXTS))]
    assert frame.schema == CANONICAL and (skips, notes, failure) == ({}, {}, None)


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_web_archive_gives_the_text_of_its_pages(tmp_path, compression):
    octets = warc_record(0, b"software: x", kind="warcinfo")
    octets += warc_record(1, page("Grüße from the first page."), kind="response")
    octets += warc_record(2, b"GET / HTTP/1.1\r\n\r\n", kind="request")
    octets += warc_record(3, page("Never read.", "image/png"), kind="response")
    octets += warc_record(4, b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\ngone", kind="response")
    octets += warc_record(5, page("Second page."), kind="response")
    frame, skips, _, failure = read(put(tmp_path, f"a.warc{compression}", COMPRESS[compression](octets)))
    assert frame["text"].to_list() == ["Grüße from the first page.", "Second page."]
    assert frame["row"].to_list() == [1, 5]
    assert skips == {"not_a_page": 1, "http_status": 1} and failure is None


def test_text_files_of_a_folder_are_one_shard_of_one_document_each(tmp_path):
    for i, text in enumerate(TEXTS):
        put(tmp_path / "books", f"{i}.txt{'.gz' if i % 2 else ''}", COMPRESS[".gz" if i % 2 else ""](text.encode()))
    (shard,) = plan(tmp_path / "books").shards
    assert (shard.name, shard.format, shard.rows) == ("books", "folder", len(TEXTS))
    frame, _, _, failure = read(tmp_path / "books")
    assert frame["text"].to_list() == TEXTS and failure is None
    assert frame["doc_id"].to_list() == [f"{i}.txt{'.gz' if i % 2 else ''}" for i in range(len(TEXTS))]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("file", ["one\ntwo\r\n\n\nthree\n"]),
        ("line", ["one", "two", "", "", "three"]),
        ("paragraph", ["one\ntwo", "three"]),
    ],
)
def test_a_document_of_plain_text_is_what_the_unit_says(tmp_path, unit, expected):
    frame, *_ = read(put(tmp_path, "a.txt", b"one\ntwo\r\n\n\nthree\n"), text_unit=unit)
    assert frame["text"].to_list() == expected


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_splits_together_are_the_whole_whatever_their_size(tmp_path, suffix):
    texts = [f"document {i} " * (i % 50) for i in range(2000)]
    octets = MAKE[suffix](texts, row_group_size=100) if suffix == ".parquet" else MAKE[suffix](texts)
    path = put(tmp_path, f"a{suffix}", octets)
    whole, *_ = read(path)
    for size in (10_000, 30_000, 10**9):
        (shard,) = plan(path, split_bytes=size).shards
        assert [split.index for split in shard.splits] == list(range(len(shard.splits)))
        found, failure = batches(shard)
        assert failure is None and pl.concat([batch.frame for batch in found]).equals(whole)
        starts = [int(batch.frame["row"][0]) for batch in found]
        assert set(starts) >= {split.first_row for split in shard.splits if split.rows != 0}
    assert whole["row"].to_list() == list(range(2000))


def test_a_document_without_an_id_gets_a_stable_one(tmp_path):
    octets = b'{"text": "same"}\n{"text": "same"}\n{"text": "other", "id": ""}\n'
    frames = [read(put(tmp_path, name, octets))[0] for name in ("a.jsonl", "b.jsonl")]
    assert frames[0]["doc_id"].to_list() == frames[1]["doc_id"].to_list()
    assert frames[0]["doc_id"].n_unique() == 3
    changed, *_ = read(put(tmp_path, "c.jsonl", b'{"text": "sane"}\n'))
    assert changed["doc_id"][0] != frames[0]["doc_id"][0]


def test_every_reader_offers_the_same_two_functions():
    assert all(callable(reader(format).inspect) and callable(reader(format).read) for format in MODULES)
