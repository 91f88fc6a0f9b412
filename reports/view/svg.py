"""A small SVG builder: row plots and planes drawn in percent, so that one drawing fits 390 px and paper alike.

Classes and presentation attributes only (an inline style would break the page's content policy), no fixed width,
text in the page's own size. Why no chart library: docs/decisions/0005-own-svg.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from auditor.reports.text import numbers
from auditor.reports.text.numbers import Number

ROW_HEIGHT = 22
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis from low to high with its ticks (value, label)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def at(self, value: float) -> float:
        """Position in percent, kept inside the plot."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 2)


def scale(values: Iterable[float], unit: str = "share", *, zero: bool = True, ticks: int = 5) -> Scale:
    """An axis over the values with round ticks; a share never goes beyond 100% unless a value does."""
    found = [v for v in values if v is not None and math.isfinite(v)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high <= low:
        high = low + (1.0 if unit == "count" else 0.01)
    # Counts are long words: fewer of them fit side by side on a telephone.
    step = _step((high - low) / max(1, ticks - (2 if unit == "count" else 1)))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if unit == "share" and high <= 1:
        last = min(last, round(1 / step)) if 1 / step == round(1 / step) else last
    marks = [round(k * step, 12) for k in range(first, last + 1)]
    return Scale(marks[0], marks[-1], tuple((mark, tick(mark, unit)) for mark in marks))


def tick(value: float, unit: str) -> str:
    """The label of a tick in the unit of its axis."""
    if unit == "share":
        return f"{100 * value:.6g}%".replace("-", numbers.MINUS)
    if unit in numbers.CHANGES:
        return f"{100 * value:+.6g}%".replace("-", numbers.MINUS) if value else "0%"
    if unit == "log":
        return f"{100 * value:+.6g}".replace("-", numbers.MINUS) if value else "0"
    return numbers.count(value)


def axis(along: Scale) -> Markup:
    """The tick labels above a row plot; labels at the ends are anchored inwards."""
    labels = [
        tag("text", label, x=f"{along.at(value)}%", y=14, text_anchor=_anchor(along.at(value)), class_="tick")
        for value, label in along.ticks
    ]
    return tag("svg", *labels, class_="row axis", width="100%", height=18, aria_hidden="true")


def whisker(e: Number | None, along: Scale, *, tone: str = "synthetic") -> Markup:
    """One estimate as a dot with its interval, over faint grid lines."""
    marks = grid(along)
    if numbers.measured(e):
        left, mid, right = along.at(e.lower), along.at(e.value), along.at(e.upper)
        state = " open" if e.status == "inconclusive" else ""
        if right > left:
            marks.append(line(left, right, 11, f"range {tone}{state}"))
        marks.append(tag("circle", cx=f"{mid}%", cy=11, r=4, class_=f"dot {tone}{state}"))
    return row(marks)


def bars(parts: Sequence[tuple[float, str]], along: Scale) -> Markup:
    """Parts of one bar, one after the other from 0: (length, class)."""
    marks, start = grid(along), along.at(0)
    for length, tone in parts:
        if length > 0:
            end = min(100.0, start + along.at(along.low + length))
            # Anything above zero is drawn with a visible width.
            marks.append(
                tag("rect", x=f"{start}%", y=5, height=12, width=f"{max(0.15, end - start):.2f}%", class_=f"bar {tone}")
            )
            start = end
    return row(marks)


def grid(along: Scale) -> list[Markup]:
    """Vertical grid lines of one row; the one at 0 stands out."""
    return [
        tag(
            "line", x1=f"{along.at(v)}%", x2=f"{along.at(v)}%", y1=0, y2=ROW_HEIGHT, class_="zero" if v == 0 else "grid"
        )
        for v, _ in along.ticks
    ]


def row(marks: list[Markup]) -> Markup:
    """A row of marks on a shared scale, as wide as its cell."""
    return tag("svg", *marks, class_="row", width="100%", height=ROW_HEIGHT, aria_hidden="true")


def line(left: float, right: float, y: float, class_: str) -> Markup:
    """A straight line; left and right in percent of the width, y in pixels."""
    return tag("line", x1=f"{left}%", x2=f"{right}%", y1=y, y2=y, class_=class_)


@dataclass(frozen=True, slots=True)
class Plane:
    """A plot of y over x. Tick labels of y are left of their grid lines, those of x below."""

    x: Scale
    y: Scale
    height: int = 240

    def draw(self, marks: Sequence[Markup], *, title: str, description: str, key: str) -> Markup:
        """The whole plot, with a title and a description for those who don't see it."""
        frame: list[Markup] = [tag("title", title, id=f"{key}-t"), tag("desc", description, id=f"{key}-d")]
        for value, label in self.y.ticks:
            up = self.up(value)
            frame.append(line(0, 100, f"{up}%", "zero" if value == 0 else "grid"))  # type: ignore[arg-type]
            # In the margin at the left, which the style keeps free of curves.
            frame.append(tag("text", label, x=-8, y=f"{up}%", dy=".32em", text_anchor="end", class_="tick"))
        for value, label in self.x.ticks:
            across = self.x.at(value)
            frame.append(
                tag("text", label, x=f"{across}%", y="100%", dy=17, text_anchor=_anchor(across), class_="tick")
            )
        return tag(
            "svg",
            *frame,
            *marks,
            class_="plane",
            width="100%",
            height=self.height,
            role="img",
            aria_labelledby=f"{key}-t {key}-d",
        )

    def up(self, value: float) -> float:
        """The height of a value, in percent from the top."""
        return round(100 - self.y.at(value), 2)

    def paths(self, *shapes: Markup) -> Markup:
        """Paths in units of 0-1000 stretched over the plane."""
        return tag("svg", *shapes, viewBox="0 0 1000 1000", preserveAspectRatio="none", width="100%", height="100%")

    def curve(self, points: Iterable[tuple[float, float]], class_: str) -> Markup:
        """A line through points (x, y)."""
        return tag("path", d="M" + "L".join(self._spot(x, y) for x, y in points), class_=f"curve {class_}")

    def band(self, points: Sequence[tuple[float, float, float]], class_: str) -> Markup:
        """The area between (x, lower, upper)."""
        there = [self._spot(x, upper) for x, _, upper in points]
        back = [self._spot(x, lower) for x, lower, _ in reversed(points)]
        return tag("path", d="M" + "L".join(there + back) + "Z", class_=f"band {class_}")

    def dot(self, x: float, e: Number, tone: str, tip: str = "") -> list[Markup]:
        """An estimate with its interval upright; the tip is shown around it."""
        if not numbers.measured(e):
            return []
        across, state = f"{self.x.at(x)}%", " open" if e.status == "inconclusive" else ""
        top, bottom = f"{self.up(e.upper)}%", f"{self.up(e.lower)}%"
        return [
            tag("line", x1=across, x2=across, y1=top, y2=bottom, class_=f"range {tone}{state}"),
            tag("circle", cx=across, cy=f"{self.up(e.value)}%", r=4, class_=f"dot {tone}{state}"),
            # What a pointer or a finger can hit is larger than what is drawn.
            tag("line", x1=across, x2=across, y1=top, y2=bottom, class_="reach", data_tip=tip or numbers.estimate(e)),
        ]

    def upright(self, x: float, label: str, *, line: int = 0) -> list[Markup]:
        """A marked moment or threshold: a dashed line with its name, which may be some lines lower."""
        across = self.x.at(x)
        beside = {"text_anchor": "end", "dx": -6} if across > 50 else {"dx": 6}
        return [
            tag("line", x1=f"{across}%", x2=f"{across}%", y1=0, y2="100%", class_="mark"),
            tag("text", label, x=f"{across}%", y=0, dy=12 + 17 * line, class_="note", **beside),
        ]

    def label(self, x: float, y: float, text: str, tone: str = "", *, below: bool = False) -> Markup:
        """A text at a point of the plane."""
        across = self.x.at(x)
        return tag(
            "text",
            text,
            x=f"{across}%",
            y=f"{self.up(y)}%",
            dy=16 if below else -8,
            text_anchor=_anchor(across),
            class_=f"note {tone}",
        )

    def _spot(self, x: float, y: float) -> str:
        return f"{10 * self.x.at(x):.0f} {10 * self.up(y):.0f}"


def tag(element: str, *children: Any, **attributes: Any) -> Markup:
    """An element; names lose a trailing underscore, `_` becomes `-`; everything is escaped that isn't Markup."""
    spelt = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{element}{spelt}>{''.join(escape(child) for child in children)}</{element}>")


def _anchor(percent: float) -> str:
    return "start" if percent < 4 else "end" if percent > 96 else "middle"


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(s for s in STEPS if s * power >= rough * 0.999) * power
