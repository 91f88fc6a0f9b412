"""Lines of a table into records: by the rules of RFC 4180 where they hold, otherwise in another way that fits the
header."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from auditor.errors import SourceError
from auditor.sources.open.lines import Lines
from auditor.sources.read import quotes
from auditor.sources.read.interface import SourceOptions

RETRIES = 100  # unclosed quotes at the end of a file after which quotes are taken as letters

csv.field_size_limit(2**31 - 1)  # the feed bounds records by their bytes, all fields together


class _Unfit(ValueError):
    """The record at hand cannot be parsed further."""


class Lost(str):
    """In place of a line: the reason why there is none."""


class Feed:
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
        """Begin a new record: its lines can no longer be taken back."""
        self.held: list[str] = []
        self.size, self.ended, self.dirty, self.mended = 0, False, False, False

    def take_back(self, kept: int) -> None:
        """Give all but the first lines of the record at hand to the next one."""
        self.back.extendleft(reversed(self.held[kept:]))
        del self.held[kept:]
        self.ended = False

    def __iter__(self) -> Feed:
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


def records_of(feed: Feed, delimiter: str, width: int | None = None) -> Iterator[list[str] | str]:
    """Records as lists of fields, or the reason why one could not be parsed; width: fields of the header, which is the
    first record where none is given."""
    unclosed = 0
    while True:
        feed.forget()
        quoting: Any = csv.QUOTE_NONE if unclosed > RETRIES else csv.QUOTE_MINIMAL
        strict: Any = csv.reader(feed, delimiter=delimiter, quoting=quoting, strict=True)
        record, reason = None, ""
        try:
            record = next(strict, None)
            if record is None:
                return
        except csv.Error:
            reason = "unclosed_quote" if feed.ended else "bad_row"
        except _Unfit as unfit:
            reason = str(unfit)
        if width is None:
            width = len(record or ())
        elif reason or not _is_sound(record or [], feed, width):
            unclosed += reason == "unclosed_quote"
            mended = _mended(feed, width)
            if mended is None and len(feed.held) > 1 and any((record or [])[width:]):
                reason = "bad_row"
            record, reason = mended or record, "" if mended else reason
        if reason:
            feed.take_back(1)
            yield reason
        elif record:
            yield record


def _is_sound(record: list[str], feed: Feed, width: int) -> bool:
    """Whether a record that follows the rules of quoting is one, and not several that stray quotes have joined."""
    if any(record[width:]) or (0 < len(record) < width and '"' in feed.held[0]):
        return False
    # Text of a TSV seldom has tabs: lines that are whole records by themselves are records.
    return len(feed.held) == 1 or feed.delimiter != "\t" or not quotes.all_literal(feed.held, "\t", width)


def _mended(feed: Feed, width: int) -> list[str] | None:
    """The record at hand read in another way, with the lines that are not its own given back; None where none fits."""
    first, lines = feed.held[0], len(feed.held)
    if '"' not in first or isinstance(first, Lost):
        return None
    record = None
    if any('\\"' in line for line in feed.held):
        feed.take_back(1)
        record = quotes.escaped(first, feed, feed.delimiter, width)
        while record is None and len(feed.held) < lines and not feed.ended:
            _advance(feed)
    if record is None:
        record = quotes.unescaped_inside(first, feed.delimiter, width) or quotes.literal(first, feed.delimiter, width)
        if record is not None:
            feed.take_back(1)
    feed.mended = record is not None
    return record


def _advance(feed: Feed) -> None:
    """Take the next line into the record at hand, as it was before."""
    with suppress(StopIteration, _Unfit):
        next(feed)
