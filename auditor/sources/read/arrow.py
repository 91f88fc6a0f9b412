"""Arrow IPC files (Feather version 2) and streams, such as Hugging Face datasets' `save_to_disk` writes.

A file is mapped or read batch by batch; a batch is as large as its writer made it, and is cut up afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from auditor.errors import SourceError
from auditor.sources.find.files import File, open_binary
from auditor.sources.open.batching import batched
from auditor.sources.open.canonical import Raw
from auditor.sources.open.compression import Stream, expanded
from auditor.sources.open.tables import columns_of, raw_of
from auditor.sources.read.interface import Batch, Inspected, Shard, SourceOptions, Split

FILE_MAGIC = b"ARROW1"
ROWS = 4096  # of a batch that are turned into records together


def inspect(file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
    """The columns by the schema; one split, since batches have no index in a stream.

    Raises: SourceError when it is no Arrow file, or damaged; ConfigError when it has no column of text
    """
    with Opened(file.path, compression, options) as opened:
        return Inspected(columns_of(opened.schema, file, options), (Split(0, 0, file.bytes),))


def read(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The documents of all record batches."""
    return batched(_raws(shard, options), shard, options)


def _raws(shard: Shard, options: SourceOptions) -> Iterator[Raw]:
    row = 0
    needed = shard.columns.to_read(images=options.images)
    names = {name.split(".")[0] for name in needed} | set(needed)
    with Opened(shard.path, shard.compression, options) as opened:
        wanted = [i for i, field in enumerate(opened.schema) if field.name in names]
        for batch in opened.batches():
            batch = batch.select(wanted)
            for start in range(0, batch.num_rows, ROWS):
                piece = batch.slice(start, ROWS)
                yield raw_of(piece, shard, row, options)
                row += piece.num_rows


class Opened:
    """An Arrow file or stream with its schema, closed at the end of a `with`."""

    def __init__(self, path: str, compression: str | None, options: SourceOptions) -> None:
        self.path = path
        self.row = 0
        if compression:
            pieces = expanded(path, compression, limits=options.limits, storage=options.storage)
            self.stream: Any = Stream(pieces)
            self.random = False
        else:
            self.stream = open_binary(path, options.storage)
            self.random = _begins_with(self.stream, FILE_MAGIC)
        try:
            self.reader: Any = pa.ipc.open_file(self.stream) if self.random else pa.ipc.open_stream(self.stream)
        except (pa.ArrowException, OSError, EOFError, ValueError) as error:
            self.stream.close()
            raise SourceError(
                f"{path}: not a whole Arrow file or stream ({_first_line(error)}); truncated, or still being written?"
            ) from error
        self.schema = self.reader.schema

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All record batches in turn.

        Raises: SourceError at the damage, after every batch before it
        """
        at = 0
        while True:
            try:
                if self.random and at == self.reader.num_record_batches:
                    return
                batch = self.reader.get_batch(at) if self.random else self.reader.read_next_batch()
                batch.validate()
            except StopIteration:
                return
            except (pa.ArrowException, OSError, EOFError, ValueError) as error:
                raise SourceError(
                    f"{self.path}: damaged Arrow data after row {self.row:,} ({_first_line(error)}); the rest is lost"
                ) from error
            at += 1
            self.row += batch.num_rows
            yield batch


def _begins_with(stream: BinaryIO, magic: bytes) -> bool:
    head = stream.read(len(magic))
    stream.seek(0)
    return head == magic


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
