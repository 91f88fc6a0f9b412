"""Two phases: a cheap score of every document, an expensive label of a sample of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.estimate.fraction.checks.crosschecks import lang_reiczigel
from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import finite_proportion, normal_quantile

METHOD = "two_phase_difference"
LEAST_SAMPLED = 2


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """Totals of every stratum (language x topic x length x cheap score) and of the sample in it.

    size (h,): documents; cheap_mean (h,): mean cheap value over all of them; n, sum_y, sum_f, sum_yy, sum_ff, sum_yf
    (h,): sampled documents and sums of the label y and the cheap value f over them
    """

    size: np.ndarray
    cheap_mean: np.ndarray
    n: np.ndarray
    sum_y: np.ndarray
    sum_f: np.ndarray
    sum_yy: np.ndarray
    sum_ff: np.ndarray
    sum_yf: np.ndarray

    @classmethod
    def of(cls, size: np.ndarray, cheap_mean: np.ndarray, stratum: np.ndarray, y: np.ndarray, f: np.ndarray) -> Strata:
        """Sum up sampled documents: stratum (n,) position, y (n,) label or deep probability, f (n,) cheap value."""
        h = len(size)

        def total(value: np.ndarray) -> np.ndarray:
            return np.bincount(stratum, weights=value, minlength=h)

        y, f = np.asarray(y, float), np.asarray(f, float)
        n = np.bincount(stratum, minlength=h).astype(float)
        sums = [total(y), total(f), total(y * y), total(f * f), total(y * f)]
        return cls(np.asarray(size, float), np.asarray(cheap_mean, float), n, *sums)


def difference_estimate(strata: Strata, *, level: float = LEVEL) -> Estimate:
    """Mean of y over all documents from the cheap value on all and y on a sample inside them.

    Per stratum theta_h = lambda fbar_N + mean_n(y - lambda f), V_h = (1 - n/N) S^2(y - lambda f)/n; theta = sum W_h
    theta_h and V = sum W_h^2 V_h. lambda = Cov(y, f)/Var(f) is common to all strata (within-stratum sums), so that
    small strata do not fit their own noise. Strata with fewer than two sampled documents are pooled with the nearest by
    cheap mean. A rare label is held up by the exact interval of a finite population where the sample is one stratum.

    References: Cochran 1977, eqs. 7.10, 7.17 (regression, difference), 5.6 (strata), 2.8 (finite population)
    """
    merged = collapsed(strata)
    population, sampled = merged.size.sum(), merged.n.sum()
    if sampled < LEAST_SAMPLED or population == 0:
        return Estimate.not_measured("no labelled sample", method=METHOD, n=int(sampled), level=level)
    slope = control_slope(merged)
    theta, variance = _stratum_moments(merged, slope)
    weight = merged.size / population
    value = float(weight @ theta)
    half = normal_quantile(level) * float(np.sqrt(weight**2 @ variance))
    lower, upper = value - half, value + half
    if slope == 0 and len(weight) == 1 and float(merged.sum_y[0]).is_integer() and merged.sum_yy[0] == merged.sum_y[0]:
        lower, upper = finite_proportion(int(merged.sum_y[0]), int(sampled), int(population), level=level)
    elif half == 0 and sampled < population:
        # no spread in the sample does not mean none: the rule of three, for the unseen part of the population
        lower, upper = value - 3 / sampled, value + 3 / sampled
    lower, upper = float(np.clip(lower, 0, 1)), float(np.clip(upper, 0, 1))
    out = Estimate(float(np.clip(value, lower, upper)), lower, upper, level, METHOD, int(sampled))
    return out.but(Status.INCONCLUSIVE, f"only {sampled:.0f} labelled documents") if sampled < 20 else out


def control_slope(strata: Strata) -> float:
    """lambda = Cov(y, f)/Var(f) within strata, 0 where f does not vary (then the estimate is the plain mean).

    References: Cochran 1977, eq. 7.46 (combined regression coefficient)
    """
    n = np.maximum(strata.n, 1)
    weight = strata.size**2 / n / np.maximum(n - 1, 1)
    covariance = weight @ (strata.sum_yf - strata.sum_y * strata.sum_f / n)
    variance = weight @ (strata.sum_ff - strata.sum_f**2 / n)
    return float(covariance / variance) if variance > 1e-12 else 0.0


def _stratum_moments(strata: Strata, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """theta_h and V_h of every stratum."""
    n = np.maximum(strata.n, 1)
    mean = (strata.sum_y - slope * strata.sum_f) / n
    squares = strata.sum_yy - 2 * slope * strata.sum_yf + slope**2 * strata.sum_ff
    spread = np.maximum(squares - n * mean**2, 0) / np.maximum(n - 1, 1)
    left = np.clip(1 - strata.n / np.maximum(strata.size, 1), 0, 1)
    return slope * strata.cheap_mean + mean, left * spread / n


def collapsed(strata: Strata) -> Strata:
    """Strata with fewer than two sampled documents joined to their neighbour in cheap mean; a full count stays.

    References: Cochran 1977, section 5A.12 (collapsed strata)
    """
    order = np.argsort(strata.cheap_mean, kind="stable")
    label, current, seen = np.zeros(len(order), np.int64), 0, 0.0
    for position in order:
        label[position] = current
        seen += strata.n[position]
        if seen >= LEAST_SAMPLED:
            current, seen = current + 1, 0.0
    if seen < LEAST_SAMPLED and current > 0:
        label[label == current] = current - 1

    def total(value: np.ndarray) -> np.ndarray:
        return np.bincount(label, weights=value)

    size = total(strata.size)
    cheap = total(strata.size * strata.cheap_mean) / np.maximum(size, 1e-300)
    sums = (strata.n, strata.sum_y, strata.sum_f, strata.sum_yy, strata.sum_ff, strata.sum_yf)
    return Strata(size, cheap, *(total(s) for s in sums))


def neyman_allocation(
    size: np.ndarray, spread: np.ndarray, budget: float, *, cost: np.ndarray | None = None, least: int = 2
) -> np.ndarray:
    """Documents to draw from each stratum (h,) int: n_h proportional to N_h S_h / sqrt(c_h), at most N_h.

    budget in the unit of cost (documents when cost is None). Full strata hand their rest to the others. Rounded down,
    and the remainder goes where it lowers the variance most for its cost.

    References: Neyman 1934; Cochran 1977, eq. 5.24 (with costs), section 5.8 (over-sampling of a stratum)
    """
    size, spread = np.asarray(size, float), np.maximum(np.asarray(spread, float), 1e-6)
    cost = np.ones_like(size) if cost is None else np.asarray(cost, float)
    floor = np.minimum(least, size)
    if floor @ cost > budget:  # the budget is below the floor: as many whole strata as it pays for, the largest first
        drawn = np.zeros_like(size)
        for h in np.argsort(-size * spread / np.sqrt(cost), kind="stable"):
            drawn[h] = min(floor[h], np.floor(max(budget - drawn @ cost, 0) / cost[h]))
        return drawn.astype(np.int64)
    drawn, free = floor.copy(), np.ones(len(size), bool)
    for _ in range(len(size) + 1):
        wish = size * spread / np.sqrt(cost)
        left = budget - drawn[~free] @ cost[~free]
        scale = left / max(wish[free] @ cost[free], 1e-300)
        drawn[free] = scale * wish[free]
        out = free & ((drawn > size) | (drawn < floor))
        if not out.any():
            break
        drawn[out] = np.clip(drawn[out], floor[out], size[out])
        free &= ~out
    drawn = np.clip(np.floor(drawn + 1e-9), floor, size)
    while True:
        affordable = (drawn < size) & (cost <= budget - drawn @ cost + 1e-9)
        if not affordable.any():
            return drawn.astype(np.int64)
        gain = np.where(affordable, size**2 * spread**2 / np.maximum(drawn * (drawn + 1), 1e-9) / cost, -1)
        drawn[int(np.argmax(gain))] += 1


def width_after(strata: Strata, more: int, *, level: float = LEVEL) -> tuple[float, float]:
    """(interval width now, width after `more` further documents, Neyman-allocated)."""
    merged = collapsed(strata)
    slope = control_slope(merged)
    _, variance = _stratum_moments(merged, slope)
    weight = merged.size / max(merged.size.sum(), 1)
    left = np.clip(1 - merged.n / np.maximum(merged.size, 1), 1e-12, 1)
    spread = np.sqrt(np.maximum(variance * merged.n / left, 1e-4))
    extra = neyman_allocation(merged.size - merged.n, spread, more, least=0)
    n = merged.n + extra
    after = np.clip(1 - n / np.maximum(merged.size, 1), 0, 1) * spread**2 / np.maximum(n, 1)
    z = 2 * normal_quantile(level)
    return z * float(np.sqrt(weight**2 @ variance)), z * float(np.sqrt(weight**2 @ after))


def corrected_for_error(
    estimate: Estimate, sensitive: tuple[float, float], specific: tuple[float, float], *, level: float = LEVEL
) -> Estimate:
    """A two-phase share of an expensive detector's flags, corrected for that detector's own error by its anchors.

    sensitive, specific: (right, tested) on known machine and human text. The share of flags enters Lang & Reiczigel
    with the effective number of documents that its own interval implies. A detector is not gold: without anchors of
    its own the figure stays its flag rate.
    """
    if not estimate.is_number or min(sensitive[1], specific[1]) < 1:
        return estimate
    q = min(max(float(estimate.value or 0), 1e-6), 1 - 1e-6)
    half = max((float(estimate.upper or 0) - float(estimate.lower or 0)) / 2, 1e-9)
    effective = q * (1 - q) * (normal_quantile(level) / half) ** 2
    effective = float(np.clip(effective, 1, 1e9))
    value, lower, upper = lang_reiczigel((q * effective, effective), sensitive, specific, level=level)
    value = float(np.clip(value, lower, upper))
    return Estimate(value, lower, upper, level, METHOD, estimate.n, estimate.status, estimate.reason)
