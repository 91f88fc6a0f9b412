"""The types for single things: an estimate, a skip, a finding. Many of a kind are Polars columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from html import escape
from pathlib import PurePath
from typing import Any

LEVEL = 0.95
# A JSON object as read from a file or about to be written: only for code that reads and writes files.
Json = dict[str, Any]


class Status(StrEnum):
    """How reliable a number is."""

    MEASURED = "measured"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval, method and reach: the E of report.json.

    value, lower, upper: in the quantity's own unit (fractions 0-1), null when not measured
    level: coverage of the interval in (0, 1); method: name of the estimator ("census" for a full count)
    n: sampling units behind it; status, reason: why it is inconclusive or not measured
    """

    value: float | None
    lower: float | None
    upper: float | None
    level: float = LEVEL
    method: str = ""
    n: int = 0
    status: Status = Status.MEASURED
    reason: str | None = None

    def __post_init__(self) -> None:
        numbers = (self.value, self.lower, self.upper)
        if self.status == Status.NOT_MEASURED:
            assert numbers == (None, None, None) and self.reason, f"not measured needs nulls and a reason: {self}"
        else:
            assert all(x is not None and math.isfinite(x) for x in numbers), f"a number is missing: {self}"
            assert self.status == Status.MEASURED or self.reason, f"inconclusive needs a reason: {self}"

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Estimate:
        """The estimate that `as_dict` wrote: the E of report.json, or a row of the table `estimates`."""
        names = ("value", "lower", "upper", "level", "method", "n", "reason")
        return cls(**{name: stored[name] for name in names}, status=Status(stored["status"]))

    @classmethod
    def not_measured(cls, reason: str, *, method: str = "", n: int = 0, level: float = LEVEL) -> Estimate:
        """An estimate without numbers, and why there are none."""
        return cls(None, None, None, level, method, n, Status.NOT_MEASURED, reason)

    @classmethod
    def census(cls, value: float, n: int, *, level: float = LEVEL) -> Estimate:
        """A full count: the interval is the value."""
        return cls(float(value), float(value), float(value), level, "census", n)

    def but(self, status: Status, reason: str) -> Estimate:
        """The same numbers with another status and its reason (numbers vanish when not measured)."""
        if status == Status.NOT_MEASURED:
            return Estimate.not_measured(reason, method=self.method, n=self.n, level=self.level)
        return Estimate(self.value, self.lower, self.upper, self.level, self.method, self.n, status, reason)

    @property
    def is_number(self) -> bool:
        """Whether it has a value, conclusive or not."""
        return self.value is not None

    def __str__(self) -> str:
        """Value and interval in a line; what was not measured says why."""
        if self.value is None:
            return f"not measured: {self.reason}"
        doubt = "" if self.status == Status.MEASURED else f", {self.status}: {self.reason}"
        return f"{self.value:.4g} [{self.lower:.4g}, {self.upper:.4g}] at {self.level:.0%}{doubt}"

    def _repr_html_(self) -> str:
        """For notebooks."""
        if self.value is None:
            return f"<em>not measured</em>: {escape(str(self.reason))}"
        of = f"{escape(self.method)}, n = {self.n:,}"
        doubt = "" if self.status == Status.MEASURED else f"<br><em>{self.status}</em>: {escape(str(self.reason))}"
        bounds = f"[{self.lower:.4g}, {self.upper:.4g}] at {self.level:.0%}"
        return f"<strong>{self.value:.4g}</strong> {bounds} <small>({of})</small>{doubt}"

    def as_dict(self) -> Json:
        """What `from_dict` reads; the E of report.json."""
        # asdict copies deeply: of a report's thousands of estimates that took a fifth of a second.
        return {name: getattr(self, name) for name in self.__slots__} | {"status": str(self.status)}


@dataclass(frozen=True, slots=True)
class Skip:
    """Records or documents that were not measured, with the reason: counted, never silent.

    row is the record's position in the shard where one record is meant; None for a count over the shard.
    """

    shard: str
    reason: str
    documents: int = 1
    row: int | None = None
    detail: str = ""


class Severity(StrEnum):
    """How much a finding matters: an error names what could not be done, a warning asks for action."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """An estimate or cluster that crosses a stated threshold, with the evidence and what to do about it."""

    kind: str
    severity: Severity
    scope_kind: str
    scope: str
    message: str
    advice: str
    evidence: Json = field(default_factory=dict)
    estimate: Estimate | None = None


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Estimate]]:
    """(dotted path, estimate) of every estimate in a part of the report."""
    for key, value in tree.items():
        if isinstance(value, Estimate):
            yield prefix + key, value
        elif isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")


def nested(tree: Any) -> Any:
    """Dataclasses as dictionaries, all the way down, as in report.json; only Estimates are kept."""
    if isinstance(tree, Estimate):
        return tree
    if is_dataclass(tree) and not isinstance(tree, type):
        own = tree.as_json() if hasattr(tree, "as_json") else {f.name: getattr(tree, f.name) for f in fields(tree)}
        return {key: nested(value) for key, value in own.items()}
    if isinstance(tree, Mapping):
        return {key: nested(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [nested(value) for value in tree]
    return str(tree) if isinstance(tree, StrEnum | PurePath) else tree


def plain(tree: Any) -> Any:
    """What JSON can hold: dataclasses and Estimates as dictionaries, all the way down."""
    return _written(nested(tree))


def _written(tree: Any) -> Any:
    if isinstance(tree, Estimate):
        return tree.as_dict()
    if isinstance(tree, dict):
        return {key: _written(value) for key, value in tree.items()}
    return [_written(value) for value in tree] if isinstance(tree, list) else tree


def estimates_of_json(node: Any) -> Any:
    """A part of report.json with each E as an Estimate again."""
    if isinstance(node, dict) and {"value", "lower", "upper", "status"} <= node.keys():
        return Estimate.from_dict(node)
    if isinstance(node, dict):
        return {key: estimates_of_json(value) for key, value in node.items()}
    if isinstance(node, list):
        return [estimates_of_json(value) for value in node]
    return node
