"""Scores of all documents by models that saw nothing of their family, on one scale with the shipped models.

Every model is aligned by the same human documents, the twins of the held-out mirrors, which none has seen: what scores
0 under one model scores 0 under all. Locations and spreads over the out-of-family scores then hold for the shipped
model too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.detectors.first.ngrams import Ngrams
from auditor.detectors.first.two_heads import HEADS, OFFSETS, soft_maximum
from auditor.detectors.first_tier import Combination
from auditor.detectors.training.calibration import A_CELL, spread
from auditor.detectors.training.families import FOLDS
from auditor.detectors.training.fold_models import ALL, Material, Weights
from auditor.detectors.training.mixtures import balanced
from auditor.text.batch import TextBatch

STYLE_SHARE = 0.35  # of the style heads beside the n-gram heads, both in human units
FEWEST = 20  # human documents, below which a language has no scale


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Raw scores of one kind of head by every model, aligned: out-of-family scores (n, heads), and the shipped model's
    location and spread (heads,) of the aligning documents."""

    out: np.ndarray
    centre: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class EnglishScores:
    """Out-of-family joint heads (n, heads) and score (n,), and what the shipped models need to score alike."""

    heads: np.ndarray
    score: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    style_centre: np.ndarray
    style_spread: np.ndarray
    combinations: tuple[Combination, ...]
    earlier_scales: tuple[float, float]

    def earlier_table(self, own: Weights) -> np.ndarray:
        """(2, 2^BITS) the shipped table of the head `earlier`."""
        return earlier_table(own, self.earlier_scales)


@dataclass(frozen=True, slots=True, eq=False)
class OtherScores:
    """The same for other languages: joint (n, heads), score (n,); heads: language -> centre and spread (heads,)."""

    joint: np.ndarray
    score: np.ndarray
    heads: dict[str, tuple[np.ndarray, np.ndarray]]
    combinations: dict[str, list[Combination]]


def english_scores(given: Material, weights: dict[int, Weights]) -> EnglishScores:
    frame = given.corpus.frame
    reference = (frame["reference"] & frame["licensed"]).to_numpy()
    fold = frame["fold"].to_numpy()
    raw: dict[int, np.ndarray] = {}
    scales: dict[int, tuple[float, float]] = {}
    for model, own in weights.items():
        pair = _raw(given, own["earlier"], own["paired"])[reference]
        scales[model] = spread(pair[:, 0]), spread(pair[:, 1])
        raw[model] = _raw(given, own["recent"], earlier_table(own, scales[model]))
    assert given.products is not None
    style = {
        model: given.products @ np.stack([own["recent_style"], own["earlier_style"]], 1).astype(np.float64)
        for model, own in weights.items()
    }
    grams, styles = align(raw, fold, reference), align(style, fold, reference)
    anchors = human_anchors(frame)
    parts, shipped = [], []
    for aligned in (grams, styles):
        centre, width = _scale(aligned.out[anchors])
        parts.append((aligned.out - centre) / width)
        shipped.append((aligned.centre + aligned.spread * centre, aligned.spread * width))
    both = combine(("ngrams", "stylometry"), (1.0, STYLE_SHARE), parts, anchors, OFFSETS["en"])
    alone = combine(("ngrams",), (1.0,), parts[:1], anchors, OFFSETS["en"])
    members = dict(zip(both.members, parts, strict=True))
    return EnglishScores(
        both.heads(members), both.score(members), *shipped[0], *shipped[1], (both, alone), scales[ALL]
    )


def other_scores(given: Material, weights: dict[int, Weights]) -> OtherScores:
    frame = given.corpus.frame
    reference = (frame["reference"] & frame["licensed"]).to_numpy()
    raw = {model: _raw(given, own["recent"], own["earlier"]) for model, own in weights.items()}
    aligned = align(raw, frame["fold"].to_numpy(), reference)
    anchors, language = human_anchors(frame), frame["language"].to_numpy()
    joint, score = np.full((len(frame), HEADS), np.nan), np.full(len(frame), np.nan)
    heads: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    combinations: dict[str, list[Combination]] = {}
    for name in sorted(set(language)):
        own = language == name
        if (own & anchors).sum() < FEWEST:
            continue
        centre, width = _scale(aligned.out[own & anchors])
        joint[own] = (aligned.out[own] - centre) / width
        heads[name] = (aligned.centre + aligned.spread * centre, aligned.spread * width)
        combination = combine(("ngrams",), (1.0,), [joint[own]], anchors[own], OFFSETS[""])
        combinations[name] = [combination]
        score[own] = combination.score({"ngrams": joint[own]})
    return OtherScores(joint, score, heads, combinations)


def combine(
    members: tuple[str, ...], shares: tuple[float, ...], parts: list[np.ndarray], anchors: np.ndarray, offset: float
) -> Combination:
    """The combination of members' heads (n, heads) each, its scales those of anchors (n,) bool."""
    joint = sum(share * part for share, part in zip(shares, parts, strict=True))
    centre, width = _scale(joint[anchors])
    score = soft_maximum((joint[anchors] - centre) / width, offset)
    numbers = [tuple(np.round(values, 6).tolist()) for values in (centre, width)]
    return Combination(
        members, shares, *numbers, offset, round(float(np.median(score)), 6), round(spread(score), 6)
    )


def align(raw: dict[int, np.ndarray], fold: np.ndarray, reference: np.ndarray) -> Aligned:
    """Raw scores (n, heads) by model: each by the location and spread of the reference documents (n,) bool under it."""
    out = np.full(raw[ALL].shape, np.nan)
    for model in range(FOLDS):
        own = fold == model
        centre, width = _scale(raw[model][reference])
        out[own] = (raw[model][own] - centre) / width
    return Aligned(out, *_scale(raw[ALL][reference]))


def human_anchors(frame: pl.DataFrame) -> np.ndarray:
    """(n,) bool: licensed human documents, at most so many of a cell and language."""
    human = frame.select((pl.col("label") == "human") & pl.col("licensed")).to_series().to_numpy()
    return human & balanced(frame, A_CELL, ("cell", "language", "label"))


def earlier_table(own: Weights, scales: tuple[float, float]) -> np.ndarray:
    """(2, 2^BITS) both tables of earlier models' text, each in its own spread."""
    return own["earlier"] / scales[0] + own["paired"] / scales[1]


def _raw(given: Material, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n, 2) raw scores by two tables (2, 2^BITS)."""
    batch = given.corpus.batch
    spoken = TextBatch(batch.text, batch.offsets, batch.tokens, pl.Series(["en"] * len(batch)))
    return np.nan_to_num(Ngrams.of(np.stack([first, second])[None], {"en": 0}).heads(spoken))


def _scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread (heads,) of scores (n, heads)."""
    return np.median(values, axis=0), np.array([spread(column) for column in values.T])
