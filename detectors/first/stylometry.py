"""A linear model over measures of style: words, sentences, punctuation, richness, rarity; see `style`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from auditor.detectors.first import style_measures
from auditor.detectors.interface import Description, Evidence, Obstacle
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

MODELS = Path(__file__).parents[1] / "models"
FILE = "stylometry.json"
MINIMUM_WORDS = 60
FAR = 5.0  # a measure counts at most so many standard deviations

DESCRIPTION = Description(
    "stylometry",
    "2",
    "linear model over measures of style",
    languages=frozenset({"en"}),
    minimum_words=MINIMUM_WORDS,
    cost=14.0,
)


@dataclass(frozen=True, slots=True)
class Stylometry:
    """The detector: centre, spread and weights (measures,) float32, and an intercept."""

    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    intercept: float
    description: Description = DESCRIPTION

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32, a logit; NaN where too short or not in English."""
        scores = self.standard(style_measures.measures(batch)) @ self.weights + np.float32(self.intercept)
        return np.where(self.description.applies(batch), scores, np.nan).astype(np.float32)

    def standard(self, measures: np.ndarray) -> np.ndarray:
        """Measures (n, m) in standard deviations of the training texts."""
        return np.clip((measures - self.centre) / self.spread, -FAR, FAR)

    def explain(self, text: str, *, most: int = 8) -> list[Evidence]:
        """The measures that moved the score most; they belong to the whole text."""
        moved = (
            self.standard(style_measures.measures(TextBatch.of(pl.Series([text], dtype=pl.String)))) * self.weights
        )[0]
        order = np.argsort(-np.abs(moved))[:most]
        return [Evidence("stylometry", style_measures.NAMES[k], float(moved[k])) for k in order]


def obstacle() -> Obstacle | None:
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
        centre, spread, weights = (np.array(stored[name], np.float32) for name in ("centre", "spread", "weights"))
    except (OSError, ValueError, KeyError) as error:
        raise DetectorError(f"{file}: no model of style there ({error}); run auditor detectors train") from None
    return Stylometry(centre, spread, weights, stored["intercept"])
