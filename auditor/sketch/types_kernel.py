"""The kernel behind type samples: one pass over token hashes per level, two small hash tables, no interpreter lock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.text.jit import kernel
from auditor.text.tokens import mix

GROUPS = 32
# Incidence is counted in blocks of this many tokens; a rest shorter than half a block stays with the block before it.
BLOCK = 200
FILTER_BITS = 18
FILTER_MASK = np.uint64(2**FILTER_BITS - 1)
ODD = np.uint64(0x9E3779B97F4A7C15)
TURN = np.uint64(29)
BACK = np.uint64(64 - 29)
ONE, SIX, SIXTY_THREE = np.uint64(1), np.uint64(6), np.uint64(63)
BLOCK_UNIT = np.uint64(2**32)
SLOT_BITS, SLOT_MASK = np.uint64(24), np.uint64(2**24 - 1)


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of one level. Cells are (score bin, group) pairs; a count is packed as blocks << 32 | occurrences.

    fixed_keys (F,) uint64; filter (4096,) uint64: one bit per hash of a fixed key, most others are turned away here
    listed (M, 2) uint64, open addressing: key, last block the type stood in << 24 | slot + 1 (0: empty)
    fixed_counts (cells, F) uint64 packed
    entries (N, 4) uint64, open addressing: key, cell + 1 (0: empty), packed count, last block
    totals (cells, 2) int64: tokens, blocks; threshold (1,) uint64; state (2,) int64: entries used, blocks so far
    """

    fixed_keys: np.ndarray
    filter: np.ndarray
    listed: np.ndarray
    fixed_counts: np.ndarray
    entries: np.ndarray
    totals: np.ndarray
    threshold: np.ndarray
    state: np.ndarray
    cap: int

    @classmethod
    def empty(cls, fixed_keys: np.ndarray, cap: int, cells: int) -> Table:
        keys = np.asarray(fixed_keys, np.uint64)
        listed = np.zeros((_power_of_two(2 * max(len(keys), 1)), 2), np.uint64)
        seen = np.zeros(2**FILTER_BITS // 64, np.uint64)
        _place_fixed(keys, listed, seen)
        return cls(
            keys, seen, listed, np.zeros((cells, len(keys)), np.uint64),
            np.zeros((_power_of_two(2 * cap), 4), np.uint64), np.zeros((cells, 2), np.int64),
            np.full(1, 2**64 - 1, np.uint64), np.zeros(2, np.int64), cap,
        )  # fmt: skip


def count_types(hashes: np.ndarray, offsets: np.ndarray, cell: np.ndarray, n: int, table: Table) -> None:
    """Count the n-grams of a batch. hashes (t,) uint64; offsets (d+1,) int64; cell (d,) int64, -1 leaves it out."""
    t = table
    # Documents of one cell follow one another, so that its row of counts stays in the cache: half the time saved.
    order = np.argsort(cell, kind="stable")
    _count(
        hashes,
        offsets,
        cell,
        order,
        n,
        t.cap,
        t.filter,
        t.listed,
        t.fixed_counts,
        t.entries,
        t.totals,
        t.threshold,
        t.state,
    )


def absorb(table: Table, other: Table) -> None:
    """Add the counts of another table of the same list and cap."""
    t = table
    t.fixed_counts[:] += other.fixed_counts
    t.totals[:] += other.totals
    limit = min(t.threshold[0], other.threshold[0])
    limit, used = _shrink(t.entries, limit, t.cap)
    theirs = other.entries[other.entries[:, 1] > 0]
    t.threshold[0], t.state[0] = _absorb(t.entries, theirs, limit, used, t.cap)
    t.state[1] += other.state[1]


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


@kernel
def _place_fixed(keys, listed, seen):
    mask = np.uint64(listed.shape[0] - 1)
    for s in range(keys.size):
        bit = keys[s] & FILTER_MASK
        seen[bit >> SIX] |= ONE << (bit & SIXTY_THREE)
        at = keys[s] & mask
        while listed[at, 1] != 0:
            at = (at + ONE) & mask
        listed[at, 0] = keys[s]
        listed[at, 1] = np.uint64(s + 1)


# hashes (t,), offsets (d+1,), cell order (d,); the rest as in Table
@kernel
def _count(hashes, offsets, cell, order, n, cap, seen, listed, fixed_counts, entries, totals, threshold, state):
    limit, used, block = threshold[0], state[0], np.uint64(state[1])
    for d in order:
        start, length, c = offsets[d], offsets[d + 1] - offsets[d], cell[d]
        if c < 0 or length < n:
            continue
        pieces = max((length + BLOCK // 2) // BLOCK, 1)
        totals[c, 0] += length - n + 1
        own, counts = np.uint64(c + 1), fixed_counts[c]
        for piece in range(pieces):
            block += ONE
            first = start + piece * BLOCK
            last = start + length - n + 1
            if piece < pieces - 1:
                last = min(last, first + BLOCK)
            totals[c, 1] += first < last
            for i in range(first, last):
                key = ngram(hashes, i, n)
                bit = key & FILTER_MASK
                if (seen[bit >> SIX] >> (bit & SIXTY_THREE)) & ONE and _listed(key, block, listed, counts):
                    continue
                if key <= limit:
                    used += _enter(key, own, block, entries)
                    if used > cap:
                        limit, used = _shrink(entries, limit, cap)
    threshold[0], state[0], state[1] = limit, used, np.int64(block)


@kernel
def _listed(key, block, listed, counts):
    """Count one occurrence if the key is on the list; returns whether it is."""
    mask = np.uint64(listed.shape[0] - 1)
    at = key & mask
    while listed[at, 1] != 0:
        if listed[at, 0] == key:
            slot = (listed[at, 1] & SLOT_MASK) - ONE
            if listed[at, 1] >> SLOT_BITS == block:
                counts[slot] += ONE
            else:
                listed[at, 1] = block << SLOT_BITS | (slot + ONE)
                counts[slot] += BLOCK_UNIT + ONE
            return True
        at = (at + ONE) & mask
    return False


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


def _power_of_two(n: int) -> int:
    return 1 << max(int(n) - 1, 1).bit_length()
