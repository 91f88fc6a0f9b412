"""Scopes that are picked or compared by their figures, with intervals that allow for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditor.estimate.fraction.scopes import ScopePrevalence
from auditor.records import LEVEL, Estimate
from auditor.statistics.intervals import normal_quantile
from auditor.statistics.multiplicity import false_coverage_level


def selected(estimates: Sequence[Estimate], threshold: float) -> dict[int, Estimate]:
    """Scopes picked because their lower bound exceeds a threshold, by position, with intervals that allow for it.

    The largest number R of m measured scopes whose intervals at level 1 - R (1 - level) / m lie above the threshold:
    among intervals picked this way the expected share that miss is at most 1 - level. The stricter interval is the
    given one stretched by the ratio of normal quantiles: replicates are too few for the far tail.

    References: Benjamini & Yekutieli 2005, definition 1 and section 4 (selection by Benjamini-Hochberg)
    """
    known = [(i, e) for i, e in enumerate(estimates) if e.is_number]
    for count in range(sum((e.lower or 0.0) > threshold for _, e in known), 0, -1):
        stretched = {i: _stretched(e, false_coverage_level(count, len(known), level=e.level)) for i, e in known}
        above = {i: e for i, e in stretched.items() if (e.lower or 0.0) > threshold}
        if len(above) >= count:
            return above
    return {}


def _stretched(e: Estimate, level: float) -> Estimate:
    value, lower, upper = float(e.value or 0.0), float(e.lower or 0.0), float(e.upper or 0.0)
    ratio = normal_quantile(level) / normal_quantile(e.level)
    lower, upper = max(0.0, value - ratio * (value - lower)), min(1.0, value + ratio * (upper - value))
    return replace(e, lower=lower, upper=upper, level=level)


def ranked(found: ScopePrevalence) -> list[int]:
    """Positions of the measured scopes by lower bound, worst first: a wide interval alone ranks no scope high."""
    known = [(-(e.lower or 0.0), -(e.value or 0.0), i) for i, e in enumerate(found.documents) if e.is_number]
    return [i for _, _, i in sorted(known)]


def difference(first: np.ndarray, second: np.ndarray, *, level: float = LEVEL) -> Estimate:
    """Second minus first from joint replicates (draws,), in which the error of shared densities cancels."""
    if len(first) == 0 or len(first) != len(second):
        return Estimate.not_measured("no joint replicates", method="joint_replicates", level=level)
    change = second - first
    lower, upper = np.quantile(change, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(np.median(change)), float(lower), float(upper), level, "joint_replicates", len(change))
