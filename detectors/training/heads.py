"""Fits the linear heads of the first tier: n-grams of words and forms, and products of style measures.

Cells (source and domain) with both classes get an intercept of their own, which scoring leaves out, so that a
head learns who wrote a text and not what kind of text the classes of a source happen to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from warnings import catch_warnings, simplefilter

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from auditor.detectors.first import ngram_kernels
from auditor.detectors.first.wordstream import Streams
from auditor.detectors.training.data import labelled

PENALTY, STEPS = 20.0, 45  # stopping early regularises: unseen families were not ranked better after more steps
STYLE_PENALTY, STYLE_STEPS = 0.02, 60
LEAST_CELLS = 4  # n-grams seen in fewer cells are dropped: they are topics
LEAST_ROWS = 3
LEAST_OF_A_CLASS = 4  # rows of each class from which on a cell has an intercept of its own


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows (m,) of the corpus that a head learns from (a row may come twice), with class, weight and cell."""

    rows: np.ndarray
    machine: np.ndarray
    weights: np.ndarray
    cells: np.ndarray  # numbers from 0

    @property
    def both(self) -> bool:
        """Whether both classes have text; otherwise nothing can be learned."""
        return bool(self.machine.any() and not self.machine.all())


def rows_of(frame: pl.DataFrame, rows: np.ndarray, weights: np.ndarray | None = None) -> Rows:
    """Rows of a frame; classes weigh the same unless weights (m,) are given."""
    machine = (frame["label"] == "ai").to_numpy()[rows]
    share = np.clip(machine.mean() if len(rows) else 0.5, 1e-9, 1 - 1e-9)
    equal = np.where(machine, 0.5 / share, 0.5 / (1 - share))
    names = (frame["language"] + "/" + frame["cell"]).to_numpy()[rows]
    return Rows(rows, machine, equal if weights is None else weights, np.unique(names, return_inverse=True)[1])


def language_weights(frame: pl.DataFrame, rows: np.ndarray) -> np.ndarray:
    """(m,) mean 1: classes weigh the same within a language, languages by the root of their size."""
    language, machine = frame["language"].to_numpy()[rows], (frame["label"] == "ai").to_numpy()[rows]
    weights = np.ones(len(rows))
    for name in np.unique(language):
        own = language == name
        for label in (False, True):
            chosen = own & (machine == label)
            weights[chosen] = own.sum() ** 0.5 / max(chosen.sum(), 30)
    return weights / weights.mean() if len(rows) else weights


def fit_ngrams(
    streams: Streams,
    chosen: Rows,
    rng: np.random.Generator,
    *,
    views: int = 1,
    extra: csr_matrix | None = None,
    by_cells: bool = True,
) -> np.ndarray:
    """Weights (2, 2^BITS) float32 of the n-grams of words and of forms, fitted apart on random stretches.

    Parameters: views, stretches of each document; extra (m, k), further columns that scoring leaves out; by_cells,
        whether an n-gram has to occur in several cells and not only in several rows
    """
    out = np.zeros((2, 1 << ngram_kernels.BITS), np.float32)
    if not chosen.both:
        return out
    several = np.repeat(np.arange(len(chosen.rows)), views)
    rows, machine, weights = chosen.rows[several], chosen.machine[several], chosen.weights[several]
    first, last = labelled.stretches(streams.offsets, rows, rng)
    nuisance = intercepts(chosen)[several]
    if extra is not None:
        nuisance = hstack([nuisance, extra[several]], format="csr")
    for block, tokens in enumerate((streams.words, streams.forms)):
        x = matrix(tokens, ngram_kernels.ORDERS[block], first, last)
        keep = widespread(x, chosen.cells[several]) if by_cells else np.flatnonzero(x.getnnz(0) >= LEAST_ROWS)
        columns = hstack([x[:, keep], nuisance], format="csr").astype(np.float32)
        model = LogisticRegression(C=PENALTY, max_iter=STEPS, tol=1e-9)
        _fit(model, columns, machine, weights)
        out[block, keep] = model.coef_[0][: len(keep)]
    return out


def fit_style(products: np.ndarray, chosen: Rows) -> np.ndarray:
    """Weights (k,) float32 of style measures and their products (n, k), see stylometry.products."""
    if not chosen.both:
        return np.zeros(products.shape[1], np.float32)
    columns = np.hstack([products[chosen.rows], intercepts(chosen).toarray()])
    model = LogisticRegression(C=STYLE_PENALTY, max_iter=STYLE_STEPS)
    _fit(model, columns, chosen.machine, chosen.weights)
    return model.coef_[0][: products.shape[1]].astype(np.float32)


def intercepts(chosen: Rows) -> csr_matrix:
    """(m, cells) ones: the cell of each row, for cells with enough rows of both classes."""
    machine = np.bincount(chosen.cells, weights=chosen.machine)
    human = np.bincount(chosen.cells, weights=~chosen.machine)
    both = np.minimum(machine, human) >= LEAST_OF_A_CLASS
    m = len(chosen.rows)
    out = csr_matrix((both[chosen.cells].astype(np.float32), (np.arange(m), chosen.cells)), shape=(m, len(machine)))
    out.eliminate_zeros()
    return out


def widespread(x: csr_matrix, cells: np.ndarray) -> np.ndarray:
    """Columns (k,) found in at least LEAST_CELLS cells."""
    n = len(cells)
    members = csr_matrix((np.ones(n, np.float32), (cells, np.arange(n))), shape=(cells.max() + 1, n))
    return np.flatnonzero(np.asarray(((members @ x) > 0).sum(0)).ravel() >= LEAST_CELLS)


def matrix(tokens: np.ndarray, orders: int, first: np.ndarray, last: np.ndarray) -> csr_matrix:
    """(n, 2^BITS) float32: features of the n-grams of up to `orders` tokens (t,) in stretches of them."""
    room = int((last - first).sum()) * orders
    indices, values = np.empty(room, np.int32), np.empty(room, np.float32)
    ends = np.zeros(len(first) + 1, np.int64)
    ngram_kernels.features(tokens, orders, first, last, indices, values, ends)
    used = ends[-1]
    return csr_matrix((values[:used].copy(), indices[:used].copy(), ends), shape=(len(first), 1 << ngram_kernels.BITS))


def _fit(model: LogisticRegression, x: csr_matrix | np.ndarray, y: np.ndarray, weights: np.ndarray) -> None:
    with catch_warnings():
        simplefilter("ignore", ConvergenceWarning)  # stopping early is meant
        model.fit(x, y, sample_weight=weights)
