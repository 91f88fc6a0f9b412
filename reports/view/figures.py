"""Row figures of a report, and the square of what sources share: tables of label, drawing and number.

Being tables, they need no second version for a screen reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from auditor.reports.model.duplicates import Overlaps
from auditor.reports.text import numbers
from auditor.reports.text.clean import name
from auditor.reports.text.numbers import Number
from auditor.reports.view import svg

HEAT_LEVELS = 8
MATRIX = 12

Entry = tuple[str, Number | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a row figure: its drawing, the number in words, and what it rests on."""

    label: str
    drawing: Markup
    text: str
    why: str = ""
    measured: bool = True
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """A row figure; more: how many rows only report.json has."""

    caption: str
    axis: Markup
    rows: tuple[Row, ...]
    more: int = 0

    @property
    def measured(self) -> bool:
        """Whether any of its rows shows a number."""
        return any(row.measured for row in self.rows)


@dataclass(frozen=True, slots=True)
class HeatCell:
    """How many of a row's documents the column holds too; level: how dark it is drawn."""

    level: int
    text: str
    tip: str
    same: bool


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One source and what it shares with every other."""

    label: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """Which sources share documents: a square table."""

    names: list[str]
    rows: list[HeatRow]
    kind: str
    left_out: int


def intervals(
    caption: str,
    entries: Sequence[Entry],
    *,
    unit: str = "share",
    tone: str = "synthetic",
    along: svg.Scale | None = None,
    notes: Sequence[str] = (),
    more: int = 0,
) -> Rows:
    """A table of estimates with their intervals drawn on one common axis.

    Parameters: notes, more to say of each when asked; more, how many entries only report.json has
    """
    along = along or common_scale([e for _, e in entries], unit)
    rows = tuple(
        Row(
            label=name(label),
            drawing=svg.whisker(e, along, tone=tone),
            text=numbers.brief(e, unit) if numbers.measured(e) else numbers.estimate(e),
            why="; ".join(part for part in (numbers.why(e) if e else "", note) if part),
            measured=numbers.measured(e),
            doubt=numbers.doubt(e),
        )
        for (label, e), note in zip(entries, notes or [""] * len(entries), strict=True)
    )
    return Rows(caption, svg.axis(along), rows, more)


def common_scale(estimates: Iterable[Number | None], unit: str = "share", *, zero: bool = True) -> svg.Scale:
    """One axis over the ends of all intervals; zero: it starts at zero."""
    ends = (end for e in estimates if numbers.measured(e) for end in (e.lower, e.upper))
    return svg.scale(ends, unit, zero=zero)


def stacks(
    caption: str, entries: Sequence[tuple[str, Sequence[tuple[float, str]], str]], *, unit: str = "share"
) -> Rows:
    """A table of stacked bars: (label, parts as (length, class), the number in words)."""
    along = svg.scale((sum(length for length, _ in parts) for _, parts, _ in entries), unit)
    rows = tuple(Row(name(label), svg.bars(parts, along), text) for label, parts, text in entries)
    return Rows(caption, svg.axis(along), rows)


def heat(overlaps: Overlaps) -> Heat | None:
    """A square table of which sources share documents: how many of a row's documents the column holds too."""
    names = overlaps.names[:MATRIX]
    if len(names) < 2:
        return None
    shares: dict[tuple[str, str], tuple[float | None, int]] = {}
    for cell in overlaps.cells:
        shares[cell.a, cell.b] = (cell.share_of_a, cell.documents)
        shares.setdefault((cell.b, cell.a), (cell.share_of_b, cell.documents))
    top = max((share or 0 for share, _ in shares.values()), default=0) or 1
    rows = []
    for a in names:
        cells = []
        for b in names:
            share, documents = shares.get((a, b), (0.0, 0))
            level = 0 if not share else max(1, min(HEAT_LEVELS, round(HEAT_LEVELS * (share / top) ** 0.5)))
            text = "" if not share else numbers.bare_percent(share)
            tip = f"{numbers.plural(documents, 'document')} of {name(a, 60)} also in {name(b, 60)}"
            cells.append(HeatCell(level, text, tip, same=a == b))
        rows.append(HeatRow(name(a, 44), tuple(cells)))
    left_out = overlaps.left_out + max(0, len(overlaps.names) - MATRIX)
    return Heat([name(n, 28) for n in names], rows, overlaps.kind, left_out)
