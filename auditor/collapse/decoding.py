"""The decoding ratio r: how much of the tail's mass generated text keeps, from shards that differ in their fraction.

References
    [1] D. York et al., Unified equations for the slope, intercept, and standard errors of the best straight line,
        Am. J. Phys. 72, 2004: errors in both coordinates, here through the origin
    [2] R. T. Birge, The calculation of errors by the method of least squares, Phys. Rev. 40, 1932: scatter beyond
        the stated errors widens the interval
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaincinv

from auditor.records import LEVEL, Estimate

GRID = np.linspace(0.0, 1.0, 2001)


def numbers_of(estimate: Estimate) -> tuple[float, float, float]:
    """Lower, value, upper of an estimate that has them.

    Raises: ValueError when it is not measured
    """
    if estimate.lower is None or estimate.value is None or estimate.upper is None:
        raise ValueError(f"not measured: {estimate.reason}")
    return estimate.lower, estimate.value, estimate.upper


def is_informative(fraction: Estimate, tail_retention: Estimate) -> bool:
    """Only text that is certainly in part synthetic tells anything about decoding."""
    return fraction.is_number and tail_retention.is_number and numbers_of(fraction)[0] > 0


def estimate_ratio(pairs: Iterable[tuple[Estimate, Estimate]], *, level: float = LEVEL) -> Estimate:
    """r from fractions f_s and tail retentions x_s, whose law is x_s = 1 - (1-r) f_s.

    Implements [1]: minimise sum (1-x_s - b f_s)^2/(sd_x^2 + b^2 sd_f^2) over b = 1-r in [0, 1]; the interval is where
    the sum exceeds its minimum by the chi-square quantile, scaled by the scatter [2]. That sum is (f-t)^2/sd_f^2 +
    (1-x-bt)^2/sd_x^2 at its best t, the fraction behind f; t is kept in [0, 1]; otherwise a tail that is surely larger
    than in human text (x > 1) would be fitted best by a fraction below 0 and a steep loss.

    Returns: Estimate; not measured where no fraction's lower bound is above 0
    Assumes: synthetic and human parts of a shard share topics, so that f alone moves x
    """
    used = [(f, x) for f, x in pairs if is_informative(f, x)]
    if not used:
        return Estimate.not_measured("no fraction is surely above 0", method="errors in both", level=level)
    f, f_sd = np.array([_point(e) for e, _ in used]).T
    x, x_sd = np.array([_point(e) for _, e in used]).T

    def misfit(slope: np.ndarray | float) -> np.ndarray:
        slope = np.atleast_1d(slope)[:, None]
        behind = (f * x_sd**2 + slope * (1 - x) * f_sd**2) / (x_sd**2 + slope**2 * f_sd**2)
        t = np.clip(behind, 0.0, 1.0)
        return (((f - t) / f_sd) ** 2 + ((1 - x - slope * t) / x_sd) ** 2).sum(axis=1)

    coarse = GRID[int(np.argmin(misfit(GRID)))]
    near = (max(coarse - 1e-3, 0.0), min(coarse + 1e-3, 1.0))
    best = float(minimize_scalar(lambda b: float(misfit(b)[0]), bounds=near, method="bounded").x)
    least = float(misfit(best)[0])
    scatter = max(1.0, least / (len(used) - 1)) if len(used) > 1 else 1.0
    chi_square = 2 * float(gammaincinv(0.5, level))  # its quantile with one degree of freedom
    inside = GRID[misfit(GRID) <= least + chi_square * scatter]
    low, high = (min(inside.min(), best), max(inside.max(), best)) if inside.size else (best, best)
    return Estimate(1 - best, float(1 - high), float(1 - low), level, "errors in both", len(used))


def _point(estimate: Estimate) -> tuple[float, float]:
    """Value and standard deviation, the latter never 0 so that a census does not divide by it."""
    width = 2 * NormalDist().inv_cdf(0.5 + estimate.level / 2)
    lower, value, upper = numbers_of(estimate)
    return value, max((upper - lower) / width, 1e-6)
