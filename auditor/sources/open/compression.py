"""Streaming decompression that gives every good byte before the damage, and never more than asked for.

A file may hold many members one after the other (bgzip, pigz, Common Crawl's archives, `cat a.gz b.gz`).
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from auditor.errors import SourceError
from auditor.sources.find.files import blocks
from auditor.sources.read.interface import MIB, Limits

SUFFIXES = {".gz": "gz", ".gzip": "gz", ".bgz": "gz", ".zst": "zst", ".zstd": "zst", ".bz2": "bz2", ".xz": "xz"}
MAGIC = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00"}

PIECE = MIB  # most bytes given at once
FEED = 128 << 10  # compressed bytes looked at together: a finished member copies what is left of them
ZSTD_FEED = 4 << 10  # zstd has no output bound: 4 bytes can make a block of 128 KiB, so 4 KiB make at most 128 MiB
MEMORY = 256 * MIB  # of one decoder; also the largest zstd window accepted
GRACE = 64 * MIB  # output below which the expansion ratio isn't looked at


class Member(Protocol):
    """One compressed member: pieces(block) decodes, then eof tells whether it ended and rest what followed it."""

    eof: bool
    rest: bytes

    def pieces(self, block: bytes) -> Iterator[bytes]:
        """What the block decodes to, in pieces of bounded size."""


class _Deflate:
    def __init__(self) -> None:
        self.inner, self.eof, self.rest = zlib.decompressobj(wbits=31), False, b""

    def pieces(self, block: bytes) -> Iterator[bytes]:
        while True:
            out = self.inner.decompress(block, PIECE)
            yield out
            block = self.inner.unconsumed_tail
            if self.inner.eof or (not block and len(out) < PIECE):
                self.eof, self.rest = self.inner.eof, self.inner.unused_data
                return


class _Standard:
    """bz2 and lzma share one interface of the standard library."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.eof, self.rest = inner, False, b""

    def pieces(self, block: bytes) -> Iterator[bytes]:
        yield self.inner.decompress(block, PIECE)
        while not self.inner.eof and not self.inner.needs_input:
            yield self.inner.decompress(b"", PIECE)
        self.eof, self.rest = self.inner.eof, self.inner.unused_data if self.inner.eof else b""


class _Zstandard:
    """A frame of data, or one to be skipped, such as pzstd writes before each of its frames and the seekable format
    at the end (RFC 8878, section 3.1.2)."""

    def __init__(self) -> None:
        self.inner: Any = None
        self.head, self.skipped = b"", 0
        self.eof, self.rest = False, b""

    def pieces(self, block: bytes) -> Iterator[bytes]:
        if self.inner is None:
            block = self._begin(block)
            if self.inner is None:
                return
        for start in range(0, len(block), ZSTD_FEED):
            yield self.inner.decompress(block[start : start + ZSTD_FEED])
            if self.inner.eof:
                self.eof, self.rest = True, self.inner.unused_data + block[start + ZSTD_FEED :]
                return

    def _begin(self, block: bytes) -> bytes:
        """Look at the first bytes; sets no decoder if they begin a frame to be skipped, or are too few."""
        if not self.skipped:
            self.head, block = self.head + block, b""
            if len(self.head) < 4 or (is_skippable(self.head) and len(self.head) < 8):
                return b""
            if not is_skippable(self.head):
                import zstandard

                self.inner = zstandard.ZstdDecompressor(max_window_size=MEMORY).decompressobj()
                return self.head
            self.skipped, block = 8 + int.from_bytes(self.head[4:8], "little"), self.head
        self.eof, self.rest = len(block) >= self.skipped, block[self.skipped :]
        self.skipped -= len(block)
        return b""


def is_skippable(head: bytes) -> bool:
    """Whether a zstd stream begins with a frame that carries no data."""
    return head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F


MEMBERS: dict[str, Callable[[], Member]] = {
    "gz": _Deflate,
    "bz2": lambda: _Standard(bz2.BZ2Decompressor()),
    "xz": lambda: _Standard(lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MEMORY)),
    "zst": _Zstandard,
}


def expanded(
    path: str,
    compression: str | None,
    *,
    limits: Limits,
    storage: Mapping[str, Any] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[bytes]:
    """The decompressed bytes of a file, in blocks of at most about 1 MiB (128 MiB from a zstd bomb).

    Parameters: start, stop: bytes to read where the file isn't compressed; ignored where it is
    Raises: SourceError at the damage (truncated, corrupt, a bomb), after every byte before it was given
    """
    storage = storage or {}
    if compression is None:
        yield from blocks(path, storage, start=start, stop=stop)
        return
    given = 0
    meter = _Meter(path, limits)
    try:
        for piece in _decoded(path, compression, storage, meter, careful=-1):
            given += len(piece)
            yield piece
        return
    except _codec_errors() as error:
        reason = str(error) or type(error).__name__
    # A decoder that fails drops what it decoded in that call. So decode again up to the block that failed, and that
    # one byte by byte: costs a second pass, but only over damaged files.
    failed, meter = meter.feeds - 1, _Meter(path, limits)
    try:
        for piece in _decoded(path, compression, storage, meter, careful=failed):
            fresh = piece[max(0, given - (meter.given - len(piece))) :]
            given += len(fresh)
            if fresh:
                yield fresh
    except _codec_errors():
        pass
    raise SourceError(f"{path}: damaged {compression} data after {given:,} good bytes ({reason}); the rest is lost")


class _Meter:
    """Counts what goes in and comes out of a file, and stops a bomb."""

    def __init__(self, path: str, limits: Limits) -> None:
        self.path, self.limits, self.taken, self.given, self.feeds = path, limits, 0, 0, 0

    def count(self, out: int) -> None:
        self.given += out
        if self.given > self.limits.decompressed_bytes:
            raise SourceError(
                f"{self.path}: more than {self.limits.decompressed_bytes:,} bytes when decompressed; "
                "split the file, or raise the limit if you trust it"
            )
        if self.given > GRACE and self.given > self.taken * self.limits.expansion_ratio:
            raise SourceError(
                f"{self.path}: expands more than {self.limits.expansion_ratio:.0f}-fold "
                f"({self.taken:,} bytes gave {self.given:,}), which looks like a decompression bomb; not read further"
            )


def _decoded(
    path: str, compression: str, storage: Mapping[str, Any], meter: _Meter, *, careful: int
) -> Iterator[bytes]:
    """All members' bytes in order; the block with number `careful` is fed byte by byte."""
    member: Member | None = None
    for whole in blocks(path, storage):
        for at in range(0, len(whole), FEED):
            feed = whole[at : at + FEED]
            meter.feeds += 1
            slow = meter.feeds - 1 == careful
            for rest in (feed[i : i + 1] for i in range(len(feed))) if slow else (feed,):
                meter.taken += len(rest)
                while rest:
                    if member is None:
                        # Zeros after a member are padding (tape blocks for gzip, stream padding for xz).
                        rest = rest.lstrip(b"\0")
                        if not rest:
                            break
                        member = MEMBERS[compression]()
                    for piece in member.pieces(rest):
                        meter.count(len(piece))
                        if piece:
                            yield piece
                    rest = member.rest if member.eof else b""
                    member = None if member.eof else member
    if member is not None:
        raise EOFError("the file ends in the middle: truncated, or still being written")


def _codec_errors() -> tuple[type[BaseException], ...]:
    import zstandard

    # bz2 raises OSError and ValueError; blocks() has already turned the file's own OSError into SourceError.
    return (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, ValueError)


class Stream(io.RawIOBase):
    """A file object over blocks of bytes, for parsers that want to call read()."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.held = pieces, memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the next block reaches; 0 at the end."""
        while not self.held:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.held = memoryview(piece)
        n = min(len(buffer), len(self.held))
        buffer[:n] = self.held[:n]
        self.held = self.held[n:]
        return n
