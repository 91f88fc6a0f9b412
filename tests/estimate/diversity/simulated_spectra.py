"""Spectra of known truth: tokens drawn independently from a Zipf-Mandelbrot law, types sampled by random keys."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from auditor.estimate.diversity.spectrum import Spectrum
from auditor.run_columns import GROUPS

BLOCK = 200
FREQUENT = 2000


def zipf_mandelbrot(types: int, exponent: float, shift: float = 0.0) -> np.ndarray:
    """Probabilities (types,) proportional to 1 / (rank + shift)^exponent."""
    p = 1.0 / (np.arange(1, types + 1) + shift) ** exponent
    return p / p.sum()


def drawn(p: np.ndarray, tokens: int, rng: np.random.Generator, *, rate: float = 1.0, keys=None) -> Spectrum:
    """A spectrum of about `tokens` tokens in 32 groups; the FREQUENT first types are counted whatever their key.

    Occurrences and blocks are drawn apart: no measure reads both.
    """
    keys = random_keys(p, rng) if keys is None else keys
    fixed = np.arange(p.size) < FREQUENT
    kept = np.flatnonzero(fixed | (keys < rate * 2.0**64))
    kept = kept[np.argsort(keys[kept])]
    mean = tokens / GROUPS * p[kept]
    count = rng.poisson(mean[:, None], (kept.size, GROUPS)).astype(float)
    size = rng.poisson(tokens / GROUPS * max(1.0 - p[kept].sum(), 0.0), GROUPS) + count.sum(0)
    blocks_of = np.full(GROUPS, round(tokens / GROUPS / BLOCK))
    blocks = rng.binomial(blocks_of, -np.expm1(-BLOCK * p[kept])[:, None], (kept.size, GROUPS)).astype(float)
    index, group = np.nonzero((count > 0) | (blocks > 0))
    cells = count[index, group], blocks[index, group]
    return Spectrum(keys[kept], fixed[kept], index, group, *cells, size, blocks_of.astype(float), rate)


def random_keys(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2**64, p.size, dtype=np.uint64)


def expected_richness(p: np.ndarray, tokens: float) -> float:
    """Types expected among `tokens` tokens drawn in blocks."""
    return float(-np.expm1(-tokens * p).sum())


def expected_shannon(p: np.ndarray, tokens: float) -> float:
    """exp of the plug-in entropy expected in a sample, tokens independent."""
    mean = tokens * p
    small = mean < 50.0
    x = np.arange(1, 130)[:, None]
    log_factorial = np.cumsum(np.log(np.arange(1, 130)))[:, None]
    value = 0.0
    for part in np.array_split(mean[small], max(small.sum() // 5000, 1)):
        chance = np.exp(x * np.log(part) - part - log_factorial)
        value += float((-(x / tokens) * np.log(x / tokens) * chance).sum())
    big = mean[~small]
    terms = -big * np.log(big / tokens) - 0.5 - 1.0 / (12.0 * big)
    return float(np.exp(value + terms.sum() / tokens))


def expected_simpson(p: np.ndarray, tokens: float) -> float:
    return float(1.0 / (1.0 / tokens + (tokens - 1.0) / tokens * np.sum(p**2)))


def expected_coverage(p: np.ndarray, tokens: float) -> float:
    return float(1.0 - np.sum(p * np.exp(-tokens * p)))


EXPECTED = {"q0": expected_richness, "q1": expected_shannon, "q2": expected_simpson}


def expected_incidence_coverage(p: np.ndarray, tokens: float) -> float:
    """Coverage of `tokens` tokens in blocks: what they leave uncovered, as a share of all incidences."""
    chance = -np.expm1(-BLOCK * p)
    return float(1.0 - np.sum(chance * np.exp(-tokens * p)) / chance.sum())


def true_loss(shard: np.ndarray, reference: np.ndarray, key: str, coverage: float) -> float:
    """1 - D(shard) / D(reference), each at the size whose expected coverage is `coverage`."""
    reach = expected_incidence_coverage if key == "q0" else expected_coverage
    diversity = []
    for p in (shard[shard > 0], reference):
        size = brentq(lambda log_size, p=p: reach(p, np.exp(log_size)) - coverage, 1.0, 25.0)
        diversity.append(EXPECTED[key](p, np.exp(size)))
    return 1.0 - diversity[0] / diversity[1]
