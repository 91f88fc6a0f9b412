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

from auditor.text.jit import kernel

# Above this size the gamma functions of a hypergeometric term lose digits; the midpoint product is closer (5e-7).
LARGE = 1e6
# Expected counts above this are expanded in moments: the next term, 1/(12 mu^2), is 2e-5 units of one token.
MANY = 60.0
# Entropy sums few terms beyond this count: up to it the logarithms are reckoned once, not for every k.
TABLE = 256
# How far (in ln m) the size at a coverage moves without a group of documents: a first bracket.
NEAR = 0.02


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Types per count. k, f (K,) float64, k >= 1 without repetition below `spectrum.LISTED`; size, total: see above."""

    k: np.ndarray
    f: np.ndarray
    size: float
    total: float

    @property
    def seen(self) -> float:
        return float(self.f.sum())

    def times(self, k: int) -> float:
        """f_k, the number of types seen exactly k times."""
        return float(_types_seen(self.k, self.f, float(k)))


# k, f (K,); returns f where k is `times`
@kernel
def _types_seen(k, f, times):
    total = 0.0
    for i in range(k.size):
        if k[i] == times:
            total += f[i]
    return total


# k, f (K,); returns the number of types expected among m of the units
@kernel
def _rarefied_richness(k, f, size, m):
    total, every, left = 0.0, math.lgamma(size + 1.0), math.lgamma(size - m + 1.0)
    for i in range(k.size):
        total += f[i] * (1.0 - _missed(size, k[i], m, math.lgamma(size - k[i] + 1.0), every, left))
    return total


# k, f (K,); returns the share of occurrences that m units would leave uncovered
@kernel
def _rarefied_deficit(k, f, size, total, m):
    return _deficit(k, f, size, total, m, _others(k, size))


# k (K,) -> ln of (size - k)!, which is the same for every m
@kernel
def _others(k, size):
    out = np.empty(k.size)
    for i in range(k.size):
        out[i] = math.lgamma((size - 1.0) - (k[i] - 1.0) + 1.0)
    return out


# k, f, others (K,)
@kernel
def _deficit(k, f, size, total, m, others):
    deficit, every, left = 0.0, math.lgamma((size - 1.0) + 1.0), math.lgamma((size - 1.0) - m + 1.0)
    for i in range(k.size):
        deficit += k[i] * f[i] / total * _missed(size - 1.0, k[i] - 1.0, m, others[i], every, left)
    return deficit


# k, f (K,); returns the expected plug-in entropy of m of the tokens, m whole
@kernel
def _rarefied_entropy(k, f, size, m):
    shares = np.arange(1, TABLE) / m
    logs = np.log(shares)
    entropy, every, left = 0.0, math.lgamma(size + 1.0), math.lgamma(size - m + 1.0)
    for i in range(k.size):
        if f[i] != 0.0:
            entropy += f[i] * _entropy_term(size, k[i], m, (every, left), shares, logs)
    return entropy


@kernel
def _missed(size, k, m, others, every, left):
    """C(size - k, m) / C(size, m): the chance that m units miss all k occurrences.

    others, every, left: ln of (size - k)!, size! and (size - m)!, which sums over k reckon once
    """
    if k <= 0.0:
        return 1.0
    if size - k - m < -1e-9:
        return 0.0
    if size > 1e6:
        return math.exp(k * math.log1p(-m / (size - (k - 1.0) / 2.0)))
    rest = max(size - k - m, 0.0)
    return math.exp(others - math.lgamma(rest + 1.0) - every + left)


@kernel
def _entropy_term(size, k, m, factorials, shares, logs):
    """E[-(x/m) ln(x/m)] of x hypergeometric (size, k, m): summed where x is small, in moments elsewhere.

    factorials: ln of size! and (size - m)!; shares, logs (TABLE - 1,): x/m and its logarithm for x from 1
    """
    every, left = factorials
    mean = k * m / size
    if mean > 60.0:
        variance = mean * (1.0 - k / size) * (size - m) / max(size - 1.0, 1.0)
        third = variance * (1.0 - 2.0 * k / size) * (1.0 - 2.0 * m / size)
        fourth = 3.0 * variance * variance + variance
        value = -mean * math.log(mean / m) - variance / (2.0 * mean)
        return (value + third / (6.0 * mean**2) - fourth / (12.0 * mean**3)) / m
    x = max(0.0, m + k - size)
    if x == 0.0:
        chance = _missed(size, k, m, math.lgamma(size - k + 1.0), every, left)
    else:  # more is drawn than the others can fill: start where the chance is positive
        chance = math.exp(
            math.lgamma(k + 1.0)
            - math.lgamma(x + 1.0)
            - math.lgamma(k - x + 1.0)
            + math.lgamma(m + 1.0)
            + math.lgamma(size - m + 1.0)
            - math.lgamma(size + 1.0)
            + math.lgamma(size - k + 1.0)
            - math.lgamma(m - x + 1.0)
            - math.lgamma(size - k - m + x + 1.0)
        )
    value = 0.0
    top = min(k, m)
    while x <= top:
        if x > 0.0:
            if x < TABLE:
                value -= chance * shares[int(x) - 1] * logs[int(x) - 1]
            else:
                value -= chance * (x / m) * math.log(x / m)
        if x > mean and chance < 1e-17:
            break
        chance *= (k - x) * (m - x) / ((x + 1.0) * (size - m - k + x + 1.0))
        x += 1.0
    return value


def unseen(seen: Frequencies) -> float:
    """The least number of types not seen: f0 = (n-1)/n f1^2 / (2 f2), or with f1 (f1 - 1)/2 where f2 = 0 [4]."""
    f1, f2 = seen.times(1), seen.times(2)
    share = (seen.size - 1.0) / seen.size
    return share * f1 * f1 / (2.0 * f2) if f2 > 0 else share * f1 * max(f1 - 1.0, 0.0) / 2.0


def chao(seen: Frequencies) -> float:
    """Lower bound of richness: Chao1 on occurrences, Chao2 on incidences [4]: S_obs + f0."""
    return seen.seen + unseen(seen)


def _decay(seen: Frequencies) -> float:
    """The factor by which each further unit shrinks the uncovered share beyond the sample [1, eq. 4a and 12]."""
    return float(_shrinks(seen.k, seen.f, seen.size))


# k, f (K,)
@kernel
def _shrinks(k, f, size):
    f1, f2 = _types_seen(k, f, 1.0), _types_seen(k, f, 2.0)
    if f2 > 0:
        return (size - 1.0) * f1 / ((size - 1.0) * f1 + 2.0 * f2)
    return (size - 1.0) * max(f1 - 1.0, 0.0) / ((size - 1.0) * max(f1 - 1.0, 0.0) + 2.0)


def coverage(seen: Frequencies, m: float | None = None) -> float:
    """Good-Turing coverage of m units (of the sample itself when None) [1, eq. 4a, 6b and 12; 6]."""
    m = seen.size if m is None else m
    if m < seen.size:
        return 1.0 - _rarefied_deficit(seen.k, seen.f, seen.size, seen.total, m)
    return float(1.0 - _deficit_beyond(seen.k, seen.f, seen.size, seen.total, m))


# k, f (K,); returns the share of occurrences that m >= size units would leave uncovered
@kernel
def _deficit_beyond(k, f, size, total, m):
    return _types_seen(k, f, 1.0) / total * _shrinks(k, f, size) ** (m - size + 1.0)


def size_at(seen: Frequencies, target: float, *, near: float | None = None) -> float:
    """The number of units whose coverage is `target` [1]; infinite where no sample reaches it.

    near: a guess that saves time, such as the size found without a group
    """
    if target <= coverage(seen):
        return _size_below(seen.k, seen.f, seen.size, seen.total, target, near or 0.0)
    f1, decay = seen.times(1), _decay(seen)
    if target >= 1.0 or not 0.0 < decay < 1.0:
        return math.inf
    return seen.size + math.log(seen.total / f1 * (1.0 - target)) / math.log(decay) - 1.0


# k, f (K,); returns the number of units m <= size whose rarefied coverage is `target`
@kernel
def _size_below(k, f, size, total, target, near):
    """Root by regula falsi (Illinois): ln(1 - C) is nearly straight in ln m."""
    low, high, others = 0.0, math.log(size), _others(k, size)
    below, above = _gap(k, f, size, total, target, low, others), _gap(k, f, size, total, target, high, others)
    if below >= 0.0 or above <= 0.0:
        return 1.0 if below >= 0.0 else size
    if 1.0 < near < size:
        for x in (math.log(near) - NEAR, math.log(near) + NEAR):
            if low < x < high:
                here = _gap(k, f, size, total, target, x, others)
                if here > 0.0:
                    high, above = x, here
                else:
                    low, below = x, here
    x, before = low, 0
    for _ in range(100):
        x = (low * above - high * below) / (above - below)
        here = _gap(k, f, size, total, target, x, others)
        if abs(here) < 1e-12 or high - low < 1e-12:
            break
        if here > 0.0:
            high, above = x, here
            below, before = (below / 2.0 if before > 0 else below), 1
        else:
            low, below = x, here
            above, before = (above / 2.0 if before < 0 else above), -1
    return math.exp(x)


@kernel
def _gap(k, f, size, total, target, x, others):
    """How far the coverage of exp(x) units lies above the target, in logarithms of what is not covered."""
    m = min(math.exp(x), size * (1.0 - 1e-12))
    return math.log((1.0 - target) / max(_deficit(k, f, size, total, m, others), 1e-300))


def richness(seen: Frequencies, m: float) -> float:
    """q = 0: types expected in m units, rarefied (m <= size) or extrapolated [2, Table 1]."""
    if m <= seen.size:
        return _rarefied_richness(seen.k, seen.f, seen.size, float(m))
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
        low = _rarefied_entropy(seen.k, seen.f, seen.size, float(max(below, 1)))
        high = low if above == below else _rarefied_entropy(seen.k, seen.f, seen.size, float(above))
        return math.exp(low + (m - below) * (high - low))
    limit, here = math.exp(entropy(seen)), math.exp(_rarefied_entropy(seen.k, seen.f, seen.size, seen.size))
    before = math.exp(_rarefied_entropy(seen.k, seen.f, seen.size, seen.size - 1.0))
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
