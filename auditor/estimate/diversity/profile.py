"""The full profile of a sample of documents: measures that need the words in order, or a vector per document.

All are taken at a fixed size (windows, draws, blocks or a number of vectors), so they can be compared. They only
describe; losses are measured on spectra (estimate.lost).
"""

from __future__ import annotations

import math
import zlib
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import student_quantile
from auditor.text.jit import kernel

WINDOW, DRAWS, DISTINCT_AT, BLOCK_BYTES, VECTORS, DOCUMENTS, ZIPF_AT = 100, 42, 5_000, 2**15, 50, 25, 30_000
ORDER = 4
PARTS, LEAST_PARTS = 32, 8


def profile_text(
    hashes: np.ndarray, offsets: np.ndarray, text: np.ndarray, *, level: float = LEVEL
) -> dict[str, Estimate]:
    """Word-order measures of a sample, each averaged over parts of the sample that give the interval.

    Parameters: hashes (t,) uint64 and offsets (d+1,) int64, tokens of d documents; text (b,) uint8, their bytes
    """
    parts = np.array_split(hashes, PARTS)
    counts = np.unique(hashes[:ZIPF_AT], return_counts=True)[1]
    blocks = [text[i : i + BLOCK_BYTES] for i in range(0, len(text) - BLOCK_BYTES + 1, BLOCK_BYTES)]
    distinct = [hashes[i : i + DISTINCT_AT] for i in range(0, len(hashes) - DISTINCT_AT, DISTINCT_AT)]
    out = {
        "mattr": _mean([mattr(p) for p in parts if len(p) >= WINDOW], f"MATTR, window {WINDOW}", len(hashes), level),
        "hdd": _mean([hdd(p) for p in parts if len(p) >= DRAWS], f"HD-D, {DRAWS} draws", len(hashes), level),
        "compression_ratio": _mean(
            [compression_ratio(b) for b in blocks], f"DEFLATE on blocks of {BLOCK_BYTES} bytes", len(text), level
        ),
        "self_repetition": _mean(
            [self_repetition(hashes, offsets[s : e + 1]) for s, e in _spans(len(offsets) - 1)],
            f"share of {DOCUMENTS} documents with a {ORDER}-gram of an earlier one",
            len(offsets) - 1,
            level,
        ),
        "zipf_exponent": zipf_exponent(counts if len(hashes) >= ZIPF_AT else counts[:0], level=level),
    }
    for n in (1, 2, 3):
        method = f"distinct {n}-grams of {DISTINCT_AT:,} tokens"
        out[f"distinct_{n}"] = _mean([distinct_n(h, n) for h in distinct], method, len(hashes), level)
    return out


def mattr(tokens: np.ndarray, window: int = WINDOW) -> float:
    """Moving-average type-token ratio (Covington & McFall 2010, J. Quantitative Linguistics 17:94)."""
    codes = np.unique(tokens, return_inverse=True)[1]
    return _moving_types(codes, window) / window


def hdd(tokens: np.ndarray, draws: int = DRAWS) -> float:
    """HD-D: expected type-token ratio of `draws` tokens without replacement (McCarthy & Jarvis 2010, p. 383)."""
    n, counts = len(tokens), np.unique(tokens, return_counts=True)[1].astype(float)
    left = np.maximum(n - counts, draws)
    missed = np.exp(gammaln(left + 1) - gammaln(left - draws + 1) - gammaln(n + 1) + gammaln(n - draws + 1))
    return float(np.sum(1.0 - np.where(n - counts < draws, 0.0, missed)) / draws)


def distinct_n(tokens: np.ndarray, n: int) -> float:
    """Distinct n-grams over n-grams (Li et al. 2016, NAACL): falls with length, so it is taken at one length."""
    grams = np.lib.stride_tricks.sliding_window_view(np.unique(tokens, return_inverse=True)[1], n)
    return len(np.unique(grams, axis=0)) / len(grams)


def compression_ratio(block: np.ndarray) -> float:
    """Bytes before over bytes after DEFLATE (Shaib et al. 2024): more repetition, more compression."""
    return len(block) / len(zlib.compress(block.tobytes(), 9))


def self_repetition(hashes: np.ndarray, offsets: np.ndarray, n: int = ORDER) -> float:
    """Share of documents that hold an n-gram of an earlier document (Salkar et al. 2022, AACL, per document)."""
    repeated = _repeats(hashes, offsets, n)
    return float(repeated.mean()) if len(repeated) else 0.0


def zipf_exponent(counts: np.ndarray, *, least: int = 5, level: float = LEVEL) -> Estimate:
    """Exponent of the count distribution P(k) ~ k^-a, k >= least, by maximum likelihood (Clauset et al. 2009, eq. 3.5).

    The rank-frequency exponent of Zipf is 1 / (a - 1). The interval is asymptotic and takes types as independent.
    """
    method = f"maximum likelihood of P(k) ~ k^-a, k >= {least}"
    k = counts[counts >= least].astype(float)
    if len(k) < 50:
        return Estimate.not_measured(f"{len(k)} types that occur {least} times", method=method, n=len(k), level=level)
    logs = float(np.log(k).sum())

    def cost(a: float) -> float:
        return a * logs + len(k) * math.log(_hurwitz(a, least))

    a = float(minimize_scalar(cost, bounds=(1.05, 6.0), method="bounded", options={"xatol": 1e-7}).x)
    step = 1e-3
    curvature = (cost(a + step) - 2 * cost(a) + cost(a - step)) / step**2
    width = student_quantile(level, 1e6) / math.sqrt(curvature)
    return Estimate(a, a - width, a + width, level, method, len(k))


def vendi_score(vectors: np.ndarray, *, at: int = VECTORS, rng: np.random.Generator, level: float = LEVEL) -> Estimate:
    """Vendi score of `at` documents: exp of the entropy of the eigenvalues of X'X / n, X with rows of length 1.

    Friedman & Dieng 2023 (TMLR), section 3.3: the d x d covariance has the non-zero eigenvalues of the n x n kernel.
    """
    method = f"Vendi score of {at} documents, by covariance"
    if len(vectors) < at * LEAST_PARTS:
        return Estimate.not_measured(
            f"{len(vectors)} vectors, {at * LEAST_PARTS} needed", method=method, n=len(vectors)
        )
    order = rng.permutation(len(vectors))[: len(vectors) // at * at].reshape(-1, at)
    return _mean([vendi(vectors[rows]) for rows in order], method, len(vectors), level)


def vendi(vectors: np.ndarray) -> float:
    """The score of these vectors; see `vendi_score`."""
    rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(rows.T @ rows / len(rows))
    values = values[values > 1e-15]
    return float(np.exp(-np.sum(values * np.log(values))))


def _spans(documents: int) -> list[tuple[int, int]]:
    """Runs of DOCUMENTS documents each: more documents repeat more."""
    return list(pairwise(range(0, documents + 1, DOCUMENTS)))


def _mean(values: list[float], method: str, n: int, level: float) -> Estimate:
    """Mean over parts of the sample with Student's interval."""
    if len(values) < 2:
        return Estimate.not_measured("the sample is too small", method=method, n=n, level=level)
    mean = float(np.mean(values))
    width = float(student_quantile(level, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    out = Estimate(mean, mean - width, mean + width, level, method, n)
    return out if len(values) >= LEAST_PARTS else out.but(Status.INCONCLUSIVE, f"{len(values)} parts of the sample")


def _hurwitz(a: float, first: int) -> float:
    """Sum of k^-a from `first` on: 200 terms and the Euler-Maclaurin rest (error below 1e-12)."""
    k, end = np.arange(first, first + 200, dtype=float), first + 200.0
    return float(np.sum(k**-a) + end ** (1 - a) / (a - 1) + end**-a / 2 + a * end ** (-a - 1) / 12)


# codes (t,) int64; returns the mean number of types per window
@kernel
def _moving_types(codes, window):
    counts = np.zeros(codes.max() + 1, np.int64)
    types, total = 0, 0.0
    for i in range(codes.size):
        types += counts[codes[i]] == 0
        counts[codes[i]] += 1
        if i >= window:
            counts[codes[i - window]] -= 1
            types -= counts[codes[i - window]] == 0
        if i >= window - 1:
            total += types
    return total / (codes.size - window + 1)


# hashes (t,), offsets (d+1,); returns (d,) whether a document holds an n-gram of an earlier one
@kernel
def _repeats(hashes, offsets, n):
    earlier = set()
    earlier.add(np.uint64(0))
    repeated = np.zeros(offsets.size - 1, np.bool_)
    for d in range(offsets.size - 1):
        first, stop = offsets[d], offsets[d + 1] - n + 1
        for time in range(2):
            for i in range(first, stop):
                h = np.uint64(0)
                for j in range(n):
                    h = (h ^ hashes[i + j]) * np.uint64(0x9E3779B97F4A7C15)
                    h ^= h >> np.uint64(31)
                if time == 0:
                    repeated[d] |= h in earlier
                else:
                    earlier.add(h)
    return repeated
