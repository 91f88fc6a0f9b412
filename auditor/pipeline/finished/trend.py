"""Contamination over time: the figures of a store's audits as series, with early warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from auditor.errors import ConfigError
from auditor.gate.early_warning import ALLOWANCE, FIRST, early_warning
from auditor.gate.policy import matches
from auditor.pipeline.finished.sides import DOWNWARD, QUANTITIES, Audit, audits_of, barriers, stored_estimates
from auditor.pipeline.run.bucket import store_at
from auditor.records import Estimate
from auditor.store.shared import open_store


@dataclass(frozen=True, slots=True)
class Point:
    """A quantity in one audit; score: of the control chart, None where there is none."""

    audit_id: str
    estimate: Estimate
    score: float | None


@dataclass(frozen=True, slots=True)
class Break:
    """A series does not continue from the audit before this one; before: the id of the first audit after the break."""

    before: str
    reason: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """The audit that raised an early warning, and the one in which the change seems to have begun."""

    audit_id: str
    since: str


@dataclass(frozen=True, slots=True)
class ControlChart:
    """The chart behind the warnings.

    needed: comparable audits before the first warning; false_alarm_rate: chance of a false alarm over `audits` audits
    """

    needed: int
    method: str
    allowance: float
    limit: float
    false_alarm_rate: float
    audits: int


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over the audits; audits: how many have measured it since the last break."""

    quantity: str
    words: str
    breaks: tuple[Break, ...]
    alarm: Alarm | None
    audits: int
    chart: ControlChart
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class YearShare:
    """The machine-written share of the documents of one year, in the latest audit."""

    year: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Trend:
    """Every quantity over the audits of a store; `plain` of it is the JSON of `auditor trend`."""

    schema_version: str = field(default="1.0", init=False)
    audits: tuple[Audit, ...]
    series: tuple[Series, ...]
    years: tuple[YearShare, ...]


def trend(store: Path, *, corpus: Sequence[str] = ()) -> Trend:
    """Every quantity over the audits of a store, over the documents' own years, and early warnings.

    A series breaks where detectors, calibration or the settings behind a figure change; only the stretch after the last
    break is charted. Audits are listed in the order in which they were started.

    Parameters: corpus, names or patterns; audits of several corpora are put into one series only where it is given
    Raises: ConfigError where no audit matches, or the store holds several corpora and none was named; StoreError
    """
    with store_at(store) as here, open_store(here) as connection:
        wanted = tuple(corpus) or ("*",)
        audits = tuple(audit for audit in audits_of(connection) if matches(audit.corpus, wanted))
        if not audits:
            raise ConfigError(f"{store} holds no audit" + (f" of {', '.join(corpus)}" if corpus else ""))
        names = sorted({audit.corpus for audit in audits})
        if len(names) > 1 and not corpus:
            shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            raise ConfigError(
                f"{store} holds audits of {len(names)} corpora ({shown}), and a series of different corpora shows no "
                "trend: name one with --corpus NAME, or mix them with --corpus '*'"
            )
        found = stored_estimates(connection, "scope_kind IN ('corpus', 'year')")
    series = tuple(_series(quantity, audits, found) for quantity in QUANTITIES)
    years = tuple(
        YearShare(scope, e)
        for (audit, kind, scope, quantity), e in sorted(found.items())
        if audit == audits[-1].audit_id and kind == "year" and quantity == "synthetic_fraction"
    )
    return Trend(audits, series, years)


def _series(quantity: str, audits: Sequence[Audit], found: Mapping[tuple[str, str, str, str], Estimate]) -> Series:
    absent = Estimate.not_measured("not in this audit")
    estimates = [found.get((a.audit_id, "corpus", "corpus", quantity), absent) for a in audits]
    start, breaks = 0, []
    for place in range(1, len(audits)):
        reason = barriers(audits[place - 1], audits[place]).get(quantity)
        if reason:
            start = place
            breaks.append(Break(audits[place].audit_id, reason))
    values = np.array([float("nan") if e.value is None else e.value for e in estimates])
    chart = early_warning(values[start:], upward=quantity not in DOWNWARD)
    alarm = None
    if chart.alarm is not None and chart.since is not None:
        alarm = Alarm(audits[start + chart.alarm].audit_id, audits[start + chart.since].audit_id)
    scores = [None] * start + [None if np.isnan(s) else float(s) for s in chart.score]
    ids = (audit.audit_id for audit in audits)
    return Series(
        quantity,
        QUANTITIES[quantity],
        tuple(breaks),
        alarm,
        int(np.isfinite(values[start:]).sum()),
        ControlChart(FIRST, "self-starting CUSUM", ALLOWANCE, chart.limit, chart.rate, chart.horizon),
        tuple(Point(*point) for point in zip(ids, estimates, scores, strict=True)),
    )
