"""Standard output and error for the command line: whatever happens to them, the work decides the exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

LEAST_COLUMNS = 20  # below it a table has no room; a width of 0 or "wide" is no width
NOBODY_READS = {errno.EPIPE, errno.EBADF, errno.EIO, errno.ENXIO}  # the reader has gone, or the terminal


class Outlet(io.RawIOBase):
    """A file descriptor that is written to until a write fails; `failure` is why."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.failure: OSError | None = None

    def writable(self) -> bool:
        """Always: what can no longer be written is dropped."""
        return True

    def fileno(self) -> int:
        """The file descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether a terminal stands behind it."""
        return os.isatty(self._descriptor)

    def write(self, octets: Any, /) -> int:
        """Write what the descriptor takes; after a failure, take everything and write nothing."""
        if self.failure is None:
            try:
                return os.write(self._descriptor, octets)
            except OSError as error:
                self.failure = error
        return len(octets)


def prepare() -> tuple[Outlet, Outlet]:
    """Put standard output and error behind outlets, and drop a width in the environment that cannot be used.

    A character that the terminal's encoding lacks is written as an escape.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # closed: the next file to be opened would take its number, and receive what is printed
            os.open(os.devnull, os.O_RDWR)
    columns = os.environ.get("COLUMNS", "").strip()
    if not (columns.isdigit() and int(columns) >= LEAST_COLUMNS):
        os.environ.pop("COLUMNS", None)
    out, error = Outlet(1), Outlet(2)
    sys.stdout, sys.stderr = _text(out, sys.stdout), _text(error, sys.stderr)
    return out, error


def lost(outlet: Outlet) -> str | None:
    """Why the output was lost (a full disk); None where it was not, or where its reader had gone."""
    failure = outlet.failure
    return None if failure is None or failure.errno in NOBODY_READS else failure.strerror


def _text(outlet: Outlet, before: TextIO | None) -> TextIO:
    encoding = getattr(before, "encoding", None) or "utf-8"
    buffered = io.BufferedWriter(outlet, 1 << 16)
    at_once = outlet.isatty() or outlet.fileno() == 2
    return io.TextIOWrapper(buffered, encoding, errors="backslashreplace", line_buffering=at_once)
