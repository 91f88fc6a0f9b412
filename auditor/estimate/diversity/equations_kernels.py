"""The loops behind `equations`: expectations over hypergeometric draws, and the size that reaches a coverage."""

from __future__ import annotations

import math

import numpy as np

from auditor.text.jit import kernel

# Above this size the gamma functions of a hypergeometric term lose digits; the midpoint product is closer (5e-7).
LARGE = 1e6
# Expected counts above this are expanded in moments: the next term, 1/(12 mu^2), is 2e-5 units of one token.
MANY = 60.0
# Entropy sums few terms beyond this count: up to it the logarithms are computed once, not for every k.
TABLE = 256
# How far (in ln m) the size at a coverage moves without a group of documents: a first bracket.
NEAR = 0.02


# k, f (K,); returns f where k is `times`
@kernel
def types_seen(k, f, times):
    """f of one frequency: the number of types seen exactly that often."""
    total = 0.0
    for i in range(k.size):
        if k[i] == times:
            total += f[i]
    return total


# k, f (K,); returns the number of types expected among m of the units
@kernel
def rarefied_richness(k, f, size, m):
    """The number of types expected in m of the units."""
    total, every, left = 0.0, math.lgamma(size + 1.0), math.lgamma(size - m + 1.0)
    for i in range(k.size):
        total += f[i] * (1.0 - _missed(size, k[i], m, math.lgamma(size - k[i] + 1.0), every, left))
    return total


# k, f (K,); returns the share of occurrences that m units would leave uncovered
@kernel
def rarefied_deficit(k, f, size, total, m):
    """1 - coverage expected in m of the units."""
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
def rarefied_entropy(k, f, size, m):
    """Shannon's entropy expected in m of the units, in nats."""
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

    others, every, left: ln of (size - k)!, size! and (size - m)!, which sums over k compute once
    """
    if k <= 0.0:
        return 1.0
    if size - k - m < -1e-9:
        return 0.0
    if size > LARGE:
        return math.exp(k * math.log1p(-m / (size - (k - 1.0) / 2.0)))
    rest = max(size - k - m, 0.0)
    return math.exp(others - math.lgamma(rest + 1.0) - every + left)


@kernel
def _minus_x_log_x(x, m, shares, logs):
    if x <= 0.0:
        return 0.0
    if x < TABLE:
        return -shares[int(x) - 1] * logs[int(x) - 1]
    return -(x / m) * math.log(x / m)


@kernel
def _entropy_downwards(size, k, m, factorials, shares, logs):
    """_entropy_term of more than half of the units: summed from x = k, the likely end, where none is left out."""
    every, drawn = factorials
    chance, x, value = _missed(size, k, size - m, math.lgamma(size - k + 1.0), every, drawn), k, 0.0
    mean = k * m / size
    while x >= 0.0 and not (x < mean and chance < 1e-17):
        value += chance * _minus_x_log_x(x, m, shares, logs)
        chance *= x * (size - k - m + x) / ((k - x + 1.0) * (m - x + 1.0))
        x -= 1.0
    return value


@kernel
def _entropy_term(size, k, m, factorials, shares, logs):
    """E[-(x/m) ln(x/m)] of x hypergeometric (size, k, m): summed where x is small, in moments elsewhere.

    factorials: ln of size! and (size - m)!; shares, logs (TABLE - 1,): x/m and its logarithm for x from 1
    """
    every, left = factorials
    mean = k * m / size
    if mean > MANY:
        variance = mean * (1.0 - k / size) * (size - m) / max(size - 1.0, 1.0)
        third = variance * (1.0 - 2.0 * k / size) * (1.0 - 2.0 * m / size)
        fourth = 3.0 * variance * variance + variance
        value = -mean * math.log(mean / m) - variance / (2.0 * mean)
        return (value + third / (6.0 * mean**2) - fourth / (12.0 * mean**3)) / m
    if k <= m and m > size / 2:
        return _entropy_downwards(size, k, m, (math.lgamma(size + 1.0), math.lgamma(m + 1.0)), shares, logs)
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
        value += chance * _minus_x_log_x(x, m, shares, logs)
        if x > mean and chance < 1e-17:
            break
        chance *= (k - x) * (m - x) / ((x + 1.0) * (size - m - k + x + 1.0))
        x += 1.0
    return value


# k, f (K,)
@kernel
def shrinks(k, f, size):
    """The factor by which the coverage deficit shrinks with each further unit, from the types seen once and twice."""
    f1, f2 = types_seen(k, f, 1.0), types_seen(k, f, 2.0)
    if f2 > 0:
        return (size - 1.0) * f1 / ((size - 1.0) * f1 + 2.0 * f2)
    return (size - 1.0) * max(f1 - 1.0, 0.0) / ((size - 1.0) * max(f1 - 1.0, 0.0) + 2.0)


# k, f (K,); returns the share of occurrences that m >= size units would leave uncovered
@kernel
def deficit_beyond(k, f, size, total, m):
    """1 - coverage expected in m units, more than there are."""
    return types_seen(k, f, 1.0) / total * shrinks(k, f, size) ** (m - size + 1.0)


# k, f (K,); returns the number of units m <= size whose rarefied coverage is `target`
@kernel
def size_below(k, f, size, total, target, near):
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
