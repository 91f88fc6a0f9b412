"""Bars and lines of characters for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"
WIDTH = 24


def bar(share: float, width: int = WIDTH) -> str:
    """A bar of `width` cells at a share of 1; anything above 0 shows at least an eighth of a cell."""
    share = min(max(share, 0.0), 1.0)
    eighths = max(round(8 * width * share), 1 if share > 0 else 0)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (EIGHTHS[rest] if rest else "")


def sparkline(values: Sequence[float], lowest: float = 0.0, highest: float | None = None) -> str:
    """One character a value, between `lowest` and `highest` (the largest value where none is given)."""
    top = max(values, default=0.0) if highest is None else highest
    span = top - lowest
    places = [min(max((value - lowest) / span, 0.0), 1.0) if span > 0 else 0.0 for value in values]
    return "".join(HEIGHTS[min(int(place * len(HEIGHTS)), len(HEIGHTS) - 1)] for place in places)
