"""Scores in human units: 0 is the median of human text of a document's kinds and length, 1 half its 16-84% distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.detectors.first.kinds import SoftKinds
from auditor.detectors.interface import UNSPACED

BANDS = (150.0, 250.0, 450.0, 900.0)  # words
CENTRES = (120.0, 195.0, 335.0, 640.0, 1200.0)  # of the bands; between them the length term is linear in log words
TOKENS_A_WORD = 1.7  # characters that say as much as a word in languages without spaces


@dataclass(frozen=True, slots=True)
class LengthTerm:
    """Location and log-scale of human text, in units of its kind, at lengths of CENTRES words."""

    location: tuple[float, ...]
    log_scale: tuple[float, ...]

    def at(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both (n,) at lengths (n,) in words, constant beyond the first and last centre."""
        place, known = np.log(np.maximum(words, 1.0)), np.log(CENTRES)
        return np.interp(place, known, self.location), np.interp(place, known, self.log_scale)


@dataclass(frozen=True, slots=True, eq=False)
class KindTable:
    """Location and log-scale (k,) of human scores by kind."""

    names: tuple[str, ...]
    location: np.ndarray
    log_scale: np.ndarray

    def units(self, scores: np.ndarray, memberships: np.ndarray) -> np.ndarray:
        """(n,) scores in units of the kinds that share each document, memberships (n, k)."""
        return (scores - memberships @ self.location) / np.exp(memberships @ self.log_scale)

    def soft_units(self, scores: np.ndarray, kinds: SoftKinds) -> np.ndarray:
        """(n,) the same from the nearest kinds; a document without a kind keeps its score."""
        known = kinds.places >= 0
        location = (np.where(known, self.location[kinds.places], 0.0) * kinds.weights).sum(1)
        log_scale = (np.where(known, self.log_scale[kinds.places], 0.0) * kinds.weights).sum(1)
        return (scores - location) / np.exp(log_scale)


def standard_words(words: np.ndarray, languages: np.ndarray) -> np.ndarray:
    """(n,) float64: lengths in words; in languages without spaces, the equivalent of their tokens in words."""
    return np.where(np.isin(languages.astype(str), UNSPACED), words / TOKENS_A_WORD, words).astype(float)
