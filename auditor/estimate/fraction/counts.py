"""Scores as histograms: all that estimation needs to know of a corpus, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.run_columns import BINS, GROUPS, HIGHEST, LOWEST
from auditor.statistics.mixtures import moved_rows

EDGES = np.linspace(LOWEST, HIGHEST, BINS + 1)
CENTRES = (EDGES[:-1] + EDGES[1:]) / 2
STEP = (HIGHEST - LOWEST) / BINS


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """Documents and word tokens by scope, resampling group and bin of the ensemble's score (a logit).

    documents, tokens: (scopes, GROUPS, BINS) int64; scores beyond the grid stand in its outermost bins
    unscored: (scopes,) int64, eligible documents without a finite score: counted, in no histogram
    """

    scopes: tuple[str, ...]
    documents: np.ndarray
    tokens: np.ndarray
    unscored: np.ndarray

    def __post_init__(self) -> None:
        shape = (len(self.scopes), GROUPS, BINS)
        assert self.documents.shape == self.tokens.shape == shape, f"{self.documents.shape} is not {shape}"
        assert self.unscored.shape == shape[:1]
        assert len(set(self.scopes)) == len(self.scopes), "a scope occurs twice"

    @classmethod
    def empty(cls, scopes: Sequence[str]) -> ScoreCounts:
        """No documents in any of the scopes."""
        shape = (len(scopes), GROUPS, BINS)
        return cls(tuple(scopes), np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape[0], np.int64))

    @classmethod
    def of(
        cls,
        scores: np.ndarray,
        *,
        groups: np.ndarray | None = None,
        tokens: np.ndarray | None = None,
        scope_of: np.ndarray | None = None,
        scopes: Sequence[str] = ("",),
    ) -> ScoreCounts:
        """Count scores (n,); groups (n,) any integers, tokens (n,), scope_of (n,) positions in scopes.

        Without groups every document is a unit of its own; without tokens every document counts one.
        """
        scores = np.asarray(scores, float)
        n = len(scores)
        groups = np.arange(n) if groups is None else np.asarray(groups)
        tokens = np.ones(n, np.int64) if tokens is None else np.asarray(tokens, np.int64)
        scope_of = np.zeros(n, np.int64) if scope_of is None else np.asarray(scope_of, np.int64)
        shape = (len(scopes), GROUPS, BINS)
        scored = np.isfinite(scores)
        bins = np.clip((scores[scored] - LOWEST) / (HIGHEST - LOWEST) * BINS, 0, BINS - 1).astype(np.int64)
        cell = np.ravel_multi_index((scope_of[scored], groups[scored].astype(np.int64) % GROUPS, bins), shape)
        documents = np.bincount(cell, minlength=np.prod(shape)).reshape(shape)
        words = np.bincount(cell, weights=tokens[scored], minlength=np.prod(shape)).reshape(shape)
        unscored = np.bincount(scope_of[~scored], minlength=shape[0])
        return cls(tuple(scopes), documents, words.astype(np.int64), unscored)

    def __add__(self, other: ScoreCounts) -> ScoreCounts:
        """Counts merge: scopes of the same name add up, the others are appended (own scopes first)."""
        scopes = self.scopes + tuple(name for name in other.scopes if name not in set(self.scopes))
        out = ScoreCounts.empty(scopes)
        where = {name: i for i, name in enumerate(scopes)}
        for part in (self, other):
            rows = [where[name] for name in part.scopes]
            out.documents[rows] += part.documents
            out.tokens[rows] += part.tokens
            out.unscored[rows] += part.unscored
        return out

    def take(self, rows: Sequence[int] | np.ndarray) -> ScoreCounts:
        """The scopes at these positions."""
        rows = np.asarray(rows, np.int64)
        scopes = tuple(self.scopes[i] for i in rows)
        return ScoreCounts(scopes, self.documents[rows], self.tokens[rows], self.unscored[rows])

    def pooled(self, name: str = "") -> ScoreCounts:
        """All scopes as one."""
        return ScoreCounts(
            (name,),
            self.documents.sum(0, keepdims=True),
            self.tokens.sum(0, keepdims=True),
            self.unscored.sum(keepdims=True),
        )

    @property
    def histogram(self) -> np.ndarray:
        """Documents (scopes, BINS), groups summed."""
        return self.documents.sum(1)

    @property
    def token_histogram(self) -> np.ndarray:
        """Tokens (scopes, BINS), groups summed."""
        return self.tokens.sum(1)

    @property
    def sizes(self) -> np.ndarray:
        """Scored documents (scopes,)."""
        return self.documents.sum((1, 2))


def filled(posterior: np.ndarray, histogram: np.ndarray) -> np.ndarray:
    """P(machine | bin) of bins without documents, from the nearest ones that have some."""
    out = np.full_like(posterior, np.nan)
    for row, (p, counts) in enumerate(zip(posterior, histogram, strict=True)):
        known = np.flatnonzero(counts > 0)
        if len(known):
            out[row] = np.interp(np.arange(BINS), known, p[known])
    return out


def shifted(density: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Densities (…, BINS) moved by each of `by` (k,): (…, k, BINS), rows sum to 1."""
    at = np.arange(BINS)[None] - by[:, None] / STEP
    low = np.floor(at).astype(np.int64)
    part = at - low
    first, second = np.clip(low, 0, BINS - 1), np.clip(low + 1, 0, BINS - 1)
    out = (1 - part) * density[..., first] + part * density[..., second]
    return out / out.sum(-1, keepdims=True)


def stretched(density: np.ndarray, by: np.ndarray, log_scales: np.ndarray) -> np.ndarray:
    """The density moved by (k,), and its upper half stretched by exp(log_scales) (s,): (k, s, BINS)."""
    out = np.interp(_unstretched(CENTRES - by[:, None, None], log_scales[:, None]), CENTRES, density)
    return out / out.sum(-1, keepdims=True)


def _unstretched(units: np.ndarray, log_scale: np.ndarray) -> np.ndarray:
    """Where scores lie in the common density: kinds differ in how far their human scores reach upwards."""
    return np.where(units > 0, units * np.exp(-log_scale), units)


def moved(density: np.ndarray, by: np.ndarray, log_scale: np.ndarray) -> np.ndarray:
    """Each density (n, BINS) moved by shifts (n, k), its upper half stretched by exp(log_scale) (n,): (n, k, BINS)."""
    return moved_rows(np.ascontiguousarray(density), by, np.exp(-log_scale), CENTRES, STEP)
