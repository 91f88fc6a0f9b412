"""One record of a table whose quotes are not those of RFC 4180: Spark's backslashes, stray and unescaped quotes.

Each way of reading is tried on the record at hand and taken only where the number of fields is that of the header, so
that one odd quote costs at most its own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

MOST_LINES, MOST_CHARACTERS = 200, 1 << 20  # of a record with backslashes


def escaped(first: str, more: Iterator[str], delimiter: str, width: int) -> list[str] | None:
    r"""A record in which \" stands for a quote within quotes, as Spark writes it by default.

    Parameters: first: its first line; more: the lines after it, taken as needed
    Returns: the fields, or None where it is no such record
    """
    text, lines = first, 1
    while True:
        fields, is_open = _fields(text, *_escapes(delimiter))
        if fields is not None:
            fits = len(fields) == width
            return [_UNESCAPE.sub(_unescaped, f[1:-1]) if f[:1] == '"' else f for f in fields] if fits else None
        if not is_open or lines == MOST_LINES or len(text) > MOST_CHARACTERS:
            return None
        try:
            line = next(more)
        except (StopIteration, ValueError):  # the end of the file, or a line beyond the bounds: the caller counts it
            return None
        text, lines = text + line, lines + 1


def unescaped_inside(line: str, delimiter: str, width: int) -> list[str] | None:
    """A line with bare quotes within quotes: only a quote before a delimiter or the end closes a field."""
    fields, _ = _fields(line, *_closings(delimiter))
    if fields is None or len(fields) != width:
        return None
    return [f[1:-1].replace('""', '"') if len(f) > 1 and f[0] == f[-1] == '"' else f for f in fields]


def literal(line: str, delimiter: str, width: int) -> list[str] | None:
    """A line in which quotes are ordinary characters."""
    fields = line.rstrip("\r\n").split(delimiter)
    return fields if len(fields) == width else None


def all_literal(lines: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether each line is a whole record when quotes are ordinary characters."""
    return all(line.count(delimiter) == width - 1 for line in lines)


_UNESCAPE = re.compile(r'\\(["\\])|""')


def _unescaped(match: re.Match[str]) -> str:
    return match[1] or '"'


@cache
def _escapes(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A field with backslashes as escapes, and what may follow it."""
    d = re.escape(delimiter)
    return re.compile(rf'"(?:[^"\\]++|\\.|"")*+"|(?!")[^{d}\r\n]*+', re.DOTALL), re.compile(rf"{d}|\r?\n?\Z")


@cache
def _closings(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    d = re.escape(delimiter)
    quoted = rf'"(?:[^"]++|""(?![{d}\r\n]|\Z)|"(?![{d}\r\n]|\Z))*+(?:"")?"'
    return re.compile(rf'{quoted}|(?!")[^{d}\r\n]*+'), re.compile(rf"{d}|\r?\n?\Z")


def _fields(text: str, field: re.Pattern[str], end: re.Pattern[str]) -> tuple[list[str] | None, bool]:
    """The fields of a text that is one record; None and whether a quote is still open where it is none."""
    found: list[str] = []
    at = 0
    while True:
        match = field.match(text, at)
        if match is None:
            return None, text[at : at + 1] == '"'
        found.append(match[0])
        after = end.match(text, match.end())
        if after is None:
            return None, False
        at = after.end()
        if at == len(text) and not _is_delimiter(after[0]):
            return found, False


def _is_delimiter(text: str) -> bool:
    return text.strip("\r\n") != "" or text == "\t"
