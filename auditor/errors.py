"""Errors that a user can act on: each message says what went wrong, where, and what to do."""

from __future__ import annotations

import errno
import re
import resource
from collections.abc import Iterable

EXIT_PASS, EXIT_FAIL, EXIT_USAGE, EXIT_INCOMPLETE, EXIT_INCONCLUSIVE, EXIT_NOTHING = range(6)

# If several codes apply, the first of these wins: usage, nothing audited, incomplete, failed, inconclusive.
EXIT_ORDER = (EXIT_USAGE, EXIT_NOTHING, EXIT_INCOMPLETE, EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_PASS)

# The meaning of each code, for people who see only that a command did not end with 0.
EXIT_WORDS = {
    EXIT_FAIL: "failed: a bound of the policy is broken, or what was checked has changed",
    EXIT_USAGE: "wrong usage, or a path that is not there",
    EXIT_INCOMPLETE: "incomplete: some of it could not be read, done or written",
    EXIT_INCONCLUSIVE: "inconclusive: the figures are too uncertain to pass or to fail",
    EXIT_NOTHING: "nothing audited: no document could be read",
}

# Controls, lone surrogates, and characters that are invisible or change the direction of reading: they can forge what a
# terminal shows, or command it.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}  # no other work would fare better
# How libraries say the same in their own exceptions: DuckDB, Polars, Arrow, zstandard.
NO_ROOM_SAID = re.compile(
    "no space left on device|disk quota exceeded|read-only file system|file too large|errno (?:27|28|30|122)|"
    "os error (?:27|28|30|122)",
    re.IGNORECASE,
)
# How libraries say in their own exceptions that memory, threads or files ran out.
RAN_OUT = re.compile(
    "cannot allocate memory|out of memory|bad_alloc|can't start new thread|failed to map segment|"
    "resource temporarily unavailable|too many open files|memory allocation",
    re.IGNORECASE,
)


class AuditError(Exception):
    """Base of every error that is shown to the user as one line, without a traceback."""

    exit_code = EXIT_INCOMPLETE


class ConfigError(AuditError):
    """Wrong usage, wrong configuration, or a path that is not there; raised before anything is read."""

    exit_code = EXIT_USAGE


class SourceError(AuditError):
    """A shard that cannot be read, or can be read only in part."""


class NothingAudited(AuditError):
    """No readable document at all."""

    exit_code = EXIT_NOTHING


class DetectorError(AuditError):
    """A detector that cannot be loaded or does not apply."""

    exit_code = EXIT_USAGE


class StoreError(AuditError):
    """The run folder or the store cannot be read or written."""


def worst(codes: list[int]) -> int:
    """The exit code to return where several apply (the order is fixed in the documentation)."""
    return next((code for code in EXIT_ORDER if code in codes), EXIT_PASS)


def visible(text: object) -> str:
    """Text from outside as one line that is safe on a terminal: what it would obey is escaped."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), str(text))


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at what a mistyped name probably meant, ignoring case; empty if nothing is similar."""
    from difflib import get_close_matches

    folded = {word.casefold(): word for word in known}
    near = get_close_matches(name.casefold(), folded, 1)
    return f" (did you mean {folded[near[0]]}?)" if near else ""


def no_room(error: BaseException) -> bool:
    """Whether an error means that the disk takes no more."""
    by_number = isinstance(error, OSError) and error.errno in NO_ROOM
    return by_number or (not isinstance(error, AuditError) and NO_ROOM_SAID.search(str(error)) is not None)


def exhausted(error: BaseException) -> str | None:
    """What ran out, if an error means that the machine has no more of it; otherwise None."""
    said = " ".join(str(error).split())[:300]
    if no_room(error):
        return f"the disk is full or may not be written to ({said})"
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return f"memory ran out ({said or 'no more was given'}): give fewer --workers or a smaller --memory-limit"
    if RAN_OUT.search(said):
        return f"memory, threads or open files ran out ({said}): give fewer --workers or a smaller --memory-limit"
    if isinstance(error, (ImportError, SystemError)) and address_space() is not None:
        return f"memory ran out while libraries were loaded ({said or type(error).__name__}): raise ulimit -v"
    return said or type(error).__name__ if isinstance(error, OSError) else None


def address_space() -> int | None:
    """The bytes of address space that this process may have at most (ulimit -v), None where there is no limit."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit
