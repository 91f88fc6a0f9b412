"""WARC and WET archives, record by record, with a search for the next record wherever one is damaged.

Written by hand because the parsers that were tried (warcio, fastwarc) stop at the first wrong length, and fastwarc
needs a seekable file, so that a compressed archive would have to be unpacked first. The body of a response is read by
http.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from auditor.errors import SourceError
from auditor.records import Skip
from auditor.sources.find.files import File
from auditor.sources.open.batching import batched
from auditor.sources.open.canonical import Raw
from auditor.sources.open.compression import expanded
from auditor.sources.open.lines import BLOCK, CUT_OFF, TOO_LARGE
from auditor.sources.read.html import NoText, response_page
from auditor.sources.read.interface import MIB, Batch, Columns, Inspected, Shard, SourceOptions, Split

HEADER = 64 << 10  # longest header of a record
COLUMNS = Columns(
    text="payload",
    id="WARC-Record-ID",
    date="WARC-Date",
    url="WARC-Target-URI",
    language="WARC-Identified-Content-Language",
    date_kind="crawled",
)
DOCUMENTS = ("conversion", "response", "resource")
_ROLES = {"id": "warc-record-id", "date": "warc-date", "url": "warc-target-uri"}
_LANGUAGE = "warc-identified-content-language"
_START = re.compile(rb"WARC/[01]\.\d")
_NEXT = re.compile(rb"\n\r?\n\r?\n?(?=WARC/[01]\.\d)")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_BODY_END = re.compile(rb"\r?\n\r?\n|[\r\n]*\Z")
SLACK = 4  # bytes by which a length may be wrong and the end of its record still be certain
_BEFORE_NEXT = re.compile(rb"[\r\n]*(?:(?=WARC/[01]\.\d)|\Z)")
_AT_NEXT = re.compile(rb"[\r\n]{0,4}(?=WARC/[01]\.\d)")
_END_NEARBY = re.compile(rb"\r?\n\r?\n(?:(?=WARC/[01]\.\d)|\Z)")
LENGTH_MENDED = "length_mended"


def inspect(file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
    """The headers are the columns; one split, since only reading tells where records begin."""
    family = "common crawl wet" if format == "wet" else "warc"
    return Inspected(replace(COLUMNS, family=family), (Split(0, 0, file.bytes),))


def read(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The documents of an archive: WET conversions, and the text of pages; row counts records of any type."""
    return batched(_raws(shard, options), shard, options)


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of an archive: its headers (names in lower case), the head they stood in, and the body; or the reason
    why it was lost. note: what was mended to read it."""

    headers: dict[str, str]
    head: bytes = b""
    body: bytes = b""
    lost: str = ""
    note: str = ""


class Archive:
    """A forward-only window over the bytes of an archive; `failure` is why it could not be read to its end."""

    def __init__(self, shard: Shard, options: SourceOptions, *, verbatim: bool = False) -> None:
        """verbatim: entries that were lost carry their bytes, so that they can be copied."""
        self.passed: list[bytes] | None = [] if verbatim else None
        self.path, self.longest = shard.path, options.limits.record_bytes
        self.pieces = expanded(shard.path, shard.compression, limits=options.limits, storage=options.storage)
        self.window, self.at = b"", 0
        self.ended = False
        self.failure: SourceError | None = None

    def ensure(self, size: int) -> bool:
        """Hold at least `size` bytes in the window from the current position on; False at the end of the archive."""
        have = len(self.window) - self.at
        if have >= size:
            return True
        held = [self.window[self.at :]]
        while have < size and not self.ended:
            try:
                piece = next(self.pieces, None)
            except SourceError as error:
                piece, self.failure = None, error
            if piece is None:
                self.ended = True
            else:
                held.append(piece)
                have += len(piece)
        self.window, self.at = b"".join(held), 0
        return have >= size

    def entries(self) -> Iterator[Entry]:
        """Every record in turn; after one that is damaged, the next that can be found."""
        while self._skip_blank():
            self.ensure(HEADER)
            start = self.at
            end = _HEADER_END.search(self.window, start, start + HEADER)
            if not _START.match(self.window, start) or end is None:
                found = self._seek_next(start)
                yield self._lost({}, "bad_record") if found else self._cut({})
                continue
            headers = _headers(self.window[start : end.start()])
            yield self._entry(headers, end.end() - start)

    def _lost(self, headers: dict[str, str], reason: str) -> Entry:
        """A record that could not be read; with its bytes where they are wanted."""
        octets = b"".join(self.passed or ())
        if self.passed is not None:
            self.passed = []
        return Entry(headers, body=octets, lost=reason)

    def _pass(self, place: int) -> None:
        """Move on to a place in the window."""
        if self.passed is not None:
            self.passed.append(self.window[self.at : place])
        self.at = place

    def _entry(self, headers: dict[str, str], body: int) -> Entry:
        """The record at the present place, whose body begins `body` bytes on; moves behind it."""
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            self._seek_next(self.at + body)
            return self._lost(headers, "bad_record")
        size = int(length)
        if len(length) > 18 or size > self.longest:
            # The length may be a lie that would hide good records, so the next record is searched for.
            self._seek_next(self.at + body)
            return self._lost(headers, TOO_LARGE)
        complete = self.ensure(body + size)
        self.ensure(body + size + 32)
        start = self.at
        if complete and self._ends_at(start + body, start + body + size):
            self.at = start + body + size
            return Entry(headers, self.window[start : start + body], self.window[start + body : self.at])
        nearby = self._end_nearby(start + body, start + body + size)
        if nearby is not None:
            self.at = nearby
            head, octets = self.window[start : start + body], self.window[start + body : nearby]
            return Entry(headers, head, octets, note=LENGTH_MENDED)
        found = self._seek_next(start + body)
        return self._lost(headers, "wrong_length") if complete or found else self._cut(headers)

    def _ends_at(self, body: int, end: int) -> bool:
        """Whether a body ends where its length says: before the next record, or at least not beyond it."""
        if not _BODY_END.match(self.window, end):
            return bool(_AT_NEXT.match(self.window, end))  # some writers leave the blank line out
        return bool(_BEFORE_NEXT.match(self.window, end)) or not _NEXT.search(self.window, body, end)

    def _end_nearby(self, body: int, stated: int) -> int | None:
        """The end of a record whose length is wrong by a few bytes (all of CC-MAIN-2018-34), if that is certain: at the
        blank line before the next record or the end of the archive."""
        self.ensure(stated - self.at + 2 * SLACK + 16)
        for end in sorted(range(stated - SLACK, stated + SLACK + 1), key=lambda end: abs(end - stated)):
            found = _END_NEARBY.match(self.window, end) if end >= body else None
            if (
                found
                and not _NEXT.search(self.window, body, end)
                and (found.end() < len(self.window) or (self.ended and self.failure is None))
            ):
                return end
        return None

    def _cut(self, headers: dict[str, str]) -> Entry:
        """The last record, of which the archive has only a part."""
        self.failure = self.failure or SourceError(
            f"{self.path}: ends in the middle of a record: truncated, or still being written"
        )
        return self._lost(headers, CUT_OFF)

    def _skip_blank(self) -> bool:
        while self.ensure(1):
            window, at = self.window, self.at
            while at < len(window) and window[at] in b"\r\n":
                at += 1
            self.at = at
            if at < len(window):
                return True
        return False

    def _seek_next(self, start: int) -> bool:
        """Move to the next thing that looks like the start of a record; False (and to the end) where there is none."""
        self._pass(start)
        while True:
            found = _NEXT.search(self.window, self.at)
            if found:
                self._pass(found.end())
                return True
            self._pass(max(self.at, len(self.window) - 16))
            if not self.ensure(len(self.window) - self.at + MIB) and self.ended:
                found = _NEXT.search(self.window, self.at)
                self._pass(found.end() if found else len(self.window))
                return found is not None


def _headers(block: bytes) -> dict[str, str]:
    """Names in lower case; a line that begins with a space continues the one before."""
    found: dict[str, str] = {}
    last = ""
    for line in block.decode(errors="replace").split("\n")[1:]:
        if line[:1] in (" ", "\t") and last:
            found[last] += " " + line.strip()
            continue
        name, _colon, value = line.partition(":")
        last = name.strip().lower()
        found.setdefault(last, value.strip())
    return found


def _raws(shard: Shard, options: SourceOptions) -> Iterator[Raw]:
    archive = Archive(shard, options)
    pages = _Pages(shard.name, options.limits.record_bytes)
    for row, entry in enumerate(archive.entries()):
        pages.add(row, entry)
        if pages.size >= BLOCK:
            yield pages.finish()
    yield pages.finish()
    if archive.failure is not None:
        raise archive.failure


class _Pages:
    """Gathers the documents among the records."""

    def __init__(self, shard: str, longest: int) -> None:
        self.shard, self.longest = shard, longest
        self._clear()

    def _clear(self) -> None:
        self.size = 0
        self.kept: dict[str, list[Any]] = {name: [] for name in ("row", "text", "id", "date", "url", "language")}
        self.records = 0
        self.skips: list[Skip] = []
        self.notes: list[Skip] = []

    def add(self, row: int, entry: Entry) -> None:
        """A conversion is a document as it is, a response by its text; requests and metadata are not documents."""
        kind = entry.headers.get("warc-type", "").lower()
        if not entry.lost and kind not in DOCUMENTS:
            return
        self.records += 1
        if entry.lost:
            self.skips.append(Skip(self.shard, entry.lost, row=row))
            return
        if kind == "conversion":
            text = self._decoded(row, entry.body)
        else:
            try:
                page = response_page(entry.body, entry.headers.get("content-type", ""), self.longest)
            except NoText as reason:
                self.skips.append(Skip(self.shard, str(reason), row=row))
                return
            text = page.text
            self.notes += [Skip(self.shard, note, row=row) for note in page.notes]
        if entry.note:
            self.notes.append(Skip(self.shard, entry.note, row=row))
        self.kept["row"].append(row)
        self.kept["text"].append(text)
        for role, name in _ROLES.items():
            self.kept[role].append(entry.headers.get(name))
        self.kept["language"].append(entry.headers.get(_LANGUAGE))
        self.size += len(entry.body)

    def _decoded(self, row: int, body: bytes) -> str:
        try:
            return body.decode()
        except UnicodeDecodeError:
            self.notes.append(Skip(self.shard, "invalid_utf8_replaced", row=row))
            return body.decode(errors="replace")

    def finish(self) -> Raw:
        schema = {name: pl.Int64 if name == "row" else pl.String for name in self.kept}
        raw = Raw(pl.DataFrame(self.kept, schema=schema), tuple(self.skips), tuple(self.notes), self.records)
        self._clear()
        return raw
