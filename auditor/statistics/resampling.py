"""Resampling over groups of dependent documents (near-duplicate clusters, hosts)."""

from __future__ import annotations

import numpy as np


def jackknife_variance(leave_one_out: np.ndarray) -> np.ndarray:
    """Delete-a-group variance of a statistic from its leave-one-group-out values (groups, ...).

    Infinite where a value is: nothing is left to measure without that group.

    References: Kott 2001, eq. 1
    """
    g = len(leave_one_out)
    finite = np.isfinite(leave_one_out).all(0)
    known = np.where(finite, leave_one_out, 0.0)
    return np.where(finite, (g - 1) / g * ((known - known.mean(0)) ** 2).sum(0), np.inf)


def design_effect(by_group: np.ndarray, weight: np.ndarray) -> float:
    """How many times the variance of mean(weight) over groups exceeds that of independent documents; at least 1.

    by_group (groups, bins) documents; weight (bins,) the value of a document in that bin. Ratio estimator over groups:
    V = g/(g-1) sum_g n_g^2 (mean_g - mean)^2 / n^2, against Var(weight)/n. Where groups are single documents the
    expectation is 1; the floor and a pull towards 1 with the chi-square noise of g groups keep it steady.

    References: Kish 1965, section 5.4; Cochran 1977, eq. 9A.10
    """
    sizes = by_group.sum(1)
    kept = sizes > 0
    g, n = int(kept.sum()), sizes.sum()
    if g < 4 or n < 40:
        return 1.0
    mean = (by_group.sum(0) @ weight) / n
    variance = (by_group.sum(0) @ (weight - mean) ** 2) / n
    if variance <= 0:
        return 1.0
    deviation = by_group[kept] @ weight - sizes[kept] * mean
    between = g / (g - 1) * (deviation**2).sum() / n**2
    ratio = between / (variance / n)
    # a ratio of variances over g groups has a relative sd of sqrt(2/(g-1)): only the excess over that is believed
    noise = np.sqrt(2 / (g - 1))
    return float(max(1.0, ratio if ratio > 1 + 2 * noise else 1 + max(0.0, ratio - 1 - noise)))
