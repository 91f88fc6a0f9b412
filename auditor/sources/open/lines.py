"""Blocks of whole lines from blocks of bytes, with a bound on the length of a line."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from auditor.errors import SourceError
from auditor.sources.read.interface import MIB

BLOCK = 4 * MIB
TOO_LARGE, CUT_OFF = "record_too_large", "cut_off"
BOM = b"\xef\xbb\xbf"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
ENOUGH, FEWEST = 512, 16  # bytes looked at for an encoding; without a mark no fewer
MOSTLY = 0.7  # share of NULs at every second byte of a text in UTF-16


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines: the first one's number in the file, their bytes, and how many (the last one may lack its end).

    lost is the reason where one line could not be kept: longer than the bound, or cut in two by damage.
    """

    first: int
    octets: bytes
    count: int
    lost: str = ""


def filled(lines: Lines) -> int:
    """How many of the lines are not blank, judged cheaply by their first bytes."""
    octets = np.frombuffer(lines.octets, np.uint8)
    starts = np.concatenate(([0], np.flatnonzero(octets == 10) + 1))
    starts = starts[starts < len(octets)]
    doubtful = starts[octets[starts] <= 32].tolist()
    ends = (lines.octets.find(b"\n", start) for start in doubtful)
    blank = (not lines.octets[a : b if b >= 0 else None].strip() for a, b in zip(doubtful, ends, strict=True))
    return len(starts) - sum(blank)


def line_blocks(pieces: Iterable[bytes], *, first: int, longest: int) -> Iterator[Lines]:
    """Cut a stream of bytes into blocks of whole lines of about BLOCK bytes.

    Raises: SourceError if the stream raises it, after the lines before the damage
    """
    held: list[bytes] = []
    size, row, failure = 0, first, None
    newline = -1  # the last piece held that has one
    dropping = False
    stream = iter(pieces)
    while True:
        try:
            piece = next(stream, None)
        except SourceError as error:
            piece, failure = None, error
        if piece is None:
            break
        if dropping:
            end = piece.find(b"\n") + 1
            if not end:
                continue
            yield Lines(row, b"", 1, TOO_LARGE)
            row, dropping, piece = row + 1, False, piece[end:]
        held.append(piece)
        size += len(piece)
        newline = len(held) - 1 if b"\n" in piece else newline
        if size < BLOCK:
            continue
        if newline >= 0:
            block = b"".join(held[: newline + 1])
            cut = block.rfind(b"\n") + 1
            held, newline, size = [block[cut:], *held[newline + 1 :]], -1, size - cut
            for lines in _bounded(block[:cut], row, longest):
                yield lines
                row += lines.count
        if size > longest:
            held, size, dropping = [], 0, True
    if dropping:
        yield Lines(row, b"", 1, TOO_LARGE)
    elif size:
        block = b"".join(held)
        whole = len(block) if failure is None else block.rfind(b"\n") + 1
        for lines in _bounded(block[:whole], row, longest) if whole else ():
            yield lines
            row += lines.count
        if whole < len(block):
            yield Lines(row, b"", 1, CUT_OFF)
    if failure is not None:
        raise failure


def _bounded(block: bytes, row: int, longest: int) -> Iterator[Lines]:
    """The block as it is, or around the lines that are too long."""
    count = block.count(b"\n") + (not block.endswith(b"\n"))
    if len(block) <= longest:
        yield Lines(row, block, count)
        return
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10) + 1
    if len(ends) < count:
        ends = np.append(ends, len(block))
    starts = np.concatenate(([0], ends[:-1]))
    done = 0
    for i in np.flatnonzero(ends - starts > longest).tolist():
        if i > done:
            yield Lines(row + done, block[starts[done] : starts[i]], i - done)
        yield Lines(row + i, b"", 1, TOO_LARGE)
        done = i + 1
    if done < count:
        yield Lines(row + done, block[starts[done] :], count - done)


def without_bom(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A stream in UTF-8: the byte order mark that some editors write is dropped, UTF-16 and UTF-32 are decoded."""
    stream = iter(pieces)
    head, broken = b"", None
    try:
        for piece in stream:
            head += piece
            if len(head) >= ENOUGH:
                break
    except SourceError as error:  # what came before the damage is read first
        broken = error
    encoding = wide_encoding(head)
    if encoding is None:
        yield head.removeprefix(BOM)
        if broken is not None:
            raise broken
        yield from stream
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    yield decoder.decode(head).removeprefix("\ufeff").encode(errors="replace")
    if broken is not None:
        raise broken
    for piece in stream:
        yield decoder.decode(piece).encode(errors="replace")
    yield decoder.decode(b"", True).encode(errors="replace")


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by the byte order mark or, without one, by the NULs at every second byte; None for others."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    start = head[: ENOUGH // 2 * 2]
    if len(start) < FEWEST or b"\0" not in start:
        return None
    even, odd = start[::2].count(0) / len(start[::2]), start[1::2].count(0) / len(start[1::2])
    if max(even, odd) < MOSTLY or min(even, odd) > 1 - MOSTLY:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def first_lines(pieces: Iterable[bytes], count: int, *, most: int, longest: int) -> list[bytes]:
    """The first lines of a stream, fewer where they are long or the stream is damaged.

    At least one is whole where any is shorter than `longest`: lines longer than that are passed over.
    """
    held = bytearray()
    lines, skipping = 0, False
    try:
        for piece in pieces:
            if skipping:
                _line, newline, piece = piece.partition(b"\n")
                skipping = not newline
            held += piece
            lines += piece.count(b"\n")
            if lines >= count or (lines and len(held) >= most):
                break
            if not lines and len(held) > longest:
                held.clear()
                skipping = True
    except SourceError:
        if not held:
            raise
    return bytes(held).split(b"\n", count)[:count]
