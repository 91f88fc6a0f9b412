"""CSV and TSV, quoted newlines included: whole blocks at once, and from the first odd quote on line by line.

A quote that is never closed would swallow the rest of the file: such a record is given up, its first line counted
as bad, and parsing goes on with its second line.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Literal

import polars as pl

from auditor.errors import SourceError
from auditor.records import Skip
from auditor.sources.find.columns import detect
from auditor.sources.find.files import File
from auditor.sources.find.partitions import partitions_of
from auditor.sources.open import quoting
from auditor.sources.open.batching import batched
from auditor.sources.open.canonical import Raw
from auditor.sources.open.compression import expanded
from auditor.sources.open.lines import BLOCK, Lines, line_blocks, without_bom
from auditor.sources.read.interface import MIB, Batch, Inspected, Shard, SourceOptions, Split

CARRIED = 32 * MIB  # bytes of one quoted record above which it is left to the line parser
DELIMITERS = ",;\t|"
RETRIES = 100  # unclosed quotes at the end of a file after which quotes are taken as letters

csv.field_size_limit(2**31 - 1)  # the feed bounds records by their bytes, all fields together


def inspect(file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
    """The columns by the header; one split, since only a parser knows which newlines end records.

    Raises: SourceError for an absurd header, or two columns of the text's name; ConfigError where none is one of text
    """
    records = opened(file.path, compression, options, format)[1]
    header = [name[:80] for name in _header(records, file.path, options)]
    columns = detect(header, options, where=file.name, partitions=partitions_of(file.path))
    if header.count(columns.text or "") > 1:
        raise SourceError(f"{file.path}: two columns are named {columns.text!r}; rename one of them")
    return Inspected(columns, (Split(0, 0, file.bytes),))


def read(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The documents of a CSV or TSV file; row counts records after the header, blank lines left out."""
    return batched(_raws(shard, options), shard, options)


def _raws(shard: Shard, options: SourceOptions) -> Iterator[Raw]:
    feed, records = opened(shard.path, shard.compression, options, shard.format, errors="surrogateescape")
    rows = _Rows(shard, _header(records, shard.path, options))
    past = len("".join(feed.held).encode(errors="surrogateescape"))
    left = _Left(_blocks(shard.path, shard.compression, options))
    yield from _at_once(left, rows, past, feed.delimiter, options)
    feed = _Feed(chain(left.over, left.blocks), feed.delimiter, options)
    yield from rows.parse(feed)
    failure = left.failure or feed.failure
    if failure is not None:
        raise failure


@dataclass(slots=True)
class _Left:
    """What the parser of whole blocks leaves to the one that goes line by line."""

    blocks: Iterator[Lines]
    over: list[Lines] = field(default_factory=list)
    failure: SourceError | None = None


def _at_once(left: _Left, rows: _Rows, past: int, delimiter: str, options: SourceOptions) -> Iterator[Raw]:
    """Whole blocks from byte `past` on, until the first whose quoting is odd."""
    carry = b""
    while True:
        try:
            lines = next(left.blocks, None)
        except SourceError as error:
            lines, left.failure = None, error
        if lines is None or lines.lost or len(carry) > CARRIED or past > len(lines.octets):
            left.over = [Lines(0, carry, 0)] if carry else []
            left.over += [] if lines is None else [replace(lines, octets=lines.octets[past:])]
            return
        block, past = carry + lines.octets[past:], 0
        cut = quoting.whole_records(block, delimiter)
        if cut == 0:
            carry = block
            continue
        if cut is None:
            left.over = [Lines(0, block, 0)]
            return
        frame = quoting.parsed(block[:cut], delimiter, rows.width, rows.places)
        if frame is not None:
            yield rows.at_once(frame)
        else:
            yield from rows.parse(_Feed([Lines(0, block[:cut], 0)], delimiter, options))
        carry = block[cut:]


def _blocks(path: str, compression: str | None, options: SourceOptions) -> Iterator[Lines]:
    pieces = expanded(path, compression, limits=options.limits, storage=options.storage)
    return line_blocks(without_bom(pieces), first=0, longest=options.limits.record_bytes)


def opened(
    path: str, compression: str | None, options: SourceOptions, format: str, *, errors: str = "replace"
) -> tuple[_Feed, Iterator[list[str] | str]]:
    """The feed of lines and the records parsed from it: fields, or the reason why there are none.

    feed.held are the lines of the record last given.
    """
    blocks = _blocks(path, compression, options)
    first = next(blocks, Lines(0, b"", 0))
    delimiter = _delimiter(first.octets.split(b"\n", 1)[0], format)
    feed = _Feed(chain((first,), blocks), delimiter, options, errors=errors)
    return feed, _records(feed, delimiter)


def _header(records: Iterator[list[str] | str], path: str, options: SourceOptions) -> list[str]:
    header = next(records, "empty")
    if isinstance(header, str):
        raise SourceError(f"{path}: no header line ({header}; at most {options.limits.columns:,} columns are read)")
    if len(header) > options.limits.columns:
        raise SourceError(f"{path}: {len(header):,} columns, more than {options.limits.columns:,}; not read")
    return header


def _delimiter(line: bytes, format: str) -> str:
    """The commonest of the usual delimiters outside quotes in the header: spreadsheets of half the world write ;"""
    if format == "tsv":
        return "\t"
    outside = b"".join(line.split(b'"')[::2])
    return max(DELIMITERS, key=lambda delimiter: outside.count(delimiter.encode()))


class _Unfit(Exception):
    """The record at hand cannot be parsed further."""


class Lost(str):
    """In place of a line: the reason why there is none."""


class _Feed:
    """Lines for the parser, with those of the record at hand kept, so that they can be taken back."""

    def __init__(
        self, blocks: Iterable[Lines], delimiter: str, options: SourceOptions, *, errors: str = "replace"
    ) -> None:
        self.errors = errors
        self.source = self._decoded(iter(blocks))
        self.delimiter, self.limits = delimiter, options.limits
        self.back: deque[str] = deque()
        self.failure: SourceError | None = None
        self.replaced = False
        self.forget()

    def forget(self) -> None:
        self.held: list[str] = []
        self.size, self.ended, self.dirty = 0, False, False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else next(self.source, None)
        if line is None:
            self.ended = True
            raise StopIteration
        inside = bool(self.held)  # the parser asks for a second line of a record only within quotes
        self.held.append(line)
        self.size += len(line)
        if isinstance(line, Lost):
            raise _Unfit(line)
        if self.size > self.limits.record_bytes:
            raise _Unfit("unclosed_quote")
        if line.count(self.delimiter) >= self.limits.columns:
            outside = line.split('"')[inside::2]
            if sum(part.count(self.delimiter) for part in outside) >= self.limits.columns:
                raise _Unfit("too_many_columns")
        self.dirty |= self.replaced and "\ufffd" in line
        return line

    def _decoded(self, blocks: Iterator[Lines]) -> Iterator[str]:
        """Lines with their ends, or the reason why one was lost."""
        try:
            for lines in blocks:
                if lines.lost:
                    yield Lost(lines.lost)
                    continue
                try:
                    text, self.replaced = lines.octets.decode(), False
                except UnicodeDecodeError:
                    text, self.replaced = lines.octets.decode(errors=self.errors), True
                yield from io.StringIO(text, newline="\n")
        except SourceError as error:
            self.failure = error


def _records(feed: _Feed, delimiter: str) -> Iterator[list[str] | str]:
    """Records as lists of fields, or the reason why one could not be parsed."""
    retries = 0
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    reader = csv.reader(feed, delimiter=delimiter, quoting=quoting)
    while True:
        reason = ""
        feed.forget()
        try:
            record = next(reader, None)
            if record is None:
                return
            if feed.ended:
                reason = "unclosed_quote"
            elif record:
                yield record
        except csv.Error:
            reason = "bad_row"
        except _Unfit as unfit:
            reason = str(unfit)
        if reason:
            yield reason
            if len(feed.held) > 1:
                # All but the first line may be good: parse them again.
                feed.back.extendleft(reversed(feed.held[1:]))
                retries += 1
                quoting = csv.QUOTE_NONE if retries > RETRIES else quoting
            reader = csv.reader(feed, delimiter=delimiter, quoting=quoting)


class _Rows:
    """Gathers the wanted fields of records."""

    def __init__(self, shard: Shard, header: list[str]) -> None:
        self.shard, self.width, self.row = shard.name, len(header), 0
        used = shard.columns.used()
        self.places = {role: header.index(name) for role, name in used.items() if header.count(name) == 1}
        ambiguous = {role: name for role, name in used.items() if header.count(name) > 1}
        self._clear()
        self.notes += [
            Skip(shard.name, f"{role}_ambiguous", detail=f"two columns are named {name!r}")
            for role, name in ambiguous.items()
        ]

    def _clear(self) -> None:
        self.size = 0
        self.kept: dict[str, list[Any]] = {"row": []} | {role: [] for role in self.places}
        self.skips: list[Skip] = []
        self.notes: list[Skip] = []

    def parse(self, feed: _Feed) -> Iterator[Raw]:
        """All records of a feed, line by line."""
        for record in _records(feed, feed.delimiter):
            self.add(record, feed)
            if self.size >= BLOCK:
                yield self.finish()
        yield self.finish()

    def add(self, record: list[str] | str, feed: _Feed) -> None:
        """Take one record, or the reason why there is none."""
        row, self.row = self.row, self.row + 1
        if isinstance(record, str):
            self.skips.append(Skip(self.shard, record, row=row))
        elif any(record[self.width :]):
            detail = f"{len(record)} fields where the header has {self.width}"
            self.skips.append(Skip(self.shard, "bad_row", row=row, detail=detail))
        elif len(record) <= self.places["text"]:
            self.skips.append(Skip(self.shard, "no_text", row=row, detail=f"only {len(record)} fields"))
        else:
            self.kept["row"].append(row)
            for role, place in self.places.items():
                self.kept[role].append(record[place] if place < len(record) else None)
            self.size += feed.size
            if feed.dirty:
                self.notes.append(Skip(self.shard, "invalid_utf8_replaced", row=row))

    def at_once(self, frame: pl.DataFrame) -> Raw:
        """Records that all fit the header."""
        first, self.row = self.row, self.row + frame.height
        return Raw(frame.select(pl.int_range(first, self.row, dtype=pl.Int64).alias("row"), pl.all()))

    def finish(self) -> Raw:
        frame = pl.DataFrame(self.kept, schema={"row": pl.Int64} | dict.fromkeys(self.places, pl.String))
        raw = Raw(frame, tuple(self.skips), tuple(self.notes))
        self._clear()
        return raw
