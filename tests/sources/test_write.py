"""A filtered shard holds the kept records byte for byte, in the same format and compression."""

import gzip

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import SourceError
from auditor.sources.read.interface import SourceOptions
from auditor.sources.write import _Kept, write_filtered
from tests.sources.corpora import COMPRESS, MAKE, plan, put, read, warc_record

TEXTS = [f'document {i}\nwith é and "quotes", {"long " * (i % 40)}'.strip() for i in range(400)]
OPTIONS = SourceOptions()


def filtered(path, keep, target, **options):
    (shard,) = plan(path, **options).shards
    return write_filtered(shard, np.asarray(keep, np.int64), target, SourceOptions(**options))


@pytest.mark.parametrize("suffix", MAKE)
@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("keep", [[], [0], [399], list(range(0, 400, 7)), list(range(400))], ids=len)
def test_what_is_kept_reads_the_same_as_before(tmp_path, suffix, compression, keep):
    if suffix == ".parquet" and compression:
        pytest.skip("Parquet compresses inside")
    path = put(tmp_path / "in", f"a{suffix}{compression}", COMPRESS[compression](MAKE[suffix](TEXTS)))
    target = tmp_path / "out" / path.name
    assert filtered(path, keep, target) == len(keep)
    assert [entry.name for entry in target.parent.iterdir()] == [path.name]
    if keep:
        frame, *_ = read(target)
        before, *_ = read(path)
        assert frame.drop("row").equals(before[keep].drop("row"))


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".wet"])
def test_keeping_everything_gives_the_same_bytes(tmp_path, suffix):
    octets = MAKE[suffix](TEXTS) if suffix != ".jsonl" else b'{"x": 1, "text": "\\u00e9", "y": [1,  2]}\n' * 300
    path = put(tmp_path, f"a{suffix}", octets)
    filtered(path, range(400), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == octets


def test_kept_records_are_byte_equal_even_where_they_are_not_utf8(tmp_path):
    lines = [b"id,text\n", b'1,"a\xff\nb"\n', b"2,c\n", b'3,"d, \xe9"\n']
    path = put(tmp_path, "a.csv", b"".join(lines))
    filtered(path, [0, 2], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == lines[0] + lines[1] + lines[3]


def test_parquet_keeps_schema_codecs_and_row_groups(tmp_path):
    path = put(tmp_path, "a.parquet", MAKE[".parquet"](TEXTS, row_group_size=100, compression="snappy"))
    filtered(path, range(0, 400, 2), tmp_path / "out.parquet")
    before, after = pq.ParquetFile(path), pq.ParquetFile(tmp_path / "out.parquet")
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert [after.metadata.row_group(i).num_rows for i in range(after.num_row_groups)] == [50] * 4
    assert after.metadata.row_group(0).column(0).compression == "SNAPPY"


def test_an_archive_keeps_its_records_that_are_no_documents_each_a_member(tmp_path):
    records = [warc_record(0, b"software: x", kind="warcinfo"), *(warc_record(i, b"text") for i in range(1, 5))]
    path = put(tmp_path, "a.wet.gz", b"".join(map(gzip.compress, records)))
    assert filtered(path, [2, 4], tmp_path / "out.wet.gz") == 2
    packed = (tmp_path / "out.wet.gz").read_bytes()
    assert gzip.decompress(packed) == records[0] + records[2] + records[4]
    assert packed.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") == 3


def test_folders_and_units_of_text_are_filtered(tmp_path):
    for i in range(4):
        put(tmp_path / "in", f"{i}.txt", f"one {i}\n\ntwo {i}\nmore".encode())
    assert filtered(tmp_path / "in", [1, 3], tmp_path / "out") == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.txt", "3.txt"]
    lines = put(tmp_path, "l.txt", b"a\r\nb\nc")
    assert filtered(lines, [0, 2], tmp_path / "l2.txt", text_unit="line") == 2
    assert (tmp_path / "l2.txt").read_bytes() == b"a\r\nc"
    assert filtered(tmp_path / "in" / "0.txt", [1], tmp_path / "p.txt", text_unit="paragraph") == 1
    assert (tmp_path / "p.txt").read_bytes() == b"two 0\nmore\n\n"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".wet"])
def test_a_damaged_shard_is_written_as_far_as_it_goes_and_said(tmp_path, suffix):
    octets = gzip.compress(MAKE[suffix](TEXTS))
    path = put(tmp_path, f"a{suffix}.gz", octets[: len(octets) // 2])
    target = tmp_path / f"out{suffix}.gz"
    with pytest.raises(SourceError, match="truncated"):
        filtered(path, range(400), target)
    frame, *_ = read(target)
    assert frame["text"].to_list() == TEXTS[: frame.height] and frame.height > 50


@given(st.sets(st.integers(0, 60)), st.lists(st.integers(1, 9), max_size=20))
def test_masks_over_rising_rows_are_membership(keep, counts):
    kept, first = _Kept(np.array(sorted(keep), np.int64)), 0
    for count in counts:
        assert kept.among(first, count).tolist() == [row in keep for row in range(first, first + count)]
        first += count
