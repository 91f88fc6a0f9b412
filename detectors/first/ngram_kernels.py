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
SPREAD = np.uint64(0xFF51AFD7ED558CCD)  # odd; tokens are mixed already, their combination wants no more
LOG = np.round(np.log1p(np.arange(MOST + 1)) * (1 << 14)).astype(np.int64)  # whole: sums are exact, and soon done
COARSE_LOG = np.round(np.log1p(np.arange(MOST + 1)) * 64).astype(np.int64)  # both heads' sums share 64 bits
FULL = 127  # the largest weight of a head
HIGH, HALF, BYTE, HALF_BYTE = np.int64(32), np.int64(1) << np.int64(31), np.int64(8), np.int64(128)


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
def find_grams(tokens, orders, start, stop, places, counts):
    """Table indices of the n-grams of up to `orders` (2 or 3) tokens (t,) within start to stop -> places, counts.

    An n-gram's hash is that of the one without its first token, multiplied and combined with that token. Places are
    by the token that an n-gram ends at, then by order; counts (2^BITS,) uint8 grow up to MOST. Returns how many.
    """
    used, before, two_before = 0, np.uint64(0), np.uint64(0)
    for t in range(start, stop):
        token = tokens[t]
        used = put(token, places, used, counts)
        if t > start:
            pair = (token * PRIME ^ before) * SPREAD
            used = put(pair, places, used, counts)
            if orders > 2 and t > start + 1:
                used = put((pair * PRIME ^ two_before) * SPREAD, places, used, counts)
        before, two_before = token, before
    return used


@kernel
def put(gram, places, used, counts):
    """One more n-gram, by its hash."""
    place = np.uint32(gram >> SHIFT)
    places[used] = place
    c = counts[place]
    counts[place] = c + np.uint8(c < MOST)
    return used + 1


@kernel
def score_documents(text, offsets, tokens, tables, table, model, out):
    """text (b,), offsets (n+1,), tokens and tables of wordstream, table (n,), model: weights, scales -> out (n, 2)."""
    weights, scales = model
    hashes, bounds, first_token = tokens
    words, forms, nowhere = np.empty(READ_BYTES, np.uint64), np.empty(READ_BYTES, np.uint64), np.empty(0, np.int64)
    counts, places = np.zeros(weights.shape[2], np.uint8), np.empty(2 * WINDOW * max(ORDERS), np.uint32)
    for d in range(offsets.shape[0] - 1):
        row = table[d]
        if row < 0:
            continue
        raw = text[offsets[d] : min(offsets[d + 1], offsets[d] + READ_BYTES)]
        own = slice(first_token[d], first_token[d + 1])
        n = read(raw, hashes[own], bounds[own], tables, words, forms, nowhere, nowhere)
        windows = max(1, (n + WINDOW // 2) // WINDOW)  # a short rest joins the window before it
        recent, earlier = 0.0, 0.0
        for k in range(windows):
            first, last = n * k // windows, n * (k + 1) // windows
            used = find_grams(words, ORDERS[0], first, last, places, counts)
            upper, lower = score_grams(places, used, counts, weights[row, 0])
            recent += scales[row, 0, 0] * upper
            earlier += scales[row, 0, 1] * lower
            used = find_grams(forms, ORDERS[1], first, last, places, counts)
            upper, lower = score_grams(places, used, counts, weights[row, 1])
            recent += scales[row, 1, 0] * upper
            earlier += scales[row, 1, 1] * lower
        out[d, 0], out[d, 1] = recent / windows, earlier / windows


@kernel
def score_grams(places, used, counts, weights):
    """Packed weights (2^BITS,) of both heads times the unit vector of log counts of `used` places.

    Both sums grow in one number, the first head's in its upper half; counts are 0 afterwards.
    """
    both, square = np.int64(0), np.int64(0)
    for j in range(used):  # a place met again has count 0, and adds nothing
        place = places[j]
        value = COARSE_LOG[counts[place]]
        counts[place] = 0
        weight = np.int64(weights[place])
        upper = (weight + HALF_BYTE) >> BYTE
        both += ((upper << HIGH) + (weight - (upper << BYTE))) * value
        square += value * value
    if square == 0:
        return 0.0, 0.0
    upper = (both + HALF) >> HIGH
    norm = np.sqrt(square)
    return upper / norm, (both - (upper << HIGH)) / norm


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
        found = find_grams(tokens, orders, first[d], last[d], places, counts)
        for j in range(found):
            if counts[places[j]] > 0:
                indices[used], values[used] = places[j], LOG[counts[places[j]]]
                square += values[used] * values[used]
                counts[places[j]] = 0
                used += 1
        for j in range(begin, used):
            values[j] /= np.sqrt(square)
        ends[d + 1] = used
