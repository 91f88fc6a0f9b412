"""Small corpora for the tests of sources: the same documents in every format and compression."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import zstandard

from auditor.errors import SourceError
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import Batch, Corpus, Shard, SourceOptions

COMPRESS = {
    "": lambda octets: octets,
    ".gz": partial(gzip.compress, mtime=0),  # the same bytes in every process that collects tests
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
TEXTS = [
    "A plain sentence.",
    'Zwei Sätze mit Umlauten. Und "Anführung", mit Komma.',
    "three\nlines\nhere",
    "日本語のテキスト、句読点。",
    "emoji 😀 and a tab\tinside",
    "",
    "   ",
    "x" * 5000,
]


def jsonl(texts: Sequence[str | None], **more: Sequence) -> bytes:
    rows = [
        {
            "text": text,
            "id": f"doc-{i}",
            "url": f"https://Host{i % 3}.example.org:443/{i}",
            "date": f"2019-04-{i % 28 + 1:02d}",
        }
        | {name: values[i] for name, values in more.items()}
        for i, text in enumerate(texts)
    ]
    return b"".join(json.dumps(row, ensure_ascii=i % 2 == 0).encode() + b"\n" for i, row in enumerate(rows))


def frame(texts: Sequence[str | None]) -> pl.DataFrame:
    return pl.read_ndjson(io.BytesIO(jsonl(texts)), schema=dict.fromkeys(("text", "id", "url", "date"), pl.String))


def parquet(texts: Sequence[str | None], **options) -> bytes:
    sink = io.BytesIO()
    frame(texts).write_parquet(sink, **options)
    return sink.getvalue()


def delimited(texts: Sequence[str], delimiter: str = ",") -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, delimiter=delimiter)
    writer.writerow(["id", "text", "url", "date"])
    for i, text in enumerate(texts):
        writer.writerow([f"doc-{i}", text, f"https://Host{i % 3}.example.org:443/{i}", f"2019-04-{i % 28 + 1:02d}"])
    return sink.getvalue().encode()


def warc_record(i: int, body: bytes, *, kind: str = "conversion", length: int | None = None) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: doc-{i}\r\n"
        f"WARC-Target-URI: https://Host{i % 3}.example.org:443/{i}\r\nWARC-Date: 2019-04-{i % 28 + 1:02d}T00:00:00Z\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def wet(texts: Sequence[str]) -> bytes:
    return b"".join(warc_record(i, text.encode()) for i, text in enumerate(texts))


def page(text: str, content_type: str = "text/html; charset=utf-8") -> bytes:
    html = f"<html><head><title>T</title></head><body><main><p>{text}</p></main></body></html>".encode()
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(html)}\r\n\r\n".encode() + html


def arrow(texts: Sequence[str | None]) -> bytes:
    sink = io.BytesIO()
    table = frame(texts).to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    return sink.getvalue()


MAKE = {
    ".arrow": arrow,
    ".jsonl": jsonl,
    ".parquet": parquet,
    ".csv": delimited,
    ".tsv": lambda texts: delimited(texts, "\t"),
    ".wet": wet,
}
# Every format in every compression; Parquet compresses inside.
PACKINGS = [(suffix, packing) for suffix in MAKE for packing in COMPRESS if suffix != ".parquet" or not packing]


def put(folder: Path, name: str, octets: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path


def plan(path: Path | str, **options) -> Corpus:
    return plan_corpus([str(path)], SourceOptions(**options))


def batches(shard: Shard, **options) -> tuple[list[Batch], SourceError | None]:
    """All batches of a shard, and the error it ended with."""
    found: list[Batch] = []
    failure = None
    for split in shard.splits:
        try:
            for batch in read_split(shard, split, SourceOptions(**options)):
                found.append(batch)
        except SourceError as error:
            failure = error
    return found, failure


def read(path: Path | str, **options) -> tuple[pl.DataFrame, dict[str, int], dict[str, int], SourceError | None]:
    """Documents, counts of skips and of notes, and the error, of a corpus of one shard."""
    (shard,) = plan(path, **options).shards
    found, failure = batches(shard, **options)
    return (
        pl.concat([batch.frame for batch in found]) if found else pl.DataFrame(),
        counted([skip for batch in found for skip in batch.skips]),
        counted([note for batch in found for note in batch.notes]),
        failure,
    )


def met(path: Path | str, **options) -> int:
    """How many records the reader of a corpus of one shard says that it met."""
    (shard,) = plan(path, **options).shards
    return sum(batch.records for batch in batches(shard, **options)[0])


def counted(skips: Sequence) -> dict[str, int]:
    counts: dict[str, int] = {}
    for skip in skips:
        counts[skip.reason] = counts.get(skip.reason, 0) + skip.documents
    return counts
