"""What is written through a sink is read back whole; archives have a member for each record."""

import bz2
import gzip
import lzma
from io import BytesIO

import pytest
import zstandard

from auditor.sources.write.sink import Sink

RECORDS = [b"one\n", b"two\n", b"three\n" * 1000]
READERS = {
    "gz": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zst": lambda data: zstandard.ZstdDecompressor().stream_reader(BytesIO(data), read_across_frames=True).read(),
    None: lambda data: data,
}


def written(path, compression, *, by_record: bool) -> bytes:
    sink = Sink(path, compression, by_record=by_record)
    for record in RECORDS:
        sink.write(record)
    sink.close()
    assert sink.file.closed
    return path.read_bytes()


@pytest.mark.parametrize("by_record", [False, True])
@pytest.mark.parametrize("compression", list(READERS))
def test_every_record_is_read_back(tmp_path, compression, by_record):
    data = written(tmp_path / "out", compression, by_record=by_record)
    assert READERS[compression](data) == b"".join(RECORDS)


@pytest.mark.parametrize(("compression", "magic"), [("gz", b"\x1f\x8b\x08"), ("zst", b"\x28\xb5\x2f\xfd")])
def test_each_record_is_a_member_of_its_own_where_that_is_asked_for(tmp_path, compression, magic):
    assert written(tmp_path / "a", compression, by_record=True).count(magic) == len(RECORDS)
    assert written(tmp_path / "b", compression, by_record=False).count(magic) == 1


def test_the_same_records_make_the_same_bytes(tmp_path):
    first = written(tmp_path / "a", "gz", by_record=True)
    assert written(tmp_path / "b", "gz", by_record=True) == first
