"""Does a mixture of the fitted densities explain a scope's scores? Measured as a distance: a p-value rejects all."""

from __future__ import annotations

import numpy as np

from auditor.estimate.fraction.counts import ScoreCounts

TOLERANCE = 0.01  # distance tolerated where the anchors' own cannot be known
MOST_TOLERANCE = 0.05  # cells of other languages may lie far apart; that excuses no misfit within the corpus
TOO_FAR = 0.10


def sampling_distance(density: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd (scopes,) of the total-variation distance of n documents from their own density (scopes, bins).

    E|p^ - p| = sqrt(2 p (1-p) / (pi n)) and Var|p^ - p| = (1 - 2/pi) p (1-p) / n for each bin (half-normal).
    """
    n = np.maximum(sizes, 1)[:, None]
    variance = density * (1 - density) / n
    return 0.5 * np.sqrt(2 / np.pi * variance).sum(1), 0.5 * np.sqrt(((1 - 2 / np.pi) * variance).sum(1))


def excess_misfit(histogram: np.ndarray, fitted: np.ndarray, *, effect: float, tolerance: float) -> np.ndarray:
    """Total-variation distance (scopes,) beyond sampling (two sd) and beyond the tolerance; 0 for empty scopes.

    histogram (scopes, bins) documents; fitted (scopes, bins) densities; effect: documents per independent document
    """
    sizes = histogram.sum(1)
    observed = histogram / np.maximum(sizes, 1)[:, None]
    distance = 0.5 * np.abs(observed - fitted).sum(1)
    mean, spread = sampling_distance(fitted, sizes / effect)
    return np.where(sizes > 0, np.maximum(distance - mean - 2 * spread - tolerance, 0.0), 0.0)


def own_distance(anchors: ScoreCounts, starts: np.ndarray) -> float:
    """How far each cell of the anchors is from the others beyond sampling, weighted by size, within bounds. This
    leave-one-topic-out distance is what the same measure gives for text that is all human.
    """
    cells = np.add.reduceat(anchors.histogram, starts, axis=1).astype(float)
    sizes = cells.sum(1)
    rest = cells.sum(0) - cells
    known = (sizes >= 50) & (rest.sum(1) >= 50)
    if known.sum() < 2:
        return TOLERANCE
    others = rest[known] / rest[known].sum(1, keepdims=True)
    harmonic = 1 / (1 / sizes[known] + 1 / rest[known].sum(1))
    mean, _ = sampling_distance(others, harmonic)
    distance = 0.5 * np.abs(cells[known] / sizes[known, None] - others).sum(1)
    typical = float(np.average(np.maximum(distance - mean, 0.0), weights=sizes[known]))
    return float(np.clip(typical, TOLERANCE, MOST_TOLERANCE))
