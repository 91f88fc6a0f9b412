"""Totals of a corpus of which only some shards were read: clusters of unequal size drawn without replacement."""

from __future__ import annotations

import numpy as np

from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import normal_quantile, student_quantile

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
    quantile = student_quantile(level, n - 1) if shards > n else normal_quantile(level)
    half = float(quantile * np.sqrt(between + within))
    out = Estimate(ratio, max(0.0, ratio - half), min(1.0, ratio + half), level, METHOD, n)
    if n < FEWEST and shards > n:
        return out.but(Status.INCONCLUSIVE, f"{n} of {shards} shards were read: too few to know how shards differ")
    return out


def two_stage_draws(values: np.ndarray, sizes: np.ndarray, shards: int, rng: np.random.Generator) -> np.ndarray:
    """Draws (draws,) of the mean over a corpus of `shards` shards from joint draws (draws, n) of the n that were read.

    Draw by draw the ratio to size, moved by Student's t times the between-shard error of two_stage_ratio: what the
    shards that were read share (densities, anchors) stays in, as their own error does. Upwards in the logarithm: shards
    are skewed, and the contaminated one is the one that was missed (coverage of a gamma(2) over 15 of 200 shards .94,
    with plain t .91).

    References: Cochran 1977, eqs. 11.25 and 11.30; Rubin 1987, eq. 3.1.6 (t for a variance from few units)
    """
    share = sizes / max(sizes.sum(), 1e-300)
    ratio, n = values @ share, values.shape[1]
    if n < 2 or n >= shards:
        return ratio
    between = (1 - n / shards) * n / (n - 1) * ((values - ratio[:, None]) ** 2 @ share**2)
    step = np.sqrt(between) * rng.standard_t(n - 1, len(ratio))
    upwards = ratio * np.exp(np.clip(step / np.maximum(ratio, 1e-12), 0, 50))
    return np.clip(np.where(step > 0, upwards, ratio + step), 0.0, 1.0)


def sample_shards(shards: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of the shards to read: systematic over their order, so that times and sources are spread (sorted).

    References: Cochran 1977, section 8.1 (systematic sampling with a random start, fractional interval)
    """
    if wanted >= shards:
        return np.arange(shards)
    step = shards / wanted
    return np.minimum((rng.random() * step + step * np.arange(wanted)).astype(np.int64), shards - 1)
