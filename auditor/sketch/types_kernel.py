"""The kernel behind type samples: one pass over token hashes per level, two small hash tables, no interpreter lock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.sketch.placement import place_of, placed, power_of_two
from auditor.text.jit import kernel
from auditor.text.tokens import mix

# Incidence is counted in blocks of this many tokens; a remainder shorter than half a block belongs to the block before
# it.
BLOCK = 200
ODD = np.uint64(0x9E3779B97F4A7C15)
TURN = np.uint64(29)
BACK = np.uint64(64 - 29)
BLOCK_UNIT = np.uint64(2**32)
ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
HALF, LOW = np.uint64(32), np.uint64(2**32 - 1)


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of one level. Cells are (score bin, group) pairs; a count is packed as blocks << 32 | occurrences.

    fixed_keys (F,) uint64; pilots (B,) uint16, places (P,) uint64: see placement.py
    fixed_counts (cells, F) uint64 packed; last_block (F,) uint64: the block that a listed type was last seen in
    entries (N, 4) uint64, open addressing: key, cell + 1 (0: empty), packed count, last block
    totals (cells, 2) int64: tokens, blocks; threshold (1,) uint64; state (2,) int64: entries used, blocks so far
    """

    fixed_keys: np.ndarray
    pilots: np.ndarray
    places: np.ndarray
    fixed_counts: np.ndarray
    last_block: np.ndarray
    entries: np.ndarray
    totals: np.ndarray
    threshold: np.ndarray
    state: np.ndarray
    cap: int

    @classmethod
    def empty(cls, fixed_keys: np.ndarray, cap: int, cells: int) -> Table:
        """A table without counts, of these fixed keys, at most `cap` sampled types and so many cells."""
        keys = np.asarray(fixed_keys, np.uint64)
        return cls(
            keys,
            *placed(keys.tobytes()),
            np.zeros((cells, len(keys)), np.uint64),
            np.zeros(len(keys), np.uint64),
            np.zeros((power_of_two(2 * cap), 4), np.uint64),
            np.zeros((cells, 2), np.int64),
            np.full(1, 2**64 - 1, np.uint64),
            np.zeros(2, np.int64),
            cap,
        )


def count_types(hashes: np.ndarray, offsets: np.ndarray, cell: np.ndarray, n: int, table: Table) -> None:
    """Count the n-grams of a batch. hashes (t,) uint64; offsets (d+1,) int64; cell (d,) int64, -1 leaves it out."""
    t = table
    # Documents of one cell follow one another, so that its row of counts stays in the cache: half the time saved.
    order = np.argsort(cell, kind="stable")
    counts = (t.fixed_counts, t.last_block, t.entries, t.totals)
    _count(hashes, offsets, cell, order, n, t.cap, (t.pilots, t.places), counts, t.threshold, t.state)


def absorb(table: Table, other: Table) -> None:
    """Add the counts of another table of the same list and cap."""
    t = table
    t.fixed_counts[:] += other.fixed_counts
    t.totals[:] += other.totals
    np.maximum(t.last_block, other.last_block, out=t.last_block)  # which types were met at all
    limit = min(t.threshold[0], other.threshold[0])
    limit, used = _shrink(t.entries, limit, t.cap)
    theirs = other.entries[other.entries[:, 1] > 0]
    # It comes back as a Python int, which numba takes as signed once it has seen a small one.
    t.threshold[0], t.state[0] = _absorb(t.entries, theirs, np.uint64(limit), used, t.cap)
    t.state[1] += other.state[1]


@kernel
def new_types(types, listed, known):
    """Of the rows that are listed, the types that are not in known (k,) ascending; a type's rows are adjacent."""
    out = np.empty(types.size, np.uint64)
    found, started, before = 0, False, np.uint64(0)
    for i in range(types.size):
        if listed[i] and not (started and types[i] == before):
            at = np.searchsorted(known, types[i])
            started, before = True, types[i]
            if at == known.size or known[at] != types[i]:
                out[found] = types[i]
                found += 1
    return out[:found]


# types (rows,), total listed (rows,) bool, cell, count, blocks (rows,)
@kernel
def add_up(counts, known, types, total, listed, cell, count, blocks):
    """Rows added to counts (k + 1, cells, 2): those of listed types, known (k,) ascending; totals in the last row."""
    slot, before = -1, np.uint64(0)
    for i in range(types.size):
        if total[i]:
            at = known.size
        elif listed[i]:
            if slot < 0 or types[i] != before:
                slot, before = np.searchsorted(known, types[i]), types[i]
            at = slot
        else:
            continue
        counts[at, cell[i], 0] += count[i]
        counts[at, cell[i], 1] += blocks[i]


def key_of(*words: np.ndarray) -> np.ndarray:
    """Type keys of words, bigrams or trigrams: as many arrays (k,) uint64 of token hashes as the n-gram has words."""
    columns = np.stack([np.asarray(word, np.uint64) for word in words])
    return _keys(columns)


# hashes (n, k) -> keys (k,)
@kernel
def _keys(columns):
    out = np.empty(columns.shape[1], np.uint64)
    for i in range(columns.shape[1]):
        out[i] = ngram(columns[:, i], 0, columns.shape[0])
    return out


@kernel
def ngram(hashes, i, n):
    """The key of the n tokens from i on: mixed again, so that sampling by key is independent of other uses of it."""
    h = hashes[i] * ODD
    for j in range(1, n):
        h = (((h << TURN) | (h >> BACK)) ^ hashes[i + j]) * ODD
    return mix(h ^ np.uint64(n))


# hashes (t,), offsets (d+1,), cell order (d,); the rest as in Table
@kernel
def _count(hashes, offsets, cell, order, n, cap, places, counts, threshold, state):
    """A block at a time in passes, each without a branch that depends on the text: keys, look-up, counting."""
    fixed_counts, last_block, entries, totals = counts
    limit, used, block = threshold[0], state[0], np.uint64(state[1])
    keys, listed, fresh = np.empty(2 * BLOCK, np.uint64), np.empty(2 * BLOCK, np.uint32), np.empty(2 * BLOCK, np.uint32)
    for d in order:
        start, length, c = offsets[d], offsets[d + 1] - offsets[d], cell[d]
        if c < 0 or length < n:
            continue
        pieces = max((length + BLOCK // 2) // BLOCK, 1)
        totals[c, 0] += length - n + 1
        own, row = np.uint64(c + 1), fixed_counts[c]
        for piece in range(pieces):
            block += ONE
            first = start + piece * BLOCK
            last = start + length - n + 1
            if piece < pieces - 1:
                last = min(last, first + BLOCK)
            totals[c, 1] += first < last
            _block_keys(hashes, first, last, n, keys)
            found, others = _look_up(keys, last - first, limit, places, listed)
            once = _first_in_block(listed, found, block, last_block, fresh)
            for i in range(found):
                row[np.uint64(listed[i])] += ONE
            for i in range(once):
                row[np.uint64(fresh[i])] += BLOCK_UNIT
            for i in range(others):
                if keys[i] <= limit:  # it may have fallen since
                    used += _enter(keys[i], own, block, entries)
                    if used > cap:
                        limit, used = _shrink(entries, limit, cap)
    threshold[0], state[0], state[1] = limit, used, np.int64(block)


@kernel
def _block_keys(hashes, first, last, n, keys):
    """The keys of `ngram`, in loops that the compiler turns into vectors; -> keys[: last - first]."""
    if n == 1:
        for i in range(last - first):
            keys[i] = mix((hashes[first + i] * ODD) ^ ONE)
    elif n == 2:
        for i in range(last - first):
            h = hashes[first + i] * ODD
            h = (((h << TURN) | (h >> BACK)) ^ hashes[first + i + 1]) * ODD
            keys[i] = mix(h ^ TWO)
    else:
        for i in range(last - first):
            h = hashes[first + i] * ODD
            h = (((h << TURN) | (h >> BACK)) ^ hashes[first + i + 1]) * ODD
            h = (((h << TURN) | (h >> BACK)) ^ hashes[first + i + 2]) * ODD
            keys[i] = mix(h ^ THREE)


@kernel
def _look_up(keys, size, limit, places, listed):
    """Slots of the listed types -> listed[: found]; the others at or below the limit -> keys[: others]."""
    pilots, places = places
    mask = np.uint64(pilots.size - 1)
    found, others = 0, 0
    for i in range(size):
        key = keys[i]
        place = places[place_of(key, pilots[key & mask], places.size)]
        hit = ((place >> HALF) == (key & LOW)) & ((place & LOW) != 0)
        listed[found] = np.uint32((place & LOW) - ONE)
        found += hit
        keys[others] = key
        others += (not hit) & (key <= limit)
    return found, others


@kernel
def _first_in_block(listed, found, block, last_block, fresh):
    """Slots that the block had not met -> fresh; how many. Kept separate from counting: together they take three times
    as long."""
    once = 0
    for i in range(found):
        slot = np.uint64(listed[i])
        fresh[once] = listed[i]
        once += last_block[slot] != block
        last_block[slot] = block
    return once


@kernel
def _enter(key, cell, block, entries):
    """Count one occurrence; returns how many entries that added, 0 or 1."""
    mask = np.uint64(entries.shape[0] - 1)
    at = (key ^ (cell * ODD >> np.uint64(20))) & mask
    while entries[at, 1] != 0:
        if entries[at, 0] == key and entries[at, 1] == cell:
            entries[at, 2] += ONE
            if entries[at, 3] != block:
                entries[at, 3] = block
                entries[at, 2] += BLOCK_UNIT
            return 0
        at = (at + ONE) & mask
    entries[at, 0] = key
    entries[at, 1] = cell
    entries[at, 2] = BLOCK_UNIT + ONE
    entries[at, 3] = block
    return 1


@kernel
def _absorb(entries, theirs, limit, used, cap):
    """entries (N, 4), theirs (m, 4) -> (threshold, entries used)."""
    for e in range(theirs.shape[0]):
        if theirs[e, 0] > limit:
            continue
        mask = np.uint64(entries.shape[0] - 1)
        at = (theirs[e, 0] ^ (theirs[e, 1] * ODD >> np.uint64(20))) & mask
        while entries[at, 1] != 0 and not (entries[at, 0] == theirs[e, 0] and entries[at, 1] == theirs[e, 1]):
            at = (at + ONE) & mask
        used += entries[at, 1] == 0
        entries[at, 0], entries[at, 1] = theirs[e, 0], theirs[e, 1]
        entries[at, 2] += theirs[e, 2]
        if used > cap:
            limit, used = _shrink(entries, limit, cap)
    return limit, used


@kernel
def _shrink(entries, limit, cap):
    """Halve the threshold until the entries below it fit, and lay them out anew."""
    kept = entries[(entries[:, 1] > 0) & (entries[:, 0] <= limit)]
    while kept.shape[0] > cap:
        limit >>= ONE
        kept = kept[kept[:, 0] <= limit]
    entries[:] = 0
    mask = np.uint64(entries.shape[0] - 1)
    for e in range(kept.shape[0]):
        at = (kept[e, 0] ^ (kept[e, 1] * ODD >> np.uint64(20))) & mask
        while entries[at, 1] != 0:
            at = (at + ONE) & mask
        entries[at] = kept[e]
    return limit, kept.shape[0]
