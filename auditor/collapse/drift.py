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
_TABLE = 16.0
_INVERT = 12.0
_AROUND = 16
_FARTHEST, _ENOUGH = 16.0, 200
_HIGHEST, _WIDEST = 60_000.0, 4096
_MANY, _BASE, _STEP, _FIRST, _PLACES = 8, 9, 10, 11, 12


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
    # Tuples are taken apart once, here: inside the loops each access would count references and cost more than a draw.
    dense, out_dense, spill = pool.dense, out.dense, out.item_count
    item_bin, item_count, out_bin = pool.item_bin, pool.item_count, out.item_bin
    scale, fresh, fixed = rates.scale, rates.fresh, rates.fixed
    law = np.array([0.0, 0.0, 0.0, rates.keep, rates.power, rates.cut, rates.tie, rates.thin, 0.0, -1.0, 0.0, 0.0, 0.0])
    upto, guide = np.empty(_WIDEST), np.empty(_WIDEST, np.int64)
    used, bins = 0, dense.shape[0]
    for b in range(bins):
        row, now = out_dense[b], dense[b]
        law[0], law[1], law[2] = scale[b], fresh[b], fixed[b]
        before, law[_BASE] = used, -1.0
        for count in range(now.size):
            if now[count] > 0 and used >= 0:
                # many types at the counts around make a table worth its cost, though few stand at each
                law[_MANY] = rates.thin >= 1.0 and now[count : count + _AROUND].sum() > _AROUND
                used = _train(rng, now[count], count, law, row, spill, used, upto, guide)
        if used < 0:
            return used
        out_bin[before:used] = b
    law[_BASE], law[_MANY] = -1.0, 0.0
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
        used = _train(rng, 1, count, law, out_dense[b] if b < bins else nowhere, spill, used, upto, guide)
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


# Below, `law` is scale, fresh, fixed, keep, power, cut, tie, thin of one bin, then the state of its table of Poisson
# chances: whether types stand close, its rate (below 0: none), reach, first place and number of places; `upto`, `guide`
# (widest,) hold it; `row` (counts,) are the bin's places; `spill` (room,) the counts of items, of which `used` are
# taken; each function returns the new `used`, -1 when full.


@kernel
def _train(rng, types, count, law, row, spill, used, upto, guide):
    """Types of one bin and count: which occurrences are read, then what the model makes of them."""
    thin = law[7]
    if thin >= 1.0:
        return _generate(rng, types, count, count, law, row, spill, used, upto, guide)
    if types == 1:
        return _generate(rng, 1, count, rng.binomial(count, thin), law, row, spill, used, upto, guide)
    left, mass = types, 1.0
    chance = (1.0 - thin) ** count
    for taken in range(count + 1):
        here = left if taken == count else _part(rng, left, chance, mass)
        if here > 0:
            used = _generate(rng, here, count, taken, law, row, spill, used, upto, guide)
            left -= here
        if left == 0 or used < 0:
            break
        mass -= chance
        chance *= (count - taken) / (taken + 1.0) * thin / (1.0 - thin)
    return used


@kernel
def _generate(rng, types, count, taken, law, row, spill, used, upto, guide):
    start = int(law[2] + law[3] * count)
    kept = types
    if taken < law[5]:
        kept = 0
    elif taken == law[5] and law[6] < 1.0:
        kept = rng.binomial(types, law[6])
    if kept < types:
        used = _spread(rng, types - kept, law[1], start, law, row, spill, used, upto, guide)
    if kept > 0 and used >= 0:
        weight = float(taken) if law[4] == 1.0 else float(taken) ** law[4]
        used = _spread(rng, kept, law[0] * weight + law[1], start, law, row, spill, used, upto, guide)
    return used


@kernel
def _spread(rng, types, rate, start, law, row, spill, used, upto, guide):
    """Each of `types` moves to start + Poisson(rate): single draws, draws from a table, or one draw per place."""
    if rate <= 0.0:
        return _place(types, start, row, spill, used)
    covered = law[_BASE] >= 0.0 and law[_BASE] <= rate < law[_BASE] + law[_STEP]
    if (types < _SINGLE and law[_MANY] == 0.0 and not covered) or rate > _HIGHEST:
        for _ in range(types):
            used = _place(1, start + rng.poisson(rate), row, spill, used)
            if used < 0:
                return used
        return used
    if types < _TABLE * math.sqrt(rate + 1.0):
        if not covered:
            _tabulate(rate, types, law, upto, guide)
        return _spread_by_table(rng, types, start, rate, law, row, spill, used, upto, guide)
    first = _first_place(rate)
    places = int(rate + _REACH * math.sqrt(rate) + 16.0) - first
    chance = math.exp(first * math.log(rate) - rate - math.lgamma(first + 1.0))
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
def _first_place(rate):
    """From here on, and for as far above the rate, lies all but 1e-11 of a Poisson's mass."""
    return max(0, int(rate - _REACH * math.sqrt(rate) - 8.0))


@kernel
def _tabulate(rate, types, law, upto, guide):
    """Poisson chances summed up, with a guide that says for each of as many slices of [0, 1) where a search begins.

    A Poisson of a slightly higher rate is this one plus a small one, so the table serves rates up to a step above; the
    step weighs the cost of a table against that of the small draws.
    """
    first = _first_place(rate)
    places = int(rate + _REACH * math.sqrt(rate) + 16.0) - first
    chance = math.exp(first * math.log(rate) - rate - math.lgamma(first + 1.0))
    total, slot = 0.0, 0
    for k in range(places):
        total += chance
        upto[k] = total
        chance *= rate / (first + k + 1.0)
        while slot < places and (slot <= total * places or k == places - 1):
            guide[slot] = k
            slot += 1
    law[_BASE], law[_FIRST], law[_PLACES] = rate, first, places
    law[_STEP] = min(_FARTHEST, math.sqrt(6.0 * places / types))


@kernel
def _spread_by_table(rng, types, start, rate, law, row, spill, used, upto, guide):
    """Inversion, once in the table and once for what the rate exceeds the table's by."""
    places, first, above = int(law[_PLACES]), int(law[_FIRST]), rate - law[_BASE]
    none = math.exp(-above)
    for _ in range(types):
        u = rng.random()
        k = guide[int(u * places)]
        while k < places - 1 and upto[k] < u:
            k += 1
        more = 0
        if above > 0.0:
            u, chance = rng.random(), none
            while u > chance and more < _ENOUGH:
                u -= chance
                more += 1
                chance *= above / more
        used = _place(1, start + first + k + more, row, spill, used)
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
