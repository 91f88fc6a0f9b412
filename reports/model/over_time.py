"""Pydantic models of what `auditor trend`, `compare` and `simulate` find, as their --json prints it."""

from __future__ import annotations

from pydantic import Field

from auditor.reports.model.base import Count, E, Part


class Listed(Part):
    """One audit of a trend."""

    audit_id: str
    corpus: str
    started_at: str = ""
    finished_at: str
    version: str
    calibration: str
    complete: bool


class Point(Part):
    """A quantity in one audit; score: of the control chart."""

    audit_id: str
    estimate: E
    score: float | None = None


class Break(Part):
    """A series does not continue from the audit before this one."""

    before: str = Field(description="id of the first audit after the break")
    reason: str


class Alarm(Part):
    """An early warning: the audit that raised it, and the one in which the change seems to have begun."""

    audit_id: str
    since: str


class ControlChart(Part):
    """The control chart behind the warnings, and how often it raises a false one."""

    method: str
    audits: Count = Field(description="over which the rate of false alarms is given")
    false_alarm_rate: float
    needed: Count = Field(default=0, description="comparable audits before the first warning")
    allowance: float | None = None
    limit: float | None = None


class Series(Part):
    """One quantity over the audits."""

    quantity: str
    words: str
    breaks: list[Break]
    alarm: Alarm | None
    audits: Count = Field(default=0, description="measured, since the last break")
    chart: ControlChart
    points: list[Point]


class YearShare(Part):
    """The machine-written share of the documents of one year."""

    year: str
    estimate: E


class Trend(Part):
    """What `auditor trend` finds."""

    audits: list[Listed]
    series: list[Series]
    years: list[YearShare]


class Compared(Part):
    """A quantity of one scope on both sides, and whether it changed."""

    quantity: str
    words: str
    scope_kind: str
    scope: str
    a: E
    b: E
    change: E
    verdict: str


class SideOf(Part):
    """One of the two runs that are compared."""

    name: str
    corpus: str
    finished_at: str
    version: str


class Comparison(Part):
    """What `auditor compare` finds."""

    a: SideOf
    b: SideOf
    method: str
    not_compared: dict[str, str] = Field(default={}, description="reason by quantity")
    rows: list[Compared]
    shards: list[Compared]


class Simulated(Part):
    """A quantity in one generation: mean over the runs, and where one run lies."""

    generation: Count
    quantity: str
    value: float | None
    lower: float | None = None
    upper: float | None = None


class Simulation(Part):
    """A simulated collapse; source: of the frequencies, in words."""

    source: str
    settings: dict[str, str | int | float | None]
    rows: list[Simulated]
