"""One function to read a split of any format."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Protocol

from auditor.sources.files import File
from auditor.sources.interface import Batch, Inspected, Shard, SourceOptions, Split

MODULES = {
    "parquet": "parquet",
    "jsonl": "jsonl",
    "csv": "delimited",
    "tsv": "delimited",
    "text": "plain",
    "folder": "plain",
    "warc": "warc",
    "wet": "warc",
}


class Reader(Protocol):
    """What the module of a format offers."""

    def inspect(self, file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected: ...

    def read(self, shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]: ...


def reader(format: str) -> Reader:
    """The module of a format, imported when first needed."""
    return import_module(f"auditor.sources.{MODULES[format]}")  # type: ignore[return-value]


def read_split(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The documents of a split in batches, whose boundaries depend on the file and the options alone.

    Raises: SourceError, after every good document before it, when the rest of the split cannot be read
    """
    return reader(shard.format).read(shard, split, options)
