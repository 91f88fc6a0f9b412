"""The records of JSONL, CSV, archives, tar shards and text that are written again, as the bytes they were read from."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from auditor.errors import SourceError
from auditor.sources.open.compression import expanded
from auditor.sources.open.lines import Lines, line_blocks, without_bom
from auditor.sources.read import delimited, plain, tar
from auditor.sources.read.interface import Shard, SourceOptions
from auditor.sources.read.table_records import Lost
from auditor.sources.read.warc import DOCUMENTS, Archive
from auditor.sources.write.selection import Selection, Written

LONGEST = 1 << 31  # bytes of one record that are copied: a reader's own bound would lose what it refused

Records = Iterator[tuple[bytes, Written]]
NOTHING = Written()


def without_bound(shard: Shard, options: SourceOptions) -> SourceOptions:
    """The same options, but lines that were too large to be read are given: they are copied, not measured.

    In tables and archives the bound decides where records begin, so it stays."""
    if shard.format not in ("jsonl", "text"):
        return options
    return replace(options, limits=replace(options.limits, record_bytes=max(LONGEST, options.limits.record_bytes)))


def lines(shard: Shard, chosen: Selection, options: SourceOptions) -> Records:
    """Lines that stay, whole blocks of them at once."""
    pieces = expanded(shard.path, shard.compression, limits=options.limits, storage=options.storage)
    for block in line_blocks(without_bom(pieces), first=0, longest=options.limits.record_bytes):
        part = chosen.part(block.first, block.count)
        starts, ends = _bounds(block)
        blank = np.zeros(block.count, bool)
        for i in np.flatnonzero(~(part.kept | part.left_out)).tolist():
            blank[i] = not block.octets[starts[i] : ends[i]].strip()
        mask = part.written(chosen.keep_unread) & ~(blank & (not chosen.keep_unread))
        yield _some(block, mask, starts, ends), part.count(blank=int(blank.sum()))


def _bounds(block: Lines) -> tuple[np.ndarray, np.ndarray]:
    ends = np.flatnonzero(np.frombuffer(block.octets, np.uint8) == 10) + 1
    if len(ends) < block.count:
        ends = np.append(ends, len(block.octets))
    return np.concatenate(([0], ends[:-1])), ends


def _some(block: Lines, mask: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> bytes:
    if mask.all():
        return block.octets
    pairs = zip(starts[mask].tolist(), ends[mask].tolist(), strict=True)
    return b"".join(block.octets[a:b] for a, b in pairs)


def table_rows(shard: Shard, chosen: Selection, options: SourceOptions) -> Records:
    """The header, then the records that stay as the lines that they were made of."""
    feed, records = delimited.opened(shard.path, shard.compression, options, shard.format, errors="surrogateescape")
    next(records)
    yield _encoded(feed.held), NOTHING
    for row, record in enumerate(records):
        stays, counts = chosen.one(row)
        # Of a record that could not be parsed only the first line is given up: the others are parsed again.
        held = feed.held[:1] if isinstance(record, str) else feed.held
        if stays and held and isinstance(held[0], Lost):
            raise SourceError(f"{shard.path}: record {row:,} is too large to be copied; leave out what was not read")
        yield _encoded(held) if stays else b"", counts
    if feed.failure is not None:
        raise feed.failure


def _encoded(held: list[str]) -> bytes:
    return "".join(held).encode(errors="surrogateescape")


def archive_records(shard: Shard, chosen: Selection, options: SourceOptions) -> Records:
    """Documents of an archive that stay, and every record that is none (warcinfo, requests)."""
    archive = Archive(shard, options, verbatim=True)
    for row, entry in enumerate(archive.entries()):
        stays, counts = chosen.one(row)
        octets = entry.head + entry.body + (b"" if entry.lost else b"\r\n\r\n")
        if not entry.lost and entry.headers.get("warc-type", "").lower() not in DOCUMENTS:
            yield octets, NOTHING
        else:
            yield octets if stays else b"", counts
    if archive.failure is not None:
        raise archive.failure


def texts(shard: Shard, chosen: Selection, options: SourceOptions) -> Records:
    """Lines that stay, paragraphs with a blank line between, or the whole file."""
    if options.text_unit == "line":
        yield from lines(shard, chosen, options)
        return
    pieces = expanded(shard.path, shard.compression, limits=options.limits, storage=options.storage)
    between = b"\n\n" if options.text_unit == "paragraph" else b""
    for row, record in enumerate(plain.UNITS[options.text_unit](pieces, options.limits.record_bytes)):
        stays, counts = chosen.one(row)
        yield (record or b"") + between if stays else b"", counts


def tar_members(shard: Shard, chosen: Selection, options: SourceOptions) -> Records:
    """All members of the samples that stay, and what belongs to no sample (folders, global headers, the end mark).

    Read twice, so that no member is held in memory: first which bytes go, then the others.
    """
    gone: list[tuple[int, int]] = []
    for row, sample in enumerate(tar.samples(shard.path, shard.compression, options)):
        stays, counts = chosen.one(row)
        gone += [] if stays else sample.spans
        yield b"", counts
    pieces = expanded(shard.path, shard.compression, limits=options.limits, storage=options.storage)
    yield from ((piece, NOTHING) for piece in _without(pieces, gone))


def _without(pieces: Iterable[bytes], gone: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """The octets outside of the spans that go, which rise and do not overlap."""
    spans, never = iter(gone), (sys.maxsize, sys.maxsize)
    start, stop = next(spans, never)
    at = 0
    for piece in pieces:
        base, end = at, at + len(piece)
        while at < end:
            upto = min(stop if at >= start else start, end)
            if at < start:
                yield piece[at - base : upto - base]
            at = upto
            if at == stop:
                start, stop = next(spans, never)


RECORDS = {
    "jsonl": lines,
    "csv": table_rows,
    "tsv": table_rows,
    "warc": archive_records,
    "wet": archive_records,
    "text": texts,
    "tar": tar_members,
}
