"""Drift: how far the word frequencies of a shard are from those of a reference, and whether that is more than
chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.estimate.diversity.spectrum import Body, Spectrum
from auditor.estimate.diversity.variance import judged, reach
from auditor.records import LEVEL, Estimate
from auditor.run_columns import GROUPS, WORD
from auditor.statistics.resampling import jackknife_variance

# Always the same number of cells: divergences over more types and over fewer cannot be compared.
CELLS = 1000
DRAWS = 1999


@dataclass(frozen=True, slots=True)
class Drift:
    """divergence: Jensen-Shannon divergence in bits, corrected for sample size; p_value of a two-sample test."""

    divergence: Estimate
    p_value: float | None


def measure_drift(
    shard: pl.DataFrame | Body, reference: pl.DataFrame | Body | None, *, rng: np.random.Generator, level: float = LEVEL
) -> Drift:
    """Drift of word frequencies over the most frequent types of both texts and all others as one.

    The plug-in divergence grows as text shrinks, the more so as words clump: the jackknife over groups removes its bias
    (Efron & Stein 1981), once per side. Parameters: spectra frames; rng, for the test
    """
    method = f"Jensen-Shannon divergence over {CELLS + 1} cells, jackknife-corrected"
    if reference is None:
        return Drift(Estimate.not_measured("no human reference", method=method), None)
    ours, theirs = (Body.of(text).whole(WORD) for text in (shard, reference))
    n = int(ours.tokens.sum())
    if n == 0 or theirs.tokens.sum() == 0:
        return Drift(Estimate.not_measured("no eligible text", method=method), None)
    x, y = _cells(ours, theirs)
    value, spread = _corrected(x, y)
    groups = min(_effective(x), _effective(y))
    width = reach(groups, level) * math.sqrt(spread)
    out = Estimate(max(value, 0.0), max(value - width, 0.0), max(value + width, 0.0), level, method, n)
    out = judged(out, groups)
    return Drift(out, two_sample_test(x, y, rng=rng) if out.is_number else None)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Divergence in bits, 0 to 1 (Lin 1991, IEEE Trans. Inf. Theory 37:145, eq. 4.1 with equal weights)."""
    middle = (p + q) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / middle), 0.0) + np.where(q > 0, q * np.log2(q / middle), 0.0)
    return float(terms.sum() / 2.0)


def two_sample_test(x: np.ndarray, y: np.ndarray, *, rng: np.random.Generator, draws: int = DRAWS) -> float:
    """P-value for equal frequencies, where words clump within groups of documents.

    Statistic: sum (p - q)^2 / (p + q), the leading term of the divergence. Its null distribution is a wild bootstrap:
    each group's deviation from its own side keeps its size and takes a random sign (Wu 1986, Ann. Statist. 14:1261).
    Parameters: x, y (cells, groups) counts
    """
    p, q = x.sum(1) / x.sum(), y.sum(1) / y.sum()
    root = np.sqrt(np.where(p + q > 0, 1.0 / np.maximum(p + q, 1e-300), 0.0))
    observed = float(np.sum(((p - q) * root) ** 2))
    moves = np.concatenate([_deviations(x, p), _deviations(y, q)], axis=1) * root[:, None]
    gram = moves.T @ moves
    signs = rng.choice([-1.0, 1.0], (draws, gram.shape[0]))
    null = np.sum(signs @ gram * signs, axis=1)
    return float((1 + np.count_nonzero(null >= observed)) / (1 + draws))


def _deviations(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(cells, groups): how each group moves the shares, scaled up for the mean taken from the same groups."""
    sizes = x.sum(0)
    filled = max(int(np.count_nonzero(sizes)), 2)
    return (x - p[:, None] * sizes) / sizes.sum() * math.sqrt(filled / (filled - 1))


def _cells(ours: Spectrum, theirs: Spectrum) -> tuple[np.ndarray, np.ndarray]:
    """Counts (CELLS + 1, groups) of the types most frequent in both together; all other types are the last cell.

    Types chosen from one side alone would be frequent there partly by chance, and shares would differ between texts
    that do not.
    """
    whole = min(ours.rate, theirs.rate) >= 1.0
    types, totals = (np.concatenate(parts) for parts in zip(*(_totals(s, whole) for s in (ours, theirs)), strict=True))
    types, at = np.unique(types, return_inverse=True)
    totals = np.bincount(at, totals, types.size)
    chosen = np.sort(types[np.lexsort((types, -totals))[:CELLS]])
    return _table(ours, chosen), _table(theirs, chosen)


def _totals(spectrum: Spectrum, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    """Types that are counted whatever their hash, or all of them, and how often they occur."""
    totals = np.bincount(spectrum.index, spectrum.count, spectrum.types.size)
    kept = (spectrum.fixed | whole) & (totals > 0)
    return spectrum.types[kept], totals[kept]


def _table(spectrum: Spectrum, types: np.ndarray) -> np.ndarray:
    table = np.zeros((types.size + 1, GROUPS))
    at = np.searchsorted(types, spectrum.types)
    known = (at < types.size) & (types[np.minimum(at, types.size - 1)] == spectrum.types)
    cells = known[spectrum.index]
    table[at[spectrum.index[cells]], spectrum.group[cells]] = spectrum.count[cells]
    table[-1] = spectrum.tokens - table[:-1].sum(0)
    return table


def _corrected(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Divergence less its jackknife bias, and its variance, from both sides in turn."""
    whole, other = x.sum(1), y.sum(1)
    value = jensen_shannon(whole / whole.sum(), other / other.sum())
    corrected, spread = value, 0.0
    for table, fixed in ((x, other), (y, whole)):
        filled = np.flatnonzero(table.sum(0))
        total, q = table.sum(1), fixed / fixed.sum()
        if len(filled) < 2:
            continue
        rests = np.array([jensen_shannon((r := total - table[:, g]) / r.sum(), q) for g in filled])
        corrected -= (len(filled) - 1) * (float(rests.mean()) - value)
        spread += float(jackknife_variance(rests))
    return corrected, spread


def _effective(x: np.ndarray) -> float:
    sizes = x.sum(0)
    return float(sizes.sum() ** 2 / np.sum(sizes**2))
