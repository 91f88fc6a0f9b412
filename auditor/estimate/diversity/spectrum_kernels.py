"""The loops behind frequency spectra: cells chosen, groups left out, types weighted."""

from __future__ import annotations

import numpy as np

from auditor.run_columns import GROUPS
from auditor.text.jit import kernel

# From this count on, types are listed one by one: they are few, and a histogram that long would be mostly empty.
LISTED = 4096


# index, group, bin, count, blocks (cells,) of Cells; chosen (256 bins, groups) bool -> types that are left (t,), and of
# the entries (e,) of a spectrum: index, group, count, blocks
@kernel
def chosen_cells(index, group, bin, count, blocks, chosen):
    """Cells of one type and group added up over the chosen bins."""
    held, size, types, last = np.empty(index.size, np.int64), 0, 0, -1
    out = (np.empty(index.size, np.int64), np.empty(index.size, np.int64), np.empty(index.size), np.empty(index.size))
    for c in range(index.size):
        if not chosen[bin[c], group[c]] or count[c] + blocks[c] <= 0:
            continue
        if types == 0 or held[types - 1] != index[c]:
            held[types] = index[c]
            types, last = types + 1, -1
        if group[c] != last:
            last = group[c]
            out[0][size], out[1][size], out[2][size], out[3][size] = types - 1, last, 0.0, 0.0
            size += 1
        out[2][size - 1] += count[c]
        out[3][size - 1] += blocks[c]
    index, group, count, blocks = out
    return held[:types].copy(), (index[:size].copy(), group[:size].copy(), count[:size].copy(), blocks[:size].copy())


# index, group, value (entries,), totals (types,), fixed (types,) bool -> the counts below LISTED that occur (K,), and
# types by (sampled or fixed, group left out, count)
@kernel
def moved_types(index, group, value, totals, fixed):
    """The histogram of the whole, and in each group's row the types it moves: its own, which are rarer without it."""
    seen = np.zeros(LISTED, np.int64)
    for t in range(totals.size):
        if totals[t] < LISTED:
            seen[int(totals[t])] = 1
    for e in range(index.size):
        if totals[index[e]] < LISTED:
            seen[int(totals[index[e]] - value[e])] = 1
    counts = np.flatnonzero(seen)
    place = np.cumsum(seen) - 1
    out = np.zeros((2, GROUPS, counts.size))
    for t in range(totals.size):
        if totals[t] < LISTED:
            out[int(fixed[t]), 0, place[int(totals[t])]] += 1.0
    for g in range(1, GROUPS):
        out[:, g] = out[:, 0]
    for e in range(index.size):  # a type has at most one entry per group
        t = index[e]
        if totals[t] < LISTED:
            out[int(fixed[t]), group[e], place[int(totals[t] - value[e])]] += 1.0
            out[int(fixed[t]), group[e], place[int(totals[t])]] -= 1.0
    return counts.astype(np.float64), out


# k, fixed, free (K,) float64: counts, types counted whatever their hash, sampled ones; known: what occurrences sum to,
# nan where nothing is calibrated -> counts that occur (H,), their types (H,), occurrences of all types
@kernel
def weighted_types(k, fixed, free, rate, known):
    """Types per count, each sampled one weighted by how many it represents, calibrated to the known total."""
    held, plain, of_free = np.empty(k.size), np.empty(k.size), np.empty(k.size)
    size, total, squares = 0, 0.0, 0.0
    for i in range(k.size):
        if k[i] > 0 and fixed[i] + free[i] > 0:
            weighted = free[i] / rate
            held[size], plain[size], of_free[size] = k[i], fixed[i] + weighted, weighted
            total += plain[size] * k[i]
            squares += weighted * k[i] * k[i]
            size += 1
    if squares > 0 and not np.isnan(known):
        for i in range(size):
            plain[i] += of_free[i] * held[i] * ((known - total) / squares)
        total = known
    return held[:size], plain[:size], total


# keys (a,), (b,) uint64, each ascending without repetition; values (a,), (b,) -> the same of both together
@kernel
def added_by_key(keys, values, other_keys, other_values):
    """Two lists merged, values of equal keys added up."""
    out = np.empty(keys.size + other_keys.size, np.uint64), np.empty(keys.size + other_keys.size)
    i, j, size = 0, 0, 0
    while i < keys.size or j < other_keys.size:
        first = j == other_keys.size or (i < keys.size and keys[i] <= other_keys[j])
        second = i == keys.size or (j < other_keys.size and other_keys[j] <= keys[i])
        out[0][size], out[1][size] = keys[i] if first else other_keys[j], 0.0
        if first:
            out[1][size] += values[i]
            i += 1
        if second:
            out[1][size] += other_values[j]
            j += 1
        size += 1
    return out[0][:size], out[1][:size]
