"""Blocks of whole lines from blocks of bytes, with a bound on the length of a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from auditor.errors import SourceError
from auditor.sources.read.interface import MIB

BLOCK = 4 * MIB
TOO_LARGE, CUT_OFF = "record_too_large", "cut_off"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines: the first one's number in the file, their bytes, and how many (a last one may lack its end).

    lost is the reason where one line could not be kept: longer than the bound, or cut in two by damage.
    """

    first: int
    octets: bytes
    count: int
    lost: str = ""


def line_blocks(pieces: Iterable[bytes], *, first: int, longest: int) -> Iterator[Lines]:
    """Cut a stream of bytes into blocks of whole lines of about BLOCK bytes.

    Raises: SourceError where the stream did, after the lines before the damage
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
    """Drop the byte order mark that some editors put at the start of a UTF-8 file."""
    stream = iter(pieces)
    head = b""
    for piece in stream:
        head += piece
        if len(head) >= len(BOM):
            break
    yield head.removeprefix(BOM)
    yield from stream


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
