"""Linear models over measures of style and their products: words, sentences, punctuation, richness, rarity.

Two heads as in `ngrams`; products of two measures let a habit count in one style and not in another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from auditor.detectors.first import style_measures
from auditor.detectors.first.two_heads import HEADS, shares_of, soft_maximum
from auditor.detectors.interface import Description, Evidence, Obstacle
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel

MODELS = Path(__file__).parents[1] / "models"
FILE = "stylometry.json"
MINIMUM_WORDS = 60
FAR = 5.0  # a measure counts for at most this many standard deviations

DESCRIPTION = Description(
    "stylometry",
    "3",
    "two linear models over measures of style and their products",
    languages=frozenset({"en"}),
    minimum_words=MINIMUM_WORDS,
    cost=14.0,
)


@dataclass(frozen=True, slots=True, eq=False)
class Stylometry:
    """The detector: centre, spread (measures,) of the training texts, weights (heads, measures and products) float32.

    centres, spreads (heads,): what a head gives human text
    """

    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    centres: np.ndarray
    spreads: np.ndarray
    description: Description = DESCRIPTION

    @property
    def single(self) -> np.ndarray:
        """(heads, m) float64: the weights of the measures themselves."""
        return self.weights[:, : len(self.centre)].astype(np.float64)

    @property
    def twofold(self) -> np.ndarray:
        """(heads, m, m) float64: the weights of products of two measures, in the upper triangle."""
        m = len(self.centre)
        out = np.zeros((len(self.weights), m, m))
        out[:, *np.triu_indices(m)] = self.weights[:, m:] * np.float32(0.5)
        return out

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32 in human units; NaN where too short or not in English."""
        return soft_maximum(self.heads(batch)).astype(np.float32)

    def heads(self, batch: TextBatch) -> np.ndarray:
        """(n, heads) float64 in units of human text; NaN where the detector does not apply."""
        out = np.full((len(batch), HEADS), np.nan)
        rows = np.flatnonzero(self.description.applies(batch))
        if len(rows):
            standard = self.standard(style_measures.measures(batch)[rows]).astype(np.float64)
            raw = np.empty((len(rows), HEADS))
            weigh(standard, self.single, self.twofold, raw)
            out[rows] = (raw - self.centres) / self.spreads
        return out

    def standard(self, measures: np.ndarray) -> np.ndarray:
        """Measures (n, m) in standard deviations of the training texts."""
        return np.clip((measures - self.centre) / self.spread, -FAR, FAR)

    def explain(self, text: str, *, most: int = 8, weights: tuple[float, float] | None = None) -> list[Evidence]:
        """The measures that moved the score most, a product counting half for either; they belong to the whole text.

        weights: of the two heads, in units of the score; without any those of `soft_maximum` at this text
        """
        batch = TextBatch.of(pl.Series([text], dtype=pl.String))
        shares = weights or tuple(shares_of(self.heads(batch)[0]))
        values = products(self.standard(style_measures.measures(batch)))[0]
        moved = values * (self.weights.T @ (np.array(shares) / self.spreads))
        first, second = np.triu_indices(len(self.centre))
        single, products_of_two = moved[: len(self.centre)].copy(), moved[len(self.centre) :] / 2
        np.add.at(single, first, products_of_two)
        np.add.at(single, second, products_of_two)
        order = np.argsort(-np.abs(single))[:most]
        return [Evidence("stylometry", style_measures.NAMES[k], float(single[k])) for k in order]


def products(standard: np.ndarray) -> np.ndarray:
    """Measures (n, m) in standard deviations, and the halved products of every two (n, m + m (m + 1) / 2), float32."""
    first, second = np.triu_indices(standard.shape[1])
    standard = standard.astype(np.float32)
    return np.hstack([standard, standard[:, first] * standard[:, second] * np.float32(0.5)])


@kernel
def weigh(standard, single, twofold, out):
    """What `products` times the weights is, without the products in memory.

    standard (n, m), single (heads, m), twofold (heads, m, m) upper triangles -> out (n, heads), all float64
    """
    heads, size = single.shape
    partial = np.empty(size)
    for d in range(standard.shape[0]):
        own = standard[d]
        for h in range(heads):
            partial[:] = single[h]
            for i in range(size):  # column sums: a vector operation, whose order of additions is fixed
                for j in range(size):
                    partial[j] += twofold[h, i, j] * own[i]
            total = 0.0
            for j in range(size):
                total += partial[j] * own[j]
            out[d, h] = total


def obstacle() -> Obstacle | None:
    """Why the detector cannot be used here; None if its weights are installed."""
    if (MODELS / FILE).is_file():
        return None
    return Obstacle("its weights are missing", "auditor detectors train --data DIR")


def load(path: str | None = None) -> Stylometry:
    """The shipped model, or one that `auditor detectors train` left in another folder."""
    file = (Path(path) if path else MODELS) / FILE
    try:
        stored = json.loads(file.read_text("utf-8"))
        if tuple(stored["measures"]) != style_measures.NAMES:
            raise ValueError("its measures are of another version")
        return Stylometry(
            np.array(stored["centre"], np.float32),
            np.array(stored["spread"], np.float32),
            np.array(stored["weights"], np.float32),
            np.array(stored["centres"], np.float64),
            np.array(stored["spreads"], np.float64),
        )
    except (OSError, ValueError, KeyError) as error:
        raise DetectorError(f"{file}: no model of style there ({error}); run auditor detectors train") from None
