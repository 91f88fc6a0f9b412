"""Hill numbers, coverage and richness: one published equation, one function, on frequency counts.

Frequency counts say how many types were seen k times: k (K,) and f (K,), f a weighted count where types are sampled.
`size` is the number of sampling units: tokens (n) for occurrences, blocks (T) for incidences. `total` is the sum of
k * f over all types: n for occurrences, U for incidences; the equations of both kinds differ in nothing else.

References
[1] Chao & Jost 2012, Ecology 93:2533, coverage-based rarefaction and extrapolation
[2] Chao, Gotelli, Hsieh, Sander, Ma, Colwell & Ellison 2014, Ecological Monographs 84:45, Hill numbers
[3] Chao, Wang & Jost 2013, Methods in Ecology and Evolution 4:1091, entropy
[4] Chao 1984, Scand. J. Statist. 11:265 (Chao1); Chao 1987, Biometrics 43:783 (Chao2)
[5] Chao & Jost 2015, Methods in Ecology and Evolution 6:873, diversity profiles (extrapolation of q = 1)
[6] Good 1953, Biometrika 40:237, coverage
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, exp1

from auditor.estimate.diversity.equations_kernels import (
    deficit_beyond,
    rarefied_deficit,
    rarefied_entropy,
    rarefied_richness,
    shrinks,
    size_below,
    types_seen,
)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Types per count. k, f (K,) float64, k >= 1 without repetition below `spectrum.LISTED`; size, total: see above."""

    k: np.ndarray
    f: np.ndarray
    size: float
    total: float

    @property
    def seen(self) -> float:
        """Number of types seen."""
        return float(self.f.sum())

    def times(self, k: int) -> float:
        """f_k, the number of types seen exactly k times."""
        return float(types_seen(self.k, self.f, float(k)))


def unseen(seen: Frequencies) -> float:
    """Lower bound of the number of types not seen: f0 = (n-1)/n f1^2 / (2 f2), or with f1 (f1 - 1)/2 where f2 = 0
    [4]."""
    f1, f2 = seen.times(1), seen.times(2)
    share = (seen.size - 1.0) / seen.size
    return share * f1 * f1 / (2.0 * f2) if f2 > 0 else share * f1 * max(f1 - 1.0, 0.0) / 2.0


def chao(seen: Frequencies) -> float:
    """Lower bound of richness: Chao1 on occurrences, Chao2 on incidences [4]: S_obs + f0."""
    return seen.seen + unseen(seen)


def _decay(seen: Frequencies) -> float:
    """The factor by which each further unit shrinks the uncovered share beyond the sample [1, eq. 4a and 12]."""
    return float(shrinks(seen.k, seen.f, seen.size))


def coverage(seen: Frequencies, m: float | None = None) -> float:
    """Good-Turing coverage of m units (of the sample itself when None) [1, eq. 4a, 6b and 12; 6]."""
    m = seen.size if m is None else m
    if m < seen.size:
        return 1.0 - rarefied_deficit(seen.k, seen.f, seen.size, seen.total, m)
    return float(1.0 - deficit_beyond(seen.k, seen.f, seen.size, seen.total, m))


def size_at(seen: Frequencies, target: float, *, near: float | None = None) -> float:
    """The number of units whose coverage is `target` [1]; infinite if no sample reaches it.

    near: a guess that saves time, such as the size found without a group
    """
    if target <= coverage(seen):
        return size_below(seen.k, seen.f, seen.size, seen.total, target, near or 0.0)
    f1, decay = seen.times(1), _decay(seen)
    if target >= 1.0 or not 0.0 < decay < 1.0:
        return math.inf
    return seen.size + math.log(seen.total / f1 * (1.0 - target)) / math.log(decay) - 1.0


def richness(seen: Frequencies, m: float) -> float:
    """q = 0: types expected in m units, rarefied (m <= size) or extrapolated [2, Table 1]."""
    if m <= seen.size:
        return rarefied_richness(seen.k, seen.f, seen.size, float(m))
    f0, f1 = unseen(seen), seen.times(1)
    if f0 <= 0.0:
        return seen.seen
    return seen.seen + f0 * -math.expm1((m - seen.size) * math.log1p(-f1 / (seen.size * f0 + f1)))


def simpson(seen: Frequencies, m: float) -> float:
    """q = 2: effective number of frequent types in m tokens: 1 / [1/m + (m-1)/m sum k(k-1) f_k / (n(n-1))] [2]."""
    pairs = float(np.sum(seen.k * (seen.k - 1.0) * seen.f)) / (seen.size * (seen.size - 1.0))
    if math.isinf(m):
        return 1.0 / pairs if pairs > 0 else math.inf
    return 1.0 / (1.0 / m + (m - 1.0) / m * pairs)


def shannon(seen: Frequencies, m: float) -> float:
    """q = 1: exponential entropy expected in m tokens; beyond the sample by the slope at its end [2; 5, eq. 11]."""
    if m <= seen.size:
        below, above = math.floor(m), math.ceil(m)
        low = rarefied_entropy(seen.k, seen.f, seen.size, float(max(below, 1)))
        high = low if above == below else rarefied_entropy(seen.k, seen.f, seen.size, float(above))
        return math.exp(low + (m - below) * (high - low))
    limit, here = math.exp(entropy(seen)), math.exp(rarefied_entropy(seen.k, seen.f, seen.size, seen.size))
    before = math.exp(rarefied_entropy(seen.k, seen.f, seen.size, seen.size - 1.0))
    slope = (here - before) / (limit - before) if limit > before else 0.0
    if not 0.0 < slope < 1.0:
        return here
    return here + (limit - here) * -math.expm1((m - seen.size) * math.log1p(-slope))


def entropy(seen: Frequencies) -> float:
    """Chao-Wang-Jost estimator of Shannon's entropy in nats [3, eq. 7a]."""
    n, inner = seen.size, seen.k < seen.size
    k, f = seen.k[inner], seen.f[inner]
    observed = float(np.sum(k / n * f * (digamma(n) - digamma(k))))
    f1, decay = seen.times(1), _decay(seen)
    if f1 <= 0.0 or decay <= 0.0:
        return observed
    return observed + f1 / n * _unseen_entropy(n, decay)


def _unseen_entropy(n: float, decay: float) -> float:
    """Sum over r >= n of decay^(r - n + 1) / r: the bracket of [3, eq. 7a] without its cancellation."""
    if n <= 10_000:
        rate, r = -math.log(decay), np.arange(1, n)
        if rate * n < 1.0:  # the bracket as printed: no overflow here, and exact
            return decay ** -(n - 1.0) * (-math.log1p(-decay) - float(np.sum(decay**r / r)))
        j = np.arange(1, 2 + math.ceil(45.0 / rate))
        return float(np.sum(decay**j / (n - 1.0 + j)))
    rate = -math.log(decay)
    x = rate * (n - 0.5)
    if x > 500.0:
        return 1.0 / x
    # Midpoint rule of the sum as an exponential integral: relative error of order 1/n^2.
    return math.exp(rate * (n - 1.0)) * float(exp1(x))


# The measures by order: what is counted ("blocks" or "tokens") follows from the caller's frequencies.
HILL = {0: richness, 1: shannon, 2: simpson}
