"""Totals of a corpus of which only some shards were read: clusters of unequal size drawn without replacement."""

from __future__ import annotations

import numpy as np
from scipy import stats

from auditor.records import LEVEL, Estimate, Status

METHOD = "two_stage_ratio"
FEWEST = 4


def two_stage_ratio(
    values: np.ndarray, variances: np.ndarray, sizes: np.ndarray, shards: int, *, level: float = LEVEL
) -> Estimate:
    """Mean over a corpus of `shards` shards from those read: ratio to size, with between- and within-shard variance.

    R = sum M_i v_i / sum M_i; V = (1 - n/N) s_b^2 / (n Mbar^2) + sum M_i^2 V_i / (N/n (sum M_i)^2), s_b^2 = sum M_i^2
    (v_i - R)^2 / (n-1), and Student's t with n-1 degrees of freedom: shards are few and skewed.

    Parameters: values, variances (n,) estimates of the shards read and their squared standard errors; sizes (n,)
    Returns: inconclusive under FEWEST shards; all shards read leaves the within-shard variance alone
    References: Cochran 1977, eqs. 11.25 and 11.30 (two-stage sampling, ratio to size)
    """
    values, variances, sizes = (np.asarray(x, float) for x in (values, variances, sizes))
    kept = np.isfinite(values) & (sizes > 0)
    values, variances, sizes = values[kept], np.nan_to_num(variances[kept]), sizes[kept]
    n = len(values)
    if n == 0:
        return Estimate.not_measured("no shard was measured", method=METHOD, level=level)
    share = sizes / sizes.sum()
    ratio = float(share @ values)
    within = float(share**2 @ variances) * min(1.0, n / shards)
    if n == 1 and shards > 1:
        out = Estimate(ratio, 0.0, 1.0, level, METHOD, n)
        return out.but(Status.INCONCLUSIVE, "one shard says nothing about the others")
    between = 0.0
    if shards > n:
        between = (1 - n / shards) * n / (n - 1) * float(share**2 @ (values - ratio) ** 2)
    quantile = stats.t.ppf((1 + level) / 2, n - 1) if shards > n else stats.norm.ppf((1 + level) / 2)
    half = float(quantile * np.sqrt(between + within))
    out = Estimate(ratio, max(0.0, ratio - half), min(1.0, ratio + half), level, METHOD, n)
    if n < FEWEST and shards > n:
        return out.but(Status.INCONCLUSIVE, f"{n} of {shards} shards were read: too few to know how shards differ")
    return out


def sample_shards(shards: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of the shards to read: systematic over their order, so that times and sources are spread (sorted).

    References: Cochran 1977, section 8.1 (systematic sampling with a random start, fractional interval)
    """
    if wanted >= shards:
        return np.arange(shards)
    step = shards / wanted
    return np.minimum((rng.random() * step + step * np.arange(wanted)).astype(np.int64), shards - 1)
