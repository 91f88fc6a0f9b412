"""CSV and TSV, quoted newlines included: whole blocks at once, and line by line from the first irregular quote on.

A stray quote would swallow the lines up to the next one, or the rest of the file. A record that does not follow the
rules of RFC 4180 is read in another way that gives it the header's number of fields (quotes.py); where there is none
its first line is counted as bad, and parsing goes on with its second line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

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
from auditor.sources.read.table_records import Feed, records_of

CARRIED = 32 * MIB  # bytes of one quoted record above which it is left to the line parser
DELIMITERS = ",;\t|"


def inspect(file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
    """The columns by the header; one split, since only a parser knows which newlines end records.

    Raises: SourceError for an absurd header, or two columns of the text's name; ConfigError where none holds text
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
    feed = Feed(chain(left.over, left.blocks), feed.delimiter, options)
    yield from rows.parse(feed)
    failure = left.failure or feed.failure
    if failure is not None:
        raise failure


@dataclass(slots=True)
class _Left:
    """What the block parser leaves to the line parser."""

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
            yield from rows.parse(Feed([Lines(0, block[:cut], 0)], delimiter, options))
        carry = block[cut:]


def _blocks(path: str, compression: str | None, options: SourceOptions) -> Iterator[Lines]:
    pieces = expanded(path, compression, limits=options.limits, storage=options.storage)
    return line_blocks(without_bom(pieces), first=0, longest=options.limits.record_bytes)


def opened(
    path: str, compression: str | None, options: SourceOptions, format: str, *, errors: str = "replace"
) -> tuple[Feed, Iterator[list[str] | str]]:
    """The feed of lines and the records parsed from it: fields, or the reason why there are none.

    feed.held: the lines of the latest record.
    """
    blocks = _blocks(path, compression, options)
    first = next(blocks, Lines(0, b"", 0))
    delimiter = _delimiter(first.octets.split(b"\n", 1)[0], format)
    feed = Feed(chain((first,), blocks), delimiter, options, errors=errors)
    return feed, records_of(feed, delimiter)


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
        self.size = self.records = 0
        self.kept: dict[str, list[Any]] = {"row": []} | {role: [] for role in self.places}
        self.skips: list[Skip] = []
        self.notes: list[Skip] = []

    def parse(self, feed: Feed) -> Iterator[Raw]:
        """All records of a feed, line by line."""
        for record in records_of(feed, feed.delimiter, self.width):
            self.add(record, feed)
            if self.size >= BLOCK:
                yield self.finish()
        yield self.finish()

    def add(self, record: list[str] | str, feed: Feed) -> None:
        """Take one record, or the reason why there is none."""
        row, self.row = self.row, self.row + 1
        self.records += 1
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
            if feed.mended:
                self.notes.append(Skip(self.shard, "quote_mended", row=row))
            if feed.dirty:
                self.notes.append(Skip(self.shard, "invalid_utf8_replaced", row=row))

    def at_once(self, frame: pl.DataFrame) -> Raw:
        """Records that all fit the header."""
        first, self.row = self.row, self.row + frame.height
        rows = pl.int_range(first, self.row, dtype=pl.Int64).alias("row")
        return Raw(frame.select(rows, pl.all()), records=frame.height)

    def finish(self) -> Raw:
        frame = pl.DataFrame(self.kept, schema={"row": pl.Int64} | dict.fromkeys(self.places, pl.String))
        raw = Raw(frame, tuple(self.skips), tuple(self.notes), self.records)
        self._clear()
        return raw
