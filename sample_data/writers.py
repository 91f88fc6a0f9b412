"""Shard formats: Parquet, JSONL and WET, each byte for byte the same for the same documents."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import polars as pl

LEVEL = 6


@dataclass(frozen=True, slots=True)
class Document:
    """What a shard stores of a document; date is ISO 8601 in UTC, None in a shard without dates."""

    url: str
    text: str
    date: str | None


def write_shard(path: Path, documents: Sequence[Document]) -> None:
    """Write in the format that the file's name says."""
    for suffix, writer in WRITERS.items():
        if path.name.endswith(suffix):
            writer(path, documents)
            return
    raise ValueError(f"no writer for {path.name}; known: {', '.join(WRITERS)}")


def _parquet(path: Path, documents: Sequence[Document]) -> None:
    """Columns id, url, date and text; the date column is absent where no document has one."""
    columns = {
        "id": [uuid5(NAMESPACE_URL, document.url).hex for document in documents],
        "url": [document.url for document in documents],
        "date": [document.date for document in documents],
        "text": [document.text for document in documents],
    }
    if all(document.date is None for document in documents):
        del columns["date"]
    pl.DataFrame(columns).write_parquet(path, row_group_size=128)


def _jsonl(path: Path, documents: Sequence[Document]) -> None:
    """The fields of C4: text, timestamp, url."""
    lines = [
        json.dumps({"text": document.text, "timestamp": document.date, "url": document.url}, ensure_ascii=False) + "\n"
        for document in documents
    ]
    path.write_bytes(gzip.compress("".join(lines).encode(), LEVEL, mtime=0))


def _wet(path: Path, documents: Sequence[Document]) -> None:
    """WARC/1.0 conversion records, one gzip member each, as in Common Crawl's WET files.

    Without the usual warcinfo record, so that a record's position is the document's row.
    """
    path.write_bytes(b"".join(gzip.compress(_record(document), LEVEL, mtime=0) for document in documents))


def _record(document: Document) -> bytes:
    body = document.text.encode()
    head = [
        "WARC/1.0",
        "WARC-Type: conversion",
        f"WARC-Target-URI: {document.url}",
        f"WARC-Date: {document.date}",
        f"WARC-Record-ID: <urn:uuid:{uuid5(NAMESPACE_URL, document.url)}>",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


WRITERS = {".parquet": _parquet, ".jsonl.gz": _jsonl, ".warc.wet.gz": _wet}
