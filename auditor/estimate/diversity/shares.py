"""Shares of documents by name (topics, hosts, languages, categories) against the reference's: what lost most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.estimate.diversity.variance import judged, reach
from auditor.records import LEVEL, Estimate
from auditor.statistics.resampling import jackknife_variance

FEWEST = 5  # expected documents that a name needs to be called lost


def share_retained(
    ours: np.ndarray, theirs: np.ndarray, sizes: tuple[np.ndarray, np.ndarray], level: float = LEVEL
) -> Estimate:
    """A name's share of the documents relative to its share of the reference's; 1 where nothing changed.

    The interval is of the logarithm, by the delete-a-group jackknife of each side.
    Parameters: ours, theirs (groups,) documents of the name; sizes, (groups,) all documents of either side
    """
    method, n = "ratio of shares, delete-a-group jackknife", int(sizes[0].sum())
    if not theirs.sum():
        return Estimate.not_measured("the reference holds none", method=method, n=n, level=level)
    if not ours.sum():
        return Estimate(0.0, 0.0, min(1.0, 3.0 / _expected(theirs, sizes)), level, method + ", rule of three", n)
    (value, spread), (other, more) = (_log_share(x, size) for x, size in zip((ours, theirs), sizes, strict=True))
    groups = min(float(size.sum() ** 2 / np.sum(size**2)) for size in sizes)
    if not math.isfinite(spread + more):
        return Estimate.not_measured("one group of documents holds it all", method=method, n=n, level=level)
    width = reach(groups, level) * math.sqrt(spread + more)
    ratio = value - other
    return judged(Estimate(math.exp(ratio), math.exp(ratio - width), math.exp(ratio + width), level, method, n), groups)


@dataclass(frozen=True, slots=True)
class LostName:
    """A name whose share fell: its documents in the reference and in the corpus, their shares, and what is left of
    it."""

    name: str
    reference: int
    corpus: int
    reference_share: float
    corpus_share: float
    retained: Estimate


def lost_names(
    names: Sequence[str], ours: np.ndarray, theirs: np.ndarray, *, most: int = 10, level: float = LEVEL
) -> list[LostName]:
    """The names whose share is surely below the reference's, the largest lost share first.

    Parameters: ours, theirs (names, groups) documents
    """
    sizes = ours.sum(0), theirs.sum(0)
    rows = []
    for place, name in enumerate(names):
        if not theirs[place].sum() or _expected(theirs[place], sizes) < FEWEST:
            continue
        kept = share_retained(ours[place], theirs[place], sizes, level)
        if kept.upper is not None and kept.upper < 1.0:
            reference, corpus = int(theirs[place].sum()), int(ours[place].sum())
            shares = float(reference / sizes[1].sum()), float(corpus / max(sizes[0].sum(), 1))
            rows.append(LostName(name, reference, corpus, *shares, kept))
    return sorted(rows, key=lambda row: (row.corpus_share - row.reference_share, row.name))[:most]


def _expected(theirs: np.ndarray, sizes: tuple[np.ndarray, np.ndarray]) -> float:
    """Documents that the name would have if its share were the reference's."""
    return float(theirs.sum() / sizes[1].sum() * sizes[0].sum())


def _log_share(counts: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """ln of a share and its jackknife variance."""
    filled = np.flatnonzero(sizes)
    if len(filled) < 2:
        return 0.0, math.inf
    value = math.log(counts.sum() / sizes.sum())
    with np.errstate(divide="ignore"):
        rests = np.log((counts.sum() - counts[filled]) / (sizes.sum() - sizes[filled]))
    return value, float(jackknife_variance(rests)) if np.isfinite(rests).all() else math.inf
