"""The loops behind `ngrams`: n-grams hashed and counted in windows, and both heads' weights added up in one number."""

from __future__ import annotations

import numpy as np

from auditor.detectors.first.style_measures import READ_BYTES
from auditor.detectors.first.wordstream import read
from auditor.text.jit import kernel
from auditor.text.tokens import PRIME

BITS = 18
SHIFT = np.uint64(64 - BITS)
WINDOW = 480
ORDERS = (2, 3)  # longest n-grams of words and of forms
MOST = 255
SPREAD = np.uint64(0xFF51AFD7ED558CCD)  # odd; tokens are already mixed, so combining them needs no more
LOG = np.round(np.log1p(np.arange(MOST + 1)) * (1 << 14)).astype(np.int64)  # whole numbers: sums are exact and fast
COARSE_LOG = np.round(np.log1p(np.arange(MOST + 1)) * 64).astype(np.int32)  # small: four fit into one vector
FULL = 127  # the largest weight of a head
BYTE, HALF_BYTE = np.int32(8), np.int32(128)
ONE = np.uint64(1)


def quantised(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (tables, heads, 2, 2^18) as int8 of the same shape, and their scales (tables, 2, heads) float64."""
    exact = np.asarray(tables, np.float64)
    scales = np.maximum(np.abs(exact).max(axis=3), 1e-9) / FULL
    small = np.round(exact / scales[..., None]).astype(np.int8)
    return small, np.ascontiguousarray(scales.swapaxes(1, 2))


def pack(small: np.ndarray) -> np.ndarray:
    """int8 (tables, heads, 2, 2^18) as int16 (tables, 2, 2^18): the first head in the upper byte."""
    return (small[:, 0].astype(np.int16) << 8) + small[:, 1].astype(np.int16)


def unpack(packed: np.ndarray) -> np.ndarray:
    """int16 (k,) to both heads' weights (k, heads) float64."""
    upper = (packed.astype(np.int64) + HALF_BYTE) >> BYTE
    return np.stack([upper, packed.astype(np.int64) - (upper << BYTE)], 1).astype(float)


@kernel
def find_grams(tokens, orders, start, stop, places):
    """Table indices of the n-grams of up to `orders` (2 or 3) tokens (t,) within start to stop -> places.

    An n-gram's hash is that of the one without its first token, multiplied and combined with that token. Places are
    by the token that an n-gram ends at, then by order. Returns how many.
    """
    used, before, two_before = np.uint64(0), np.uint64(0), np.uint64(0)
    for t in range(start, stop):
        token = tokens[t]
        places[used] = np.uint32(token >> SHIFT)
        used += ONE
        if t > start:
            pair = (token * PRIME ^ before) * SPREAD
            places[used] = np.uint32(pair >> SHIFT)
            used += ONE
            if orders > 2 and t > start + 1:
                places[used] = np.uint32(((pair * PRIME ^ two_before) * SPREAD) >> SHIFT)
                used += ONE
        before, two_before = token, before
    return np.int64(used)


@kernel
def count_grams(places, counts):
    """Count places (k,) -> counts (2^BITS,) uint8, which grow up to MOST."""
    for j in range(places.size):
        c = counts[places[j]]
        counts[places[j]] = c + np.uint8(c < MOST)


@kernel
def score_documents(text, offsets, tokens, tables, table, model, out):
    """text (b,), offsets (n+1,), tokens and tables of wordstream, table (n,), model: weights, scales -> out (n, 2)."""
    weights, scales = model
    hashes, bounds, first_token = tokens
    words, forms, nowhere = np.empty(READ_BYTES, np.uint64), np.empty(READ_BYTES, np.uint64), np.empty(0, np.int64)
    most = 2 * WINDOW * max(ORDERS)
    counts, places = np.zeros(weights.shape[2], np.uint8), np.empty(most, np.uint32)
    held, values = np.empty(most, np.int16), np.empty(most, np.int32)
    for d in range(offsets.shape[0] - 1):
        row = table[d]
        if row < 0:
            continue
        raw = text[offsets[d] : min(offsets[d + 1], offsets[d] + READ_BYTES)]
        at = slice(first_token[d], first_token[d + 1])
        n = read(raw, hashes[at], bounds[at], tables, words, forms, nowhere, nowhere)
        windows = max(1, (n + WINDOW // 2) // WINDOW)  # a short rest joins the window before it
        recent, earlier = 0.0, 0.0
        for k in range(windows):
            first, last = n * k // windows, n * (k + 1) // windows
            own = places[: find_grams(words, ORDERS[0], first, last, places)]
            upper, lower = score_grams(own, weights[row, 0], held, values, counts)
            recent += scales[row, 0, 0] * upper
            earlier += scales[row, 0, 1] * lower
            own = places[: find_grams(forms, ORDERS[1], first, last, places)]
            upper, lower = score_grams(own, weights[row, 1], held, values, counts)
            recent += scales[row, 1, 0] * upper
            earlier += scales[row, 1, 1] * lower
        out[d, 0], out[d, 1] = recent / windows, earlier / windows


@kernel
def score_grams(places, weights, held, values, counts):
    """Packed weights (2^BITS,) of both heads times the unit vector of log counts of places (k,).

    A place that is met again has count 0 by then, and adds nothing; all counts (2^BITS,) are 0 before and afterwards.
    Each pass does one thing: the first waits for memory alone, a weight beside the count of its place; the last one is
    vector operations. held (k or more,) int16 and values (k or more,) int32 are scratch.
    """
    for j in range(places.size):
        held[j] = weights[places[j]]
        c = counts[places[j]]
        counts[places[j]] = c + np.uint8(c < MOST)
    for j in range(places.size):
        values[j] = COARSE_LOG[counts[places[j]]]
        counts[places[j]] = 0
    upper, both, square = np.int64(0), np.int64(0), np.int64(0)
    for j in range(places.size):
        weight, value = np.int32(held[j]), values[j]
        upper += np.int64(((weight + HALF_BYTE) >> BYTE) * value)
        both += np.int64(weight * value)
        square += np.int64(value * value)
    if square == 0:
        return 0.0, 0.0
    norm = np.sqrt(square)
    return upper / norm, (both - (upper << np.int64(BYTE))) / norm


@kernel
def features(tokens, orders, first, last, indices, values, ends):
    """The same features as compressed sparse rows, for training.

    tokens (t,), first last (n,) -> indices int32, values float32 (as long as all n-grams), ends (n+1,)
    """
    counts = np.zeros(1 << BITS, np.uint8)
    places = np.empty(orders * (np.max(last - first) + 1), np.uint32)
    used = 0
    for d in range(first.shape[0]):
        begin, square = used, 0.0
        found = find_grams(tokens, orders, first[d], last[d], places)
        count_grams(places[:found], counts)
        for j in range(found):
            if counts[places[j]] > 0:
                indices[used], values[used] = places[j], LOG[counts[places[j]]]
                square += values[used] * values[used]
                counts[places[j]] = 0
                used += 1
        for j in range(begin, used):
            values[j] /= np.sqrt(square)
        ends[d + 1] = used
