"""Well-formed blocks of CSV parsed at once; whatever is irregular is left to the line parser."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from auditor.sources.find.formats import compression_of

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13


def whole_records(block: bytes, delimiter: str) -> int | None:
    """Where the last whole record ends in a block that begins at the start of a record; None if quoting is irregular.

    Quotes are well-formed (RFC 4180) when each opening one is at the start of a field and each closing one at its end,
    apart from doubled ones inside. Then a newline ends a record exactly where an even number of quotes came before.
    """
    octets = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(octets == _NEWLINE)
    quotes = np.flatnonzero(octets == _QUOTE)
    if not len(quotes):
        return int(ends[-1]) + 1 if len(ends) else 0
    inside = np.searchsorted(quotes, ends) % 2 == 1
    if delimiter == "\t" and inside.any():
        return None  # more likely a stray quote than a text of several lines: looked at line by line
    outside = ends[~inside]
    cut = int(outside[-1]) + 1 if len(outside) else 0
    quotes = quotes[: int(np.searchsorted(quotes, cut))]
    edges = np.zeros(256, bool)
    edges[[ord(delimiter), _NEWLINE]] = True
    opening, closing = quotes[::2], quotes[1::2]
    before = edges[octets[np.maximum(opening - 1, 0)]] | (opening == 0)
    before[1:] |= opening[1:] - closing[:-1] == 1
    edges[_RETURN] = True
    after = edges[octets[closing + 1]]
    after[:-1] |= opening[1:] - closing[:-1] == 1
    return cut if before.all() and after.all() else None


def parsed(block: bytes, delimiter: str, width: int, places: Mapping[str, int]) -> pl.DataFrame | None:
    """The columns at `places` (by role) of whole, well-formed records; None if polars finds other records.

    The block ends with a newline.
    """
    if compression_of(block[:8]):
        return None  # polars would unpack it, without a bound
    octets = np.frombuffer(block, np.uint8)
    ends, quotes = np.flatnonzero(octets == _NEWLINE), np.flatnonzero(octets == _QUOTE)
    records = ends[np.searchsorted(quotes, ends) % 2 == 0]
    commas = np.flatnonzero(octets == ord(delimiter))
    if int((np.searchsorted(quotes, commas) % 2 == 0).sum()) != len(records) * (width - 1):
        return None  # some record doesn't fit the header: maybe by ten million columns
    if block.count(b"\r") != block.count(b"\r\n"):
        returns = np.flatnonzero(octets == _RETURN)
        alone = returns[octets[returns + 1] != _NEWLINE]
        if np.any(np.searchsorted(quotes, alone) % 2 == 0):
            return None  # the line parser takes a bare return outside quotes for a bad record
    # A blank line is a record for one parser and none for another: not worth settling here.
    if np.any(np.diff(records, prepend=-1) <= 1) or b"\n\r\n" in block or block.startswith(b"\r\n"):
        return None
    try:
        frame = pl.read_csv(
            block,
            has_header=False,
            separator=delimiter,
            schema={f"column_{i}": pl.String for i in range(width)},
            columns=[f"column_{i}" for i in sorted(set(places.values()))],
            empty_string_is_null=False,
            truncate_ragged_lines=False,
        )
    except (pl.exceptions.PolarsError, OSError):
        return None
    # A null is a field that isn't there.
    if frame.height != len(records) or any(column.null_count() for column in frame):
        return None
    return frame.select(pl.col(f"column_{i}").alias(role) for role, i in places.items())
