"""A source of text ready for simulation: its types in bins of similar frequency, so that rare ones cost nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from auditor.collapse.options import Regime
from auditor.collapse.simulate.options import SimulationOptions, require
from auditor.collapse.spectrum import Frequencies

# Rare types whose source frequencies lie within this ratio form a class, represented by a few frequencies.
CLASS_RATIO = 4.0
NODES = 2
MOST_TYPES = 10**12
_CUTOFFS = (1024, 256, 64, 16)
_MANY = 3000


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A source ready to drift: bins with rare ones first, how many types each holds, and which are tail.

    probability, types, tail: (bins,); rare: number of rare bins; counts: width of their table
    """

    probability: np.ndarray
    types: np.ndarray
    tail: np.ndarray
    rare: int
    counts: int


def zipf(types: int, exponent: float = 1.0) -> Frequencies:
    """A Zipf source: the first ranks singly, then ranks within a ratio of 1.02 together, by their mean."""
    require(1 <= types <= MOST_TYPES, "types", f"from 1 to {MOST_TYPES:,}")
    single = min(types, 100)
    edges = np.unique(np.geomspace(single + 1, types + 1, 2 + int(math.log(types / single + 1) / 0.02)).round())
    weights = np.arange(1, single + 1, dtype=float) ** -exponent
    counts = np.diff(edges) if types > single else np.empty(0)
    means = _power_sums(edges, exponent) / counts if types > single else np.empty(0)
    probability, multiplicity = np.append(weights, means), np.append(np.ones(single), counts)
    return Frequencies(probability / (probability @ multiplicity), multiplicity, np.zeros(probability.size))


def prepare(source: Frequencies, options: SimulationOptions) -> Source:
    """Bins of a source for N tokens: rare types of similar frequency share a few, frequent ones have their own.

    A class of rare types is replaced by its Gauss quadrature, which keeps the moments of its frequencies: whatever is
    smooth in the frequency, as presence and mass are, comes out the same.
    """
    require(1 <= source.types.sum() <= MOST_TYPES, "spectrum", f"of 1 to {MOST_TYPES:,} types")
    order = np.argsort(source.probability, kind="stable")
    probability, types = source.probability[order], np.rint(source.types[order]).astype(np.int64)
    tail = np.cumsum(source.mass[order]) <= options.tail_share * (1 + 1e-9)
    tail[0] = True
    expected = probability * options.tokens
    cutoff = _cutoff(expected, types)
    rare = expected < cutoff
    classes = np.floor(np.log(np.maximum(expected[rare] / cutoff, 1e-300)) / math.log(CLASS_RATIO)) * 2 + tail[rare]
    nodes = []
    for key in np.unique(classes):
        members = np.flatnonzero(classes == key)
        at, held = _quadrature(probability[members], types[members])
        nodes.append((at, held, np.full(at.size, tail[members[0]])))
    one = np.repeat(probability[~rare], types[~rare])
    nodes.append((one, np.ones(one.size, np.int64), np.repeat(tail[~rare], types[~rare])))
    pool = options.regime in (Regime.ACCUMULATE, Regime.ACCUMULATE_SUBSAMPLE)
    at, held, in_tail = (np.concatenate(column) for column in zip(*nodes, strict=True))
    return Source(at, held, in_tail, at.size - one.size, cutoff * (8 if pool else 4))


def _cutoff(expected: np.ndarray, types: np.ndarray) -> int:
    """Types expected more often than this are items: the most at which a class still has many types."""
    for cutoff in _CUTOFFS:
        if types[(expected >= cutoff / CLASS_RATIO) & (expected < cutoff)].sum() >= _MANY:
            return cutoff
    return _CUTOFFS[-1]


def _quadrature(probability: np.ndarray, types: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most NODES frequencies and how many types have each: Golub & Welsch 1969, by Lanczos' recursion."""
    filled = types > 0
    probability, types = probability[filled], types[filled]
    if probability.size <= NODES or types.sum() < _MANY / 10:
        return probability, types
    center, weight = float(types @ probability) / types.sum(), types / types.sum()
    x = probability / center
    diagonal, off = np.zeros(NODES), np.zeros(NODES)
    before, vector = np.zeros(x.size), np.sqrt(weight)
    for i in range(NODES):
        diagonal[i] = vector @ (x * vector)
        after = (x - diagonal[i]) * vector - off[i] * before
        length = float(np.sqrt(after @ after))
        if i + 1 < NODES:
            if length < 1e-9:
                return probability, types
            off[i + 1] = length
            before, vector = vector, after / length
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off[1:], 1) + np.diag(off[1:], -1))
    held = np.rint(vectors[0] ** 2 * types.sum()).astype(np.int64)
    held[int(held.argmax())] += types.sum() - held.sum()
    return nodes * center, held


def _power_sums(edges: np.ndarray, exponent: float) -> np.ndarray:
    """Sums of k^-s for edges[i] <= k < edges[i+1], by the midpoint rule (relative error below 1e-5 from rank 100)."""
    low, high = edges[:-1] - 0.5, edges[1:] - 0.5
    if exponent == 1:
        return np.log(high / low)
    return (high ** (1 - exponent) - low ** (1 - exponent)) / (1 - exponent)
