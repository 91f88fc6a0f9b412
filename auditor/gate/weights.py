"""Sampling weights that leave machine-written text out and keep the tail, and the effect of each choice on the tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RARE = 2  # occurrences in the human reference up to which a type counts as rare
CARRIERS = 5  # documents of the corpus up to which a rare type is scarce: it is lost without them
DOCUMENT_BITS = 40
CHOICES = ("everything", "threshold", "weights", "protected")


@dataclass(slots=True, eq=False)
class TailTally:
    """Which documents carry which rare types, in memory that depends on the number of types alone.

    types (k,) uint64 rising: keys of types that are rare in the human reference; carriers (k, CARRIERS + 1): positions
    of the first documents that carry each; found (k,): how many do; missed (k, 2): log of the chance that no carrier is
    drawn, by the threshold and by the weights
    """

    types: np.ndarray
    carriers: np.ndarray
    found: np.ndarray
    missed: np.ndarray

    @classmethod
    def of(cls, types: np.ndarray) -> TailTally:
        """An empty tally of these types, (k,) uint64."""
        k = len(types)
        return cls(np.sort(types), np.full((k, CARRIERS + 1), -1, np.int64), np.zeros(k, np.int64), np.zeros((k, 2)))

    def add(self, keys: np.ndarray, document: np.ndarray, chances: np.ndarray) -> None:
        """Count a batch: keys (t,) of its word tokens, document (t,) the position of each token's document in the
        corpus, rising; chances (t, 2) of that document to be kept by the threshold and by the weights."""
        if not len(self.types):
            return
        place = np.minimum(np.searchsorted(self.types, keys), len(self.types) - 1)
        hit = self.types[place] == keys
        # Each type once per document; one integer sorts far faster than pairs.
        codes, first = np.unique((place[hit] << DOCUMENT_BITS) | document[hit], return_index=True)
        which, where = codes >> DOCUMENT_BITS, codes & ((1 << DOCUMENT_BITS) - 1)
        if not len(which):
            return
        with np.errstate(divide="ignore"):
            np.add.at(self.missed, which, np.log1p(-chances[hit][first]))
        starts = np.flatnonzero(np.concatenate(([True], which[1:] != which[:-1])))
        rank = np.arange(len(which)) - np.repeat(starts, np.diff(np.append(starts, len(which))))
        slot = self.found[which] + rank
        room = slot <= CARRIERS
        self.carriers[which[room], slot[room]] = where[room]
        np.add.at(self.found, which, 1)

    def carried(self) -> tuple[np.ndarray, np.ndarray]:
        """Documents that carry scarce types: positions (m,) rising, and how many types, each divided among its
        carriers (m,). They are at most CARRIERS for each type, however large the corpus."""
        rows, slots = np.nonzero(self.carriers >= 0)
        scarce = self.found[rows] <= CARRIERS
        rows, slots = rows[scarce], slots[scarce]
        where, which = np.unique(self.carriers[rows, slots], return_inverse=True)
        return where, np.bincount(which, weights=1 / self.found[rows], minlength=len(where))

    def retention(self, carriers: np.ndarray, protected: np.ndarray) -> dict[str, float | None]:
        """Expected share of the rare types that stand in the corpus which survive each choice.

        Documents are drawn independently with their weight as chance: a type survives with 1 - prod(1 - w). With the
        protected weights a type of more than CARRIERS documents survives at least as often as without protection.

        Parameters: carriers (m,) of `carried`; protected (m,) their weights
        """
        there = self.found > 0
        if not there.any():
            return dict.fromkeys(CHOICES, None)
        alive = -np.expm1(self.missed)
        scarce = there & (self.found <= CARRIERS)
        held = self.carriers[scarce]
        at = np.minimum(np.searchsorted(carriers, held), max(len(carriers) - 1, 0))
        gone = np.where(held >= 0, 1 - protected[at], 1.0).prod(1) if scarce.any() else np.zeros(0)
        safer = alive[:, 1].copy()
        safer[scarce] = 1 - gone
        kept = (np.ones(len(alive)), alive[:, 0], alive[:, 1], safer)
        return {name: float(share[there].mean()) for name, share in zip(CHOICES, kept, strict=True)}


def tail_shares(held: np.ndarray, words: np.ndarray, weights: np.ndarray, total: float) -> np.ndarray:
    """Each carrier's share (m,) in [0, 1] of the tail: what its weight must not fall below; all others' is 0.

    The scarce types that it carries, each divided among its carriers, per word, relative to the mean of the documents
    as weighted: 1 where it is as rich as human text on average, 0 where nothing would be lost with it. Without this
    grading, nearly every document of a small corpus would be the only carrier of something, and none could be left out.

    Parameters: held (m,) of `carried`; words, weights (m,) of the carriers; total: weighted words of all documents
    """
    mean = float(weights @ held) / total if total else 0.0
    return np.minimum(held / np.maximum(words, 1) / mean, 1.0) if mean > 0 else np.zeros(len(held))


def human_weights(probability: np.ndarray) -> np.ndarray:
    """Chance (n,) in [0, 1] to draw each document so that what is drawn is distributed like the human part.

    Importance resampling with the density ratio p(x | human) / p(x) = P(human | x) / P(human), scaled so that its
    largest is 1. What was not measured (nan) keeps weight 1: it is unknown, not machine-written.

    References: Rubin 1988 (SIR); Xie et al. 2023, DSIR, eq. 2
    """
    return np.where(np.isfinite(probability), np.clip(1 - probability, 0.0, 1.0), 1.0)
