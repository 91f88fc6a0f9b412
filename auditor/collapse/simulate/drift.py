"""One generation of drift over a spectrum, in kernels: similar types move together, so that rare ones cost nothing.

Types of similar source frequency share a bin. Of a rare bin the kernels keep how many types have each current count
(`dense`); n types that leave one count for a Poisson number of places are spread by binomial draws, the same law as n
single draws. Frequent types, and rare ones that grew past the table, are single items. Everything is exact except that
totals are Poisson, not fixed, since every rate is scaled by the total just measured.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from auditor.text.jit import kernel

_REACH = 7.0
# Measured: below the first value a table costs more than single draws, above the second a draw per place costs less.
_SINGLE = 6
_TABLE = 16.0
_INVERT = 12.0


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
    # Tuples are unpacked once, here: inside the loops each access would count references and cost more than a draw.
    dense, out_dense, spill = pool.dense, out.dense, out.item_count
    item_bin, item_count, out_bin = pool.item_bin, pool.item_count, out.item_bin
    scale, fresh, fixed = rates.scale, rates.fresh, rates.fixed
    law = np.array([0.0, 0.0, 0.0, rates.keep, rates.power, rates.cut, rates.tie, rates.thin])
    used, bins = 0, dense.shape[0]
    for b in range(bins):
        row, now = out_dense[b], dense[b]
        law[0], law[1], law[2] = scale[b], fresh[b], fixed[b]
        before = used
        for count in range(now.size):
            if now[count] > 0 and used >= 0:
                used = _train(rng, now[count], count, law, row, spill, used)
        if used < 0:
            return used
        out_bin[before:used] = b
    simple = rates.power == 1.0 and rates.cut == 0 and rates.tie >= 1.0 and rates.thin >= 1.0
    nowhere = np.empty(0, np.int64)
    for i in range(item_bin.size):
        b, count, before = item_bin[i], item_count[i], used
        if b >= bins and simple:
            if used == spill.size:
                return -1
            rate = scale[b] * count + fresh[b]
            spill[used] = fixed[b] + rates.keep * count + (rng.poisson(rate) if rate > 0.0 else 0)
            out_bin[used] = b
            used += 1
            continue
        law[0], law[1], law[2] = scale[b], fresh[b], fixed[b]
        used = _train(rng, 1, count, law, out_dense[b] if b < bins else nowhere, spill, used)
        if used < 0:
            return used
        out_bin[before:used] = b
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
    """How many of `types` take this place, which has `chance` out of the `mass` that is left: a binomial draw."""
    if chance >= mass:
        return types
    p = max(chance, 0.0) / mass
    if types * p >= _INVERT or p >= 0.5:
        return rng.binomial(types, p)
    # inversion from 0; numba's own spends four times as long on its constants
    u, k = rng.random(), 0
    if u <= 1.0 - types * p:
        return 0  # since (1-p)^n >= 1-np, and most places of a tail end here
    here = math.exp(types * math.log1p(-p))
    odds = p / (1.0 - p)
    while u > here and k < types:
        u -= here
        k += 1
        here *= odds * (types - k + 1) / k
    return k


# Below, `law` is scale, fresh, fixed, keep, power, cut, tie, thin of one bin; `row` (counts,) its places in the table;
# `spill` (room,) the counts of items, of which `used` are taken; each function returns the new `used`, -1 when full.


@kernel
def _train(rng, types, count, law, row, spill, used):
    """Types of one bin and count: which occurrences are read, then what the model makes of them."""
    thin = law[7]
    if thin >= 1.0:
        return _generate(rng, types, count, count, law, row, spill, used)
    if types == 1:
        return _generate(rng, 1, count, rng.binomial(count, thin), law, row, spill, used)
    left, mass = types, 1.0
    chance = (1.0 - thin) ** count
    for taken in range(count + 1):
        here = left if taken == count else _part(rng, left, chance, mass)
        if here > 0:
            used = _generate(rng, here, count, taken, law, row, spill, used)
            left -= here
        if left == 0 or used < 0:
            break
        mass -= chance
        chance *= (count - taken) / (taken + 1.0) * thin / (1.0 - thin)
    return used


@kernel
def _generate(rng, types, count, taken, law, row, spill, used):
    start = int(law[2] + law[3] * count)
    kept = types
    if taken < law[5]:
        kept = 0
    elif taken == law[5] and law[6] < 1.0:
        kept = rng.binomial(types, law[6])
    if kept < types:
        used = _spread(rng, types - kept, law[1], start, row, spill, used)
    if kept > 0 and used >= 0:
        weight = float(taken) if law[4] == 1.0 else float(taken) ** law[4]
        used = _spread(rng, kept, law[0] * weight + law[1], start, row, spill, used)
    return used


@kernel
def _spread(rng, types, rate, start, row, spill, used):
    """Each of `types` moves to start + Poisson(rate): single draws, draws from a table, or one draw per place."""
    if rate <= 0.0:
        return _place(types, start, row, spill, used)
    if types < _SINGLE:
        for _ in range(types):
            used = _place(1, start + rng.poisson(rate), row, spill, used)
            if used < 0:
                return used
        return used
    # the places from first on hold all but 1e-11 of the mass
    first = max(0, int(rate - _REACH * math.sqrt(rate) - 8.0))
    places = int(rate + _REACH * math.sqrt(rate) + 16.0) - first
    chance = math.exp(first * math.log(rate) - rate - math.lgamma(first + 1.0))
    if types < _TABLE * math.sqrt(rate + 1.0):
        upto = np.empty(places)
        _cumulate(rate, first, chance, upto)
        return _spread_by_table(rng, types, start + first, upto, row, spill, used)
    left, mass = types, 1.0
    for k in range(first, first + places):
        here = left if k == first + places - 1 else _part(rng, left, chance, mass)
        if here > 0:
            used = _place(here, start + k, row, spill, used)
            left -= here
        if used < 0 or left == 0:
            return used
        mass -= chance
        chance *= rate / (k + 1.0)
    return used


@kernel
def _cumulate(rate, first, chance, upto):
    """Fill upto (places,) with the Poisson chances of first, first + 1, ..., summed up."""
    total = 0.0
    for k in range(upto.size):
        total += chance
        upto[k] = total
        chance *= rate / (first + k + 1.0)


@kernel
def _spread_by_table(rng, types, start, upto, row, spill, used):
    """Inversion: a guide says for each of as many slices of [0, 1) where the search begins."""
    places = upto.size
    guide = np.empty(places, np.int64)
    k = 0
    for slot in range(places):
        while k < places - 1 and upto[k] * places < slot:
            k += 1
        guide[slot] = k
    for _ in range(types):
        u = rng.random()
        k = guide[int(u * places)]
        while k < places - 1 and upto[k] < u:
            k += 1
        used = _place(1, start + k, row, spill, used)
        if used < 0:
            return used
    return used


@kernel
def _place(types, count, row, spill, used):
    if count < row.size:
        row[count] += types
        return used
    if used + types > spill.size:
        return -1
    spill[used : used + types] = count
    return used + types
