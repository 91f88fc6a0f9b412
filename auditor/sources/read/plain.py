"""Plain text: a file, or a folder of files; a document is a file, a line, or a paragraph between blank lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from typing import Any

import polars as pl

from auditor.errors import SourceError
from auditor.records import Skip
from auditor.sources.find.files import File, is_url, open_binary, walk
from auditor.sources.find.formats import by_name, compression_of
from auditor.sources.open.batching import batched
from auditor.sources.open.canonical import Raw
from auditor.sources.open.compression import expanded
from auditor.sources.open.lines import BLOCK, line_blocks, without_bom
from auditor.sources.read.interface import Batch, Columns, Inspected, Shard, SourceOptions, Split

COLUMNS = Columns(text="text", id="name", family="plain text")
MEMBERS = 20_000  # files of a folder in one split


def inspect(file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
    """One split for a file; runs of files for a folder."""
    if format == "text":
        return Inspected(COLUMNS, (Split(0, 0, file.bytes),), 1 if options.text_unit == "file" else None)
    count = len(members(file.path, options))
    step = MEMBERS
    spans = [(a, min(a + step, count)) for a in range(0, count, step)]
    known = options.text_unit == "file"
    splits = tuple(
        Split(i, a, b, a, b - a if known else None) for i, (a, b) in enumerate(spans if known else [(0, count)])
    )
    return Inspected(COLUMNS, splits, count if known else None)


def members(folder: str, options: SourceOptions) -> list[File]:
    """The text files directly in a folder, by name."""
    files = [file for file in walk(folder, options.storage) if "/" not in file.name]
    texts = [f for f in files if by_name(f.name).format == "text" and not f.name.startswith((".", "_"))]
    return [f for f in texts if f.bytes or is_url(f.path) or not os.path.exists(f.path) or os.path.isfile(f.path)]


def read(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The documents of a file, or of a run of a folder's files.

    Raises: SourceError at the end where files were damaged: one bad file of a folder takes only itself down
    """
    return batched(_raws(shard, split, options), shard, options)


def _raws(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Raw]:
    if shard.format == "text":
        files = [File(shard.name, shard.path, shard.bytes, shard.mtime)]
    else:
        files = members(shard.path, options)[split.start : split.stop]
    builder = Builder(shard.name, split.first_row, options)
    lost: list[str] = []
    for file in files:
        # A damaged file's number stays taken, so that rows don't depend on the damage.
        after = builder.row + 1
        try:
            compression = shard.compression if shard.format == "text" else _compression(file, options)
            pieces = expanded(file.path, compression, limits=options.limits, storage=options.storage)
            for record in UNITS[options.text_unit](without_bom(pieces), options.limits.record_bytes):
                builder.add(record, file.name if options.text_unit == "file" else None)
                if builder.size >= BLOCK:
                    yield builder.finish()
        except SourceError as error:
            lost.append(str(error))
            if shard.format == "folder" and builder.row < after:
                builder.lost(file.name)
            builder.row = max(builder.row, after)
    yield builder.finish()
    if lost:
        raise SourceError(lost[0] + (f" (and {len(lost) - 1:,} more files of this folder)" if lost[1:] else ""))


class Builder:
    """Gathers records given as bytes; None stands for one that was too large."""

    def __init__(self, shard: str, row: int, options: SourceOptions) -> None:
        self.shard, self.row, self.options = shard, row, options
        self._clear()

    def _clear(self) -> None:
        self.size = 0
        self.records = 0
        self.kept: dict[str, list[Any]] = {"row": [], "name": [], "text": []}
        self.skips: list[Skip] = []
        self.notes: list[Skip] = []

    def add(self, record: bytes | None, name: str | None) -> None:
        """Take one document; None is one longer than the limit."""
        self.records += 1
        if record is None:
            detail = f"longer than {self.options.limits.record_bytes:,} bytes"
            self.skips.append(Skip(self.shard, "record_too_large", row=self.row, detail=detail))
        else:
            try:
                text = record.decode()
            except UnicodeDecodeError:
                text = record.decode(errors="replace")
                self.notes.append(Skip(self.shard, "invalid_utf8_replaced", row=self.row))
            for key, value in (("row", self.row), ("name", name), ("text", text)):
                self.kept[key].append(value)
            self.size += len(record)
        self.row += 1

    def lost(self, name: str) -> None:
        """Count a file of a folder of which nothing could be read."""
        self.records += 1
        self.skips.append(Skip(self.shard, "unreadable_file", row=self.row, detail=name))

    def finish(self) -> Raw:
        """The records since the last call."""
        frame = pl.DataFrame(self.kept, schema={"row": pl.Int64, "name": pl.String, "text": pl.String})
        raw = Raw(frame, tuple(self.skips), tuple(self.notes), self.records)
        self._clear()
        return raw


def _compression(file: File, options: SourceOptions) -> str | None:
    with open_binary(file.path, options.storage) as stream:
        return compression_of(stream.read(8))


def _files(pieces: Iterator[bytes], longest: int) -> Iterator[bytes | None]:
    """The whole file as one record."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > longest:
            yield None
            return
        held.append(piece)
    yield b"".join(held)


def _lines(pieces: Iterator[bytes], longest: int) -> Iterator[bytes | None]:
    for lines in line_blocks(pieces, first=0, longest=longest):
        if lines.lost:
            yield None
        else:
            yield from (line.removesuffix(b"\r") for line in lines.octets.split(b"\n")[: lines.count])


def _paragraphs(pieces: Iterator[bytes], longest: int) -> Iterator[bytes | None]:
    """Runs of lines between blank ones."""
    held: list[bytes] = []
    size = 0
    for line in chain(_lines(pieces, longest), (b"",)):
        if line is None or line.strip():
            held.append(line or b"")
            size += longest + 2 if line is None else len(line) + 1
            held = held if size <= longest + 1 else [b""]
        elif held:
            yield b"\n".join(held) if size <= longest + 1 else None
            held, size = [], 0


UNITS = {"file": _files, "line": _lines, "paragraph": _paragraphs}
