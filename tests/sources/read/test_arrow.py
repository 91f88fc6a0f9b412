"""Arrow IPC: files, streams, folders of `save_to_disk`, compression, damage, partitions."""

import dataclasses
import datetime as dt
import io
import json

import polars as pl
import pyarrow as pa
import pytest

from auditor.sources.read.interface import Shard
from tests.sources.corpora import COMPRESS, TEXTS, batches, plan, put, read


def stream(table: pa.Table, *, rows: int | None = None, codec: str | None = None, whole_file: bool = False) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    make = pa.ipc.new_file if whole_file else pa.ipc.new_stream
    with make(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


TABLE = pa.table({"id": [f"d{i}" for i in range(len(TEXTS) * 20)], "text": TEXTS * 20})


@pytest.mark.parametrize("whole_file", [False, True])
@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("suffix", [".arrow", ".feather", ".ipc", ".arrows"])
def test_files_and_streams_are_read(tmp_path, suffix, codec, whole_file):
    octets = stream(TABLE, rows=7, codec=codec, whole_file=whole_file)
    frame, skips, notes, failure = read(put(tmp_path, f"a{suffix}", octets))
    assert frame["text"].to_list() == TEXTS * 20 and (skips, notes, failure) == ({}, {}, None)
    assert frame["doc_id"].to_list() == TABLE["id"].to_pylist() and frame["row"].to_list() == [*range(160)]


@pytest.mark.parametrize("packed", COMPRESS)
def test_streams_may_be_compressed_as_a_whole(tmp_path, packed):
    frame, *_ = read(put(tmp_path, f"a.arrow{packed}", COMPRESS[packed](stream(TABLE))))
    assert frame["text"].to_list() == TEXTS * 20


def test_a_folder_of_save_to_disk_is_read_without_its_descriptions(tmp_path):
    put(tmp_path, "train/data-00000-of-00001.arrow", stream(TABLE))
    put(tmp_path, "train/dataset_info.json", b'{\n "features": {}\n}')
    put(tmp_path, "train/state.json", b'{"_split": "train"}')
    put(tmp_path, "dataset_dict.json", b'{"splits": ["train"]}')
    corpus = plan(tmp_path)
    assert [shard.name for shard in corpus.shards] == ["train/data-00000-of-00001.arrow"] and corpus.failed == ()


def test_a_damaged_stream_gives_its_whole_batches(tmp_path):
    octets = stream(TABLE, rows=10)
    found, failure = batches(plan(put(tmp_path, "a.arrow", octets[: len(octets) * 2 // 3])).shards[0])
    kept = pl.concat([batch.frame for batch in found])["text"].to_list()
    assert kept == (TEXTS * 20)[: len(kept)] and len(kept) >= 50
    assert "damaged Arrow data after row" in str(failure)


@pytest.mark.parametrize("octets", [b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0" + b"x" * 99, b"no arrow at all" * 9])
def test_what_is_no_arrow_is_named(tmp_path, octets):
    put(tmp_path, "good.jsonl", json.dumps({"text": "x"}).encode())
    (failed,) = plan(put(tmp_path, "bad.arrow", octets).parent).failed
    assert failed.name == "bad.arrow" and "Arrow" in failed.reason


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".arrow"])
def test_hive_partitions_are_columns(tmp_path, suffix):
    table = pa.table({"text": ["a text", "b text"]})
    made = {
        ".arrow": lambda: stream(table),
        ".jsonl": lambda: b'{"text": "a text"}\n{"text": "b text"}\n',
        ".parquet": lambda: parquet_of(table),
    }
    path = put(tmp_path, f"dump=CC-MAIN-2018-34/lang=de/year=2019/month=3/part-0{suffix}", made[suffix]())
    frame, *_ = read(path)
    assert frame["language"].to_list() == ["de", "de"] and frame["source"].to_list() == ["CC-MAIN-2018-34"] * 2
    assert frame["date"].to_list() == [dt.date(2019, 3, 1)] * 2
    (shard,) = plan(tmp_path).shards
    assert (
        Shard.from_dict(json.loads(json.dumps(dataclasses.asdict(shard)))) == shard
        and shard.columns.date_kind == "written"
    )
    assert dict(shard.partitions) == {"language": "de", "source": "CC-MAIN-2018-34", "date": "2019-03"}


def parquet_of(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_a_column_of_the_file_comes_before_the_partition_and_null_is_none(tmp_path):
    body = b'{"text": "a", "lang": "fr"}\n'
    assert read(put(tmp_path / "1", "lang=de/a.jsonl", body))[0]["language"].to_list() == ["fr"]
    path = put(tmp_path / "2", "lang=__HIVE_DEFAULT_PARTITION__/a.jsonl", b'{"text": "a"}\n')
    assert read(path)[0]["language"].to_list() == [None]
    path = put(tmp_path / "3", "theme=a%20b/a.jsonl", b'{"text": "a"}\n')
    assert read(path, topic_column="theme")[0]["topic"].to_list() == ["a b"]
