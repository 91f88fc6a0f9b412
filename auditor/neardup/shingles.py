"""Exact Jaccard of shingle sets, which lie on disk: the second pass over candidate documents fills the store."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np

from auditor.text.jit import kernel


def jaccard(left: np.ndarray, right: np.ndarray) -> float:
    """|A and B| / |A or B| of two sorted arrays without repeats; nan where both are empty."""
    return float(_jaccard(left, right))


class ShingleStore:
    """Shingle sets by stable id: appended to one file of uint64, read back through a memory map.

    The same document may be added twice (a resumed pass): its first set counts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._ids, self._sizes = array("Q"), array("q")

    def add(self, document: int, shingles: np.ndarray) -> None:
        """shingles (s,) uint64, sorted and unique."""
        self._ids.append(int(document))
        self._sizes.append(len(shingles))
        self._file.write(np.ascontiguousarray(shingles, np.uint64).tobytes())

    def jaccards(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Exact Jaccard of pairs of documents (p,) uint64 -> (p,) float64, nan where one was never added."""
        self._file.flush()
        if not any(self._sizes):
            return np.full(len(left), np.nan)
        ids = np.array(self._ids, np.uint64)
        starts = np.concatenate([[0], np.cumsum(np.array(self._sizes, np.int64))])
        order = np.argsort(ids, kind="stable")
        sets = np.memmap(self._path, np.uint64, "r")
        out = np.full(len(left), np.nan)
        places = [_find(ids, order, side) for side in (left, right)]
        both = (places[0] >= 0) & (places[1] >= 0)
        _jaccards(sets, starts, places[0][both], places[1][both], compared := np.empty(int(both.sum())))
        out[both] = compared
        return out

    def close(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _find(ids: np.ndarray, order: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The first row of each wanted id, -1 where it is not there."""
    near = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    return np.where(ids[order[near]] == wanted, order[near], -1)


@kernel
def _jaccard(left, right):
    """left (a,), right (b,) sorted and unique."""
    i = j = shared = 0
    while i < left.shape[0] and j < right.shape[0]:
        x, y = left[i], right[j]
        shared += x == y
        i += x <= y
        j += y <= x
    union = left.shape[0] + right.shape[0] - shared
    return shared / union if union else np.nan


@kernel
def _jaccards(sets, starts, left, right, out):
    """sets (t,) uint64, starts (n+1,), left right (p,) rows -> out (p,) float64."""
    for p in range(out.shape[0]):
        i, j = left[p], right[p]
        out[p] = _jaccard(sets[starts[i] : starts[i + 1]], sets[starts[j] : starts[j + 1]])
