"""One function to read a split of any format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Protocol

import numpy as np

from auditor.sources.find.files import File
from auditor.sources.read.interface import Batch, Inspected, Shard, SourceOptions, Split

MODULES = {
    "parquet": "parquet",
    "arrow": "arrow",
    "jsonl": "jsonl",
    "csv": "delimited",
    "tsv": "delimited",
    "text": "plain",
    "folder": "plain",
    "warc": "warc",
    "wet": "warc",
    "tar": "tar",
    "lance": "lance",
}


class Reader(Protocol):
    """What the module of a format offers."""

    def inspect(self, file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
        """Look at a file's beginning: its columns and splits."""

    def read(self, shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
        """Read a split in batches."""

    # A format that can begin in the middle also has
    # narrowed(shard, split, options, rows) -> Iterator[Split]: the pieces of a split that hold given rows.


def reader(format: str) -> Reader:
    """The module of a format, imported when first needed."""
    return import_module(f"auditor.sources.read.{MODULES[format]}")  # type: ignore[return-value]


def read_split(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The documents of a split in batches, whose boundaries depend on the file and the options alone.

    Raises: SourceError, after every good document before it, when the rest of the split cannot be read
    """
    return reader(shard.format).read(shard, split, options)


def read_rows(shard: Shard, split: Split, options: SourceOptions, rows: np.ndarray) -> Iterator[Batch]:
    """The batches of a split up to the last of these rows (k,), k > 0; parts that hold none of them may be left out.

    Raises: SourceError as `read_split` does
    """
    options = replace(options, images=False)  # they were asked when the split was read
    narrowed = getattr(reader(shard.format), "narrowed", None)
    for piece in narrowed(shard, split, options, rows) if narrowed else (split,):
        for batch in read_split(shard, piece, options):
            yield batch
            if batch.frame.height and batch.frame["row"][-1] >= rows.max():
                return
