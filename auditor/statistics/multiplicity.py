"""Many shards at once: which are rejected, and intervals for those that were selected."""

from __future__ import annotations

import numpy as np


def benjamini_hochberg(p_values: np.ndarray, *, rate: float = 0.05) -> np.ndarray:
    """Which hypotheses (n,) bool are rejected at a false-discovery rate.

    Rejects all up to the largest k with p_(k) <= k rate / n; p-values that are not numbers are never rejected.

    References: Benjamini & Hochberg 1995, eq. 1
    """
    p = np.asarray(p_values, float)
    rejected = np.zeros(len(p), bool)
    known = np.flatnonzero(np.isfinite(p))
    if len(known) == 0:
        return rejected
    order = known[np.argsort(p[known], kind="stable")]
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(order) + 1) / len(order))
    if len(passed):
        rejected[order[: passed[-1] + 1]] = True
    return rejected


def false_coverage_level(selected: int, total: int, *, level: float = 0.95) -> float:
    """Level at which to give intervals to `selected` of `total` scopes picked by their figures.

    1 - R (1-level) / m keeps the expected share of intervals that miss, among the selected, at 1 - level.

    References: Benjamini & Yekutieli 2005, definition 1
    """
    if not 0 <= selected <= total:
        raise ValueError(f"{selected} selected of {total}")
    return level if selected == 0 else 1 - selected * (1 - level) / total
