"""One generation of drift over a spectrum, in kernels: types alike move together, so that rare ones cost nothing.

Types of like source frequency share a bin. Of a rare bin the kernels keep how many types stand at each current count
(`dense`); n types that leave one count for a Poisson number of places are spread by binomial draws, the same law as n
single draws. Frequent types, and rare ones that grew past the table, are single items. Everything is exact but one
point: totals are Poisson, not fixed, as every rate is scaled by the total just measured.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from auditor.text.jit import kernel

_REACH = 7.0
# Measured: below the first a table costs more than single draws, above the second a draw per place costs less.
_SINGLE = 6
_TABLE = 25.0


class Pool(NamedTuple):
    """dense: (rare bins, counts) types at each count; item_bin, item_count: (items,) single types."""

    dense: np.ndarray
    item_bin: np.ndarray
    item_count: np.ndarray


class Rates(NamedTuple):
    """What happens in a generation to a type with s occurrences in the training text.

    scale: (bins,) synthetic occurrences per s^power where s > cut, and for the part `tie` of types where s == cut
    fresh: (bins,) mean of new human occurrences; fixed: (bins,) replayed ones
    thin: the chance of an occurrence to be in the training text; keep: 1 where the pool keeps what it has, else 0
    """

    scale: np.ndarray
    fresh: np.ndarray
    fixed: np.ndarray
    power: float
    cut: int
    tie: float
    thin: float
    keep: int


class Training(NamedTuple):
    """The training text of a generation: types and occurrences per bin, sums over types, and all counts.

    present, tokens: (bins,); squares: sum s^2; logs: sum s ln s; at_count: (counts,) rare types; items: (items,)
    """

    present: np.ndarray
    tokens: np.ndarray
    sums: np.ndarray
    at_count: np.ndarray
    items: np.ndarray


@kernel
def advance(rng, pool, rates, out):
    """The next generation's pool. Returns the number of items in `out`, or -1 when it has no room for them."""
    used = 0
    dense = pool.dense
    for b in range(dense.shape[0]):
        for count in range(dense.shape[1]):
            types = dense[b, count]
            if types > 0:
                used = _train(rng, types, b, count, rates, out, used)
                if used < 0:
                    return used
    for i in range(pool.item_bin.size):
        used = _train(rng, 1, pool.item_bin[i], pool.item_count[i], rates, out, used)
        if used < 0:
            return used
    return used


@kernel
def tally(rng, pool, thin, seen):
    """Fill `seen` with the training text drawn from the pool."""
    dense = pool.dense
    for b in range(dense.shape[0]):
        for count in range(1, dense.shape[1]):
            types = dense[b, count]
            if types == 0:
                continue
            if thin >= 1.0:
                _count(types, count, b, seen)
                seen.at_count[count] += types
            else:
                _tally_thinned(rng, types, b, count, thin, seen)
    for i in range(pool.item_bin.size):
        count = pool.item_count[i]
        taken = count if thin >= 1.0 else rng.binomial(count, thin)
        seen.items[i] = taken
        if taken > 0:
            _count(1, taken, pool.item_bin[i], seen)


@kernel
def _count(types, taken, b, seen):
    seen.present[b] += types
    seen.tokens[b] += types * taken
    s = float(taken)
    seen.sums[0] += types * s * s
    seen.sums[1] += types * s * math.log(s)


@kernel
def _tally_thinned(rng, types, b, count, thin, seen):
    left, mass = types, 1.0
    chance = (1.0 - thin) ** count
    for taken in range(count + 1):
        here = left if taken == count else _part(rng, left, chance, mass)
        if here > 0 and taken > 0:
            _count(here, taken, b, seen)
            seen.at_count[taken] += here
        left -= here
        if left == 0:
            return
        mass -= chance
        chance *= (count - taken) / (taken + 1.0) * thin / (1.0 - thin)


@kernel
def _part(rng, types, chance, mass):
    """How many of `types` take this place, which has `chance` out of the `mass` that is left."""
    if chance >= mass:
        return types
    return rng.binomial(types, max(chance, 0.0) / mass)


@kernel
def _train(rng, types, b, count, rates, out, used):
    """Types of one bin and count: which occurrences are read, then what the model makes of them."""
    if rates.thin >= 1.0:
        return _generate(rng, types, b, count, count, rates, out, used)
    if types == 1:
        return _generate(rng, 1, b, count, rng.binomial(count, rates.thin), rates, out, used)
    left, mass = types, 1.0
    chance = (1.0 - rates.thin) ** count
    for taken in range(count + 1):
        here = left if taken == count else _part(rng, left, chance, mass)
        if here > 0:
            used = _generate(rng, here, b, count, taken, rates, out, used)
            if used < 0:
                return used
        left -= here
        if left == 0:
            break
        mass -= chance
        chance *= (count - taken) / (taken + 1.0) * rates.thin / (1.0 - rates.thin)
    return used


@kernel
def _generate(rng, types, b, count, taken, rates, out, used):
    start = rates.fixed[b] + rates.keep * count
    kept = types
    if taken < rates.cut:
        kept = 0
    elif taken == rates.cut:
        kept = types if rates.tie >= 1.0 else rng.binomial(types, rates.tie)
    if kept < types:
        used = _spread(rng, types - kept, rates.fresh[b], b, start, out, used)
    if kept > 0 and used >= 0:
        weight = float(taken) if rates.power == 1.0 else float(taken) ** rates.power
        used = _spread(rng, kept, rates.scale[b] * weight + rates.fresh[b], b, start, out, used)
    return used


@kernel
def _spread(rng, types, rate, b, start, out, used):
    """Each of `types` moves to start + Poisson(rate): single draws, draws from a table, or one draw per place."""
    if rate <= 0.0:
        return _place(types, b, start, out, used)
    if types < _SINGLE:
        for _ in range(types):
            used = _place(1, b, start + rng.poisson(rate), out, used)
            if used < 0:
                return used
        return used
    # the places from first on hold all but 1e-11 of the mass
    first = max(0, int(rate - _REACH * math.sqrt(rate) - 8.0))
    places = int(rate + _REACH * math.sqrt(rate) + 16.0) - first
    chance = math.exp(first * math.log(rate) - rate - math.lgamma(first + 1.0))
    if types < _TABLE * math.sqrt(rate + 1.0):
        return _spread_by_table(rng, types, rate, b, start + first, np.empty(places), chance, out, used, first)
    left, mass = types, 1.0
    for k in range(first, first + places):
        here = left if k == first + places - 1 else _part(rng, left, chance, mass)
        if here > 0:
            used = _place(here, b, start + k, out, used)
            left -= here
        if used < 0 or left == 0:
            return used
        mass -= chance
        chance *= rate / (k + 1.0)
    return used


@kernel
def _spread_by_table(rng, types, rate, b, start, upto, chance, out, used, first):
    """Inversion with a guide: `upto` (places,) is filled with the cumulated chances of first, first + 1, ..."""
    places = upto.size
    guide = np.empty(places, np.int64)
    total, slot = 0.0, 0
    for k in range(places):
        total += chance
        upto[k] = total
        chance *= rate / (first + k + 1.0)
        while slot < places and slot <= total * places:
            guide[slot] = k
            slot += 1
    for rest in range(slot, places):
        guide[rest] = places - 1
    for _ in range(types):
        u = rng.random()
        k = guide[int(u * places)]
        while k < places - 1 and upto[k] < u:
            k += 1
        used = _place(1, b, start + k, out, used)
        if used < 0:
            return used
    return used


@kernel
def _place(types, b, count, out, used):
    if b < out.dense.shape[0] and count < out.dense.shape[1]:
        out.dense[b, count] += types
        return used
    if types == 0:
        return used
    if used + types > out.item_bin.size:
        return -1
    for i in range(used, used + types):
        out.item_bin[i] = b
        out.item_count[i] = count
    return used + types
