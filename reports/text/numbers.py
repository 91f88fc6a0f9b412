"""Numbers as people read them: shares with intervals, counts, sizes, times. Nothing rounds to 0 or 100% unless it is.

An estimate is the E of a report's model or an auditor.records.Estimate: both have the attributes of Number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Protocol, TypeGuard

from auditor.records import Estimate, Status
from auditor.reports.text.labels import method_words

MINUS, DASH = "\u2212", "\u2013"
UNITS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
STATUS_WORDS = {"measured": "measured", "inconclusive": "inconclusive", "not_measured": "not measured"}

# A figure, maybe with its interval and status, or the words shown where there is none.
_FIGURE = re.compile(
    r"(?:(?:less|more) than )?[<>+\u2212]?[\d,.]+%?(?: (?:thousand|million|billion|trillion|times|fewer|less|more))?"
    r"(?: \([^()]*\))?(?:, inconclusive)?|not measured|not sized|absent|representative"
)

Form = Callable[[float], str]
# Units of a change against the human reference, with the word for what lies below it.
CHANGES = {"fewer": "fewer", "less": "less"}


class Number(Protocol):
    """An estimate as it is shown; its numbers are None where nothing was measured."""

    @property
    def value(self) -> float | None:
        """In the quantity's own unit; None where it was not measured."""

    @property
    def lower(self) -> float | None:
        """Lower end of the interval."""

    @property
    def upper(self) -> float | None:
        """Upper end of the interval."""

    @property
    def level(self) -> float:
        """Coverage of the interval, in (0, 1)."""

    @property
    def method(self) -> str:
        """Name of the estimator; `census` for a full count."""

    @property
    def n(self) -> int:
        """Sampling units behind it."""

    @property
    def status(self) -> str:
        """`measured`, `inconclusive` or `not_measured`."""

    @property
    def reason(self) -> str | None:
        """Why it is inconclusive or not measured."""


class Known(Number, Protocol):
    """An estimate that has its numbers."""

    @property
    def value(self) -> float:
        """In the quantity's own unit."""

    @property
    def lower(self) -> float:
        """Lower end of the interval."""

    @property
    def upper(self) -> float:
        """Upper end of the interval."""


def percent(share: float) -> str:
    """0.0312 as 3.1%; what would round to 0 or 100 is said to be less than 0.1% or more than 99.9%."""
    bare = bare_percent(share)
    words = {"<": "less than ", ">": "more than "}
    return (words[bare[0]] + bare[1:] if bare[0] in words else bare) + "%"


def bare_percent(share: float) -> str:
    """Without the sign and the words, for the ends of an interval: 3.1, <0.1, >99.9."""
    if share < 0:
        shown = bare_percent(-share)
        return f">{MINUS}{shown[1:]}" if shown.startswith("<") else MINUS + shown.lstrip(">")
    if share in (0, 1):
        return f"{100 * share:.0f}"
    shown = f"{100 * share:.1f}"
    if shown == "0.0":
        return "<0.1"
    return ">99.9" if shown == "100.0" and share < 1 else shown


def setting(share: float) -> str:
    """A share that somebody chose, without digits that nobody chose: 0.1 as 10%."""
    return f"{100 * share:.6g}%"


def count(number: float) -> str:
    """812,345 in full; from a million on in words, with three digits that count."""
    if number < 0:
        return MINUS + count(-number)
    for size, word in UNITS:
        if number >= 0.9995 * size:
            return f"{_digits(number / size)} {word}"
    if isinstance(number, int) or number >= 1000:
        return f"{_round_up_from_zero(number):,.0f}"
    return _digits(number)


def size(number: float) -> str:
    """Bytes in the largest unit that they fill: 12.3 MB."""
    for unit, word in BYTES:
        if number >= 0.9995 * unit:
            return f"{_digits(number / unit)} {word}"
    return f"{number:.0f} B"


def signed(number: float) -> str:
    """A signed log-ratio in log points (hundredths): -0.051 as −5.1."""
    if number == 0:
        return "0"
    shown = f"{100 * abs(number):.1f}"
    if shown == "0.0":
        return f">{MINUS}0.1" if number < 0 else "<+0.1"
    return (MINUS if number < 0 else "+") + shown


def measured(e: Number | None) -> TypeGuard[Known]:
    """Whether an estimate is there and has its numbers."""
    return e is not None and e.value is not None


def interval(e: Number, unit: str = "share") -> str:
    """The bounds alone: 2.2–4.0; empty for a full count or where nothing was measured."""
    if not measured(e) or e.lower == e.value == e.upper:
        return ""
    if unit in CHANGES:
        return _change_interval(e.lower, e.upper, CHANGES[unit])
    form = FORMS[unit][1]
    lower, upper = form(e.lower), form(e.upper)
    joint = " to " if e.lower < 0 or unit == "log" or " " in lower + upper else DASH
    return f"{lower}{joint}{upper}"


def estimate(e: Number | None, unit: str = "share") -> str:
    """The whole number in words: 3.1% (2.2–4.0); not measured: no human reference was given."""
    if not measured(e):
        return f"not measured: {e.reason}" if e and e.reason else "not measured"
    return brief(e, unit) + (f", {status}" if (status := doubt(e)) else "")


def brief(e: Number | None, unit: str = "share") -> str:
    """The number with its interval, without status and reason: for places that show these apart."""
    if not measured(e):
        return "not measured"
    bounds = interval(e, unit)
    return FORMS[unit][0](e.value) + (f" ({bounds})" if bounds else "")


def change_of_loss(e: Number) -> Number:
    """A loss (1 - D / D of the reference) as the change against the reference: a loss of 0.26 is a change of -0.26."""
    return _moved(e, lambda loss: -loss)


def change_of_ratio(e: Number) -> Number:
    """A ratio to the reference as the change against it: a ratio of 0.95 is a change of -0.05."""
    return _moved(e, lambda ratio: ratio - 1)


def of_quantity(quantity: str, e: Number) -> tuple[Number, str]:
    """An estimate of a quantity as reports show it, with its unit: diversity is a change against the reference."""
    unit = unit_of(quantity)
    return {"fewer": change_of_loss, "less": change_of_ratio}[unit](e) if unit in CHANGES else e, unit


def unit_of(quantity: str) -> str:
    """The unit in which reports show a quantity."""
    if quantity.startswith("diversity_loss."):
        return "fewer"
    if quantity.endswith("tail_retention"):
        return "less"
    return "count" if quantity == "drift.divergence" else "share"


def change_shown(quantity: str, change: Number) -> Number:
    """The change of a quantity in the direction in which reports show it: more types are a plus, not a smaller loss."""
    return change_of_loss(change) if quantity.startswith("diversity_loss.") else change


def doubt(e: Number | None) -> str:
    """What a reader must know about a number: that it is inconclusive, or nothing."""
    return STATUS_WORDS["inconclusive"] if measured(e) and e.status == "inconclusive" else ""


def why(e: Number) -> str:
    """Method, sample size, level and reason: what the number rests on, in one line."""
    parts = [method_words(e.method)]
    parts += [f"n = {e.n:,}"] if e.n else []
    if measured(e) and e.lower != e.upper:
        parts.append(f"{100 * e.level:g}% interval")
    parts += [e.reason] if e.reason else []
    return "; ".join(part for part in parts if part)


def plural(number: float, one: str, many: str = "") -> str:
    """A count with its noun: 1 shard, 2 shards."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def figures_only(cells: Iterable[str]) -> bool:
    """Whether a column of a table holds figures alone, which are aligned right."""
    return all(_FIGURE.fullmatch(cell) for cell in cells if cell)


def share_or_blank(number: float | None) -> str:
    """A share as a percentage; empty where there is none."""
    return "" if number is None else percent(number)


def count_or_blank(number: float | None) -> str:
    """A count; empty where there is none."""
    return "" if number is None or not math.isfinite(number) else count(number)


def _moved(e: Number, move: Callable[[float], float]) -> Number:
    if not measured(e):
        return e
    lower, upper = sorted((move(e.lower), move(e.upper)))
    return Estimate(move(e.value), lower, upper, e.level, e.method, e.n, Status(e.status), e.reason)


def _change(word: str) -> Form:
    def form(change: float) -> str:
        return f"{percent(abs(change))} {word if change <= 0 else 'more'}"

    return form


def _change_interval(lower: float, upper: float, word: str) -> str:
    """16.3\u201335.3 where both ends lie on one side of the reference, else 1.2% fewer to 16.0% more."""
    if upper <= 0 or lower >= 0:
        ends = sorted((abs(lower), abs(upper)))
        return f"{bare_percent(ends[0])}{DASH}{bare_percent(ends[1])}"
    return f"{percent(-lower)} {word} to {percent(upper)} more"


def _digits(number: float) -> str:
    """Three significant digits, without an exponent."""
    if number == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(number))))
    shown = f"{number:,.{places}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _round_up_from_zero(number: float) -> float:
    return max(1, round(number)) if 0 < number < 1 else round(number)


# unit -> (the value, the ends of its interval)
FORMS: dict[str, tuple[Form, Form]] = {
    "share": (percent, bare_percent),
    "count": (count, count),
    "log": (signed, signed),
    **{unit: (_change(word), bare_percent) for unit, word in CHANGES.items()},
}
