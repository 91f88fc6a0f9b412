"""One-sided p-values of a figure against a bound, and differences between two audits."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from auditor.records import Estimate
from auditor.statistics.intervals import normal_quantile

ROLLS = range(1, 12)


def exceedance(estimate: Estimate, bound: float, *, above: bool) -> float:
    """P-value against "the truth is within the bound"; nan where nothing was measured, 0 or 1 for a full count.

    A normal's tail, as wide as the interval is on the bound's side: near the bound that agrees with the interval, far
    out it errs on the safe side (a logit scale was tried: for 8 of 200 against 1% it gives p = 0.00003, the exact
    binomial 0.001). Replicates are not counted: a few hundred of them resolve nothing far out, so that none of 1,000
    shards could ever stand out, and they leave out the misfit by which the interval is widened.

    References: Davison & Hinkley 1997, section 5.2 (normal approximation)
    """
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return float("nan")
    value = estimate.value
    if estimate.lower == estimate.upper:
        return float(value <= bound if above else value >= bound)
    near, far = (estimate.lower, estimate.upper) if above else (estimate.upper, estimate.lower)
    # A value at the end of its own interval has no width on that side, so the other side's width is taken.
    width = abs(value - near) or abs(value - far)
    distance = value - bound if above else bound - value
    return float(ndtr(-distance * normal_quantile(estimate.level) / width))


def difference(now: Estimate, before: Estimate, draws: tuple[np.ndarray, np.ndarray] | None = None) -> Estimate:
    """now - before of two audits with independent errors.

    From replicates, the draws of one audit are set against those of the other at shifted places: audits with one seed
    draw with the same random numbers, so that equal places would cancel error that is not shared. The interval is at
    least that of the intervals' own sides, which include misfit.

    References: Newcombe 1998, method 10 (square-and-add)
    """
    if now.value is None or before.value is None:
        return Estimate.not_measured("one of the two was not measured", level=now.level)
    assert now.lower is not None and now.upper is not None
    assert before.lower is not None and before.upper is not None
    value = now.value - before.value
    lower = value - float(np.hypot(now.value - now.lower, before.upper - before.value))
    upper = value + float(np.hypot(now.upper - now.value, before.value - before.lower))
    method, n = "square_and_add", min(now.n, before.n)
    if draws is not None and min(map(len, draws)) >= 100:
        n, method = min(map(len, draws)), "independent_replicates"
        apart = np.concatenate([draws[0][:n] - np.roll(draws[1][:n], shift) for shift in ROLLS])
        ends = np.quantile(apart, [(1 - now.level) / 2, (1 + now.level) / 2])
        lower, upper = min(lower, float(ends[0])), max(upper, float(ends[1]))
    return Estimate(value, lower, upper, now.level, method, n)
