"""The mean similarity over all pairs of documents, a U-statistic, and its values with each resampling group left
out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 512  # rows of the similarity matrix that are held at once


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Mean similarity over the pairs of n documents.

    without (g,): the same mean without each group of documents; sizes (g,): documents of each group
    """

    mean: float
    without: np.ndarray
    sizes: np.ndarray

    @property
    def documents(self) -> int:
        """How many there are."""
        return int(self.sizes.sum())

    @property
    def groups(self) -> float:
        """Effective number of groups, (sum m)^2 / sum m^2: one host with nearly all the documents counts as one."""
        return float(self.sizes.sum() ** 2 / np.sum(self.sizes.astype(float) ** 2)) if self.sizes.any() else 0.0


def mean_over_pairs(vectors: np.ndarray, group: np.ndarray, *, floor: float = -1.0) -> Pairs:
    """The mean of max(cos(x_i, x_j), floor) over all i < j, unbiased at any number of documents.

    U = sum_(i != j) K_ij / (n (n - 1)), Hoeffding 1948 (Annals of Mathematical Statistics 19:293), section 3. Its value
    without a group needs only the sums of the group's rows, so the jackknife costs no second pass.

    Parameters: vectors (n, d), none of them zero, n >= 2; group (n,), the resampling group of each document
    """
    x = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    code = np.unique(group, return_inverse=True)[1]
    n, sizes = len(x), np.bincount(code)
    touching, inside = np.zeros(len(sizes)), np.zeros(len(sizes))
    for start in range(0, n, BLOCK):
        rows = np.clip(x[start : start + BLOCK] @ x.T, floor, 1.0)
        place = np.arange(len(rows))
        rows[place, start + place] = 0.0  # a document is not paired with itself
        own = code[start : start + BLOCK]
        touching += np.bincount(own, rows.sum(1), len(sizes))
        inside += np.bincount(own, np.where(own[:, None] == code, rows, 0.0).sum(1), len(sizes))
    total, left = float(touching.sum()), n - sizes
    without = (total - 2 * touching + inside) / np.where(left > 1, left * (left - 1), np.nan)
    return Pairs(total / (n * (n - 1)), without, sizes)
