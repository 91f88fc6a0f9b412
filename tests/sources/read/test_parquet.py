"""Parquet: types, nesting, invalid bytes, damage."""

import io

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.sources.find.plan import plan_corpus
from auditor.sources.read import parquet as reader_of_parquet
from auditor.sources.read.chooser import read_rows
from auditor.sources.read.interface import Limits, SourceOptions
from tests.sources.corpora import TEXTS, batches, parquet, plan, put, read


def table(path, columns: dict, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ],
)
def test_text_of_every_string_type_is_read(tmp_path, kind):
    column = pa.array(TEXTS).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(TEXTS).cast(kind)
    frame, skips, notes, _ = read(table(tmp_path / "a.parquet", {"text": column}))
    assert frame["text"].to_list() == TEXTS and (skips, notes) == ({}, {})


def test_invalid_utf8_is_replaced_and_counted_whatever_the_file_says(tmp_path):
    octets = [b"fine", b"b\xffad", None, "gut ü".encode(), b"\xed\xa0\x80"]
    offsets, values = [0], b"".join(o or b"" for o in octets)
    for o in octets:
        offsets.append(offsets[-1] + len(o or b""))
    lying = pa.StringArray.from_buffers(
        5, pa.py_buffer(pa.array(offsets, pa.int32()).buffers()[1]), pa.py_buffer(values)
    )
    for column in (pa.array(octets), lying):
        frame, _, notes, _ = read(table(tmp_path / "a.parquet", {"text": column}))
        assert frame["text"].to_list() == ["fine", "b\ufffdad", "", "gut ü", "\ufffd\ufffd\ufffd"]
        assert notes == {"invalid_utf8_replaced": 2}


def test_nested_columns_are_found_and_read(tmp_path):
    meta = [{"url": "http://a.org/x", "n": 1}, None, {"url": None, "n": 2}]
    path = table(
        tmp_path / "a.parquet",
        {
            "id": pa.array([1, 2, 3]),
            "text": ["a", "b", "c"],
            "source": ["s"] * 3,
            "added": ["2023-01-01"] * 3,
            "created": ["2001-02-03T00:00:00.000Z", None, "nonsense"],
            "metadata": pa.array(meta),
        },
    )
    (shard,) = plan(path).shards
    assert (shard.columns.family, shard.columns.url, shard.columns.date_kind) == ("dolma", "metadata.url", "written")
    frame, _, notes, _ = read(path)
    assert frame["host"].to_list() == ["a.org", None, None] and frame["doc_id"].to_list() == ["1", "2", "3"]
    assert frame["date"].null_count() == 2 and notes == {"date_unreadable": 1}


def test_lists_give_their_first_element(tmp_path):
    path = table(
        tmp_path / "a.parquet",
        {
            "text": ["a", "b"],
            "u": ["http://x.de", "http://y.de"],
            "ts": ["2020-01-01"] * 2,
            "crawl_id": ["wide16"] * 2,
            "lang": pa.array([["deu_Latn", "eng_Latn"], []]),
            "id": ["1", "2"],
        },
    )
    frame, *_ = read(path)
    assert frame["language"].to_list() == ["de", None] and plan(path).shards[0].columns.family == "hplt"


def test_a_dotted_name_of_a_plain_column_is_that_column(tmp_path):
    frame, *_ = read(table(tmp_path / "a.parquet", {"text": ["a"], "meta.url": ["http://x.org"]}))
    assert frame["host"].to_list() == ["x.org"]


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_named_by_the_plan(tmp_path, cut):
    octets = parquet(TEXTS * 100)
    (unread,) = plan(put(tmp_path, "a.parquet", octets[: int(len(octets) * cut)])).failed
    assert "a.parquet" in unread.reason and "truncated" in unread.reason


def test_damage_in_a_row_group_keeps_the_groups_before_it(tmp_path):
    texts = [f"document {i} " * 20 for i in range(1000)]
    path = put(tmp_path, "a.parquet", parquet(texts, row_group_size=100, compression="zstd"))
    place = pq.ParquetFile(path).metadata.row_group(7).column(0).data_page_offset
    octets = bytearray(path.read_bytes())
    octets[place + 60 : place + 120] = b"\xff" * 60
    path.write_bytes(octets)
    found, failure = batches(plan(path).shards[0])
    kept = pl.concat([batch.frame for batch in found])["text"].to_list()
    assert kept == texts[: len(kept)] and 700 <= len(kept) < 800
    assert "damaged" in str(failure) and "a.parquet" in str(failure)


def test_a_document_over_the_cap_is_counted(tmp_path):
    path = table(tmp_path / "a.parquet", {"text": ["a", "x" * 5000, "b"]})
    frame, skips, _, _ = read(path, limits=Limits(record_bytes=1000))
    assert frame["row"].to_list() == [0, 2] and skips == {"record_too_large": 1}


def test_an_empty_table_has_no_documents(tmp_path):
    path = table(tmp_path / "a.parquet", {"text": pa.array([], pa.string())})
    (shard,) = plan(path).shards
    assert shard.rows == 0 and batches(shard) == ([], None)


def test_too_many_columns_are_refused(tmp_path):
    path = table(tmp_path / "a.parquet", {"text": ["a"]} | {f"c{i}": [0] for i in range(50)})
    assert plan(path).shards and "columns" in plan(path, limits=Limits(columns=50)).failed[0].reason


def test_one_value_repeated_a_million_times_stays_within_bounds(tmp_path):
    """A dictionary of one long value makes a small file that decodes to a large one."""
    value = "x" * 500_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array([value]))
    path = table(tmp_path / "a.parquet", {"text": column}, dictionary_pagesize_limit=10**9)
    assert path.stat().st_size < 1_000_000
    (shard,) = plan(path).shards
    found, failure = batches(shard, batch_bytes=4_000_000)
    assert failure is None and sum(b.frame.height for b in found) == 500
    assert max(int(b.frame["text"].str.len_bytes().sum()) for b in found) <= 4_000_000


def test_the_size_of_a_dictionary_is_read_from_its_page(tmp_path):
    from auditor.sources.read.parquet import _page_bytes

    values = ["x" * 70_000, "y" * 80_001]
    path = table(tmp_path / "a.parquet", {"text": pa.array(values * 50)}, compression="zstd")
    offset = pq.ParquetFile(path).metadata.row_group(0).column(0).dictionary_page_offset
    with open(path, "rb") as stream:
        assert _page_bytes(stream, offset) == 150_001 + 2 * 4


def test_metadata_that_lies_never_raises_anything_else(tmp_path):
    octets = bytearray(parquet(TEXTS * 20))
    length = int.from_bytes(octets[-8:-4], "little")
    for size in (0, 1, length - 1, length + 1, 2**31 - 1, 2**32 - 1):
        broken = octets[:-8] + size.to_bytes(4, "little") + b"PAR1"
        assert len(plan(put(tmp_path, "a.parquet", bytes(broken))).failed) == 1


def test_polars_and_pyarrow_agree(tmp_path):
    sink = io.BytesIO(parquet(TEXTS * 50, row_group_size=7, data_page_size=100))
    frame, *_ = read(put(tmp_path, "a.parquet", sink.getvalue()), batch_bytes=10_000)
    assert frame["text"].to_list() == pl.read_parquet(sink)["text"].to_list()


@pytest.mark.parametrize("wanted", [[0], [7, 8], [3, 95], [99], [5, 15, 16, 47, 95]])
def test_of_rows_that_are_read_again_only_their_row_groups_are_read(tmp_path, wanted):
    texts = [f"text number {i}" for i in range(100)]
    path = table(tmp_path / "a.parquet", {"text": texts}, row_group_size=10)
    options = SourceOptions()
    (shard,) = plan_corpus([str(path)], options).shards
    (split,) = shard.splits
    frame = pl.concat([batch.frame for batch in read_rows(shard, split, options, np.array(wanted))])
    assert frame.filter(pl.col("row").is_in(wanted))["text"].to_list() == [texts[row] for row in wanted]
    assert set(frame["row"] // 10) == {row // 10 for row in wanted} and frame["row"].is_unique().all()


def test_rows_of_formats_without_row_groups_are_read_up_to_the_last_of_them(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"text": "text number {i}"}}\n' for i in range(100)))
    options = SourceOptions(batch_rows=10)
    (shard,) = plan_corpus([str(path)], options).shards
    (split,) = shard.splits
    frame = pl.concat([batch.frame for batch in read_rows(shard, split, options, np.array([3, 42]))])
    assert frame["row"].to_list() == [*range(50)]


def test_thousands_of_row_groups_of_one_row_are_read_together(tmp_path):
    """Each made a frame of its own: 6,000 of them held 116 MiB more, and took twice the time."""
    path = put(tmp_path, "a.parquet", parquet([f"text {i}" for i in range(700)], row_group_size=1))
    (shard,) = plan(path).shards
    assert pq.ParquetFile(path).num_row_groups > 300
    raws = list(reader_of_parquet._raws(shard, shard.splits[0], SourceOptions()))
    assert len(raws) == 1 and raws[0].frame["row"].to_list() == list(range(700))
