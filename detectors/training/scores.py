"""Scores of all documents by models that saw nothing of their family, on one scale with the shipped models.

Every model is aligned by the same human documents, the twins of the held-out mirrors, which none has seen: what scores
0 under one model scores 0 under all. Locations and spreads over the out-of-family scores then hold for the shipped
model too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.detectors.calibration_file import Combination
from auditor.detectors.first.ngrams import Ngrams
from auditor.detectors.first.two_heads import HEADS, OFFSETS, soft_maximum
from auditor.detectors.training.calibration import A_CELL, spread
from auditor.detectors.training.data.families import FOLDS
from auditor.detectors.training.data.mixtures import balanced
from auditor.detectors.training.fold_models import ALL, Material, Weights
from auditor.text.batch import TextBatch

STYLE_SHARE = 0.35  # of the style heads beside the n-gram heads, both in human units
LEAST_SPREAD = 1e-6
FEWEST = 20  # human documents that a language needs for a scale


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Location and spread (heads,) of human text under a model."""

    centre: np.ndarray
    spread: np.ndarray

    def of(self, raw: np.ndarray) -> np.ndarray:
        """Raw scores (n, heads) in human units."""
        return (raw - self.centre) / self.spread

    def after(self, other: Scale) -> Scale:
        """This scale applied after the other, as one scale."""
        return Scale(other.centre + other.spread * self.centre, other.spread * self.spread)


@dataclass(frozen=True, slots=True, eq=False)
class EnglishScores:
    """Out-of-family joint heads (n, heads) and score (n,), and by model what it needs to score alike."""

    heads: np.ndarray
    score: np.ndarray
    members: dict[str, np.ndarray]  # name -> (n,)
    grams: dict[int, Scale]
    style: dict[int, Scale]
    earlier_scales: dict[int, tuple[float, float]]
    combinations: tuple[Combination, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OtherScores:
    """The same for other languages; grams: language and model -> scale."""

    heads: np.ndarray
    score: np.ndarray
    grams: dict[str, dict[int, Scale]]
    combinations: dict[str, list[Combination]]


def english_scores(given: Material, weights: dict[int, Weights]) -> EnglishScores:
    """Scores (n,) of English documents, each by models that saw nothing of its family, and their scales."""
    frame = given.corpus.frame
    reference, fold = reference_documents(frame), frame["fold"].to_numpy()
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
    anchors, parts, scales_of = human_anchors(frame), [], []
    for scores in (raw, style):
        aligning = {model: scale_of(values[reference]) for model, values in scores.items()}
        out = out_of_family(scores, aligning, fold)
        human = scale_of(out[anchors])
        parts.append(human.of(out))
        scales_of.append({model: human.after(own) for model, own in aligning.items()})
    both = combine(("ngrams", "stylometry"), (1.0, STYLE_SHARE), parts, anchors, OFFSETS["en"])
    alone = combine(("ngrams",), (1.0,), parts[:1], anchors, OFFSETS["en"])
    members = dict(zip(both.members, parts, strict=True))
    single = {name: soft_maximum(part) for name, part in members.items()}
    heads, score, (grams, styles) = both.heads(members), both.score(members), scales_of
    return EnglishScores(heads, score, single, grams, styles, scales, (both, alone))


def other_scores(given: Material, weights: dict[int, Weights]) -> OtherScores:
    """The same for documents in other languages."""
    frame = given.corpus.frame
    if not len(frame):
        return OtherScores(np.zeros((0, HEADS)), np.zeros(0), {}, {})
    reference = reference_documents(frame)
    raw = {model: _raw(given, own["recent"], own["earlier"]) for model, own in weights.items()}
    aligning = {model: scale_of(values[reference]) for model, values in raw.items()}
    out = out_of_family(raw, aligning, frame["fold"].to_numpy())
    anchors, language = human_anchors(frame), frame["language"].to_numpy()
    joint, score = np.full((len(frame), HEADS), np.nan), np.full(len(frame), np.nan)
    grams: dict[str, dict[int, Scale]] = {}
    combinations: dict[str, list[Combination]] = {}
    for name in sorted(set(language)):
        own = language == name
        if (own & anchors).sum() < FEWEST:
            continue
        human = scale_of(out[own & anchors])
        joint[own] = human.of(out[own])
        grams[name] = {model: human.after(scale) for model, scale in aligning.items()}
        combination = combine(("ngrams",), (1.0,), [joint[own]], anchors[own], OFFSETS.get(name, OFFSETS[""]))
        combinations[name] = [combination]
        score[own] = combination.score({"ngrams": joint[own]})
    return OtherScores(joint, score, grams, combinations)


def combine(
    members: tuple[str, ...], shares: tuple[float, ...], parts: list[np.ndarray], anchors: np.ndarray, offset: float
) -> Combination:
    """The combination of members' heads, (n, heads) each, scaled by anchors (n,) bool."""
    joint = np.sum([share * part for share, part in zip(shares, parts, strict=True)], axis=0)
    scale = scale_of(joint[anchors])
    score = soft_maximum(scale.of(joint[anchors]), offset)
    centre, width = (tuple(np.round(values, 6).tolist()) for values in (scale.centre, scale.spread))
    return Combination(
        members, shares, centre, width, offset, round(float(np.median(score)), 6), round(spread(score), 6)
    )


def out_of_family(raw: dict[int, np.ndarray], aligning: dict[int, Scale], fold: np.ndarray) -> np.ndarray:
    """(n, heads) aligned scores of each document by the model of its fold."""
    out = np.full(raw[ALL].shape, np.nan)
    for model in range(FOLDS):
        out[fold == model] = aligning[model].of(raw[model][fold == model])
    return out


def scale_of(values: np.ndarray) -> Scale:
    """Median and spread of scores (n, heads); a head that learned nothing, all of whose scores are 0, has spread 1."""
    widths = np.array([spread(column) for column in values.T])
    return Scale(np.median(values, axis=0), np.where(widths < LEAST_SPREAD, 1.0, widths))


def reference_documents(frame: pl.DataFrame) -> np.ndarray:
    """(n,) bool: the human documents that align models; all of them where there are no held-out mirrors."""
    chosen = (frame["reference"] & frame["licensed"]).to_numpy()
    return chosen if chosen.sum() >= FEWEST else human_anchors(frame)


def human_anchors(frame: pl.DataFrame) -> np.ndarray:
    """(n,) bool: licensed human documents, capped by cell and language."""
    human = frame.select((pl.col("label") == "human") & pl.col("licensed")).to_series().to_numpy()
    return human & balanced(frame, A_CELL, ("cell", "language", "label"))


def earlier_table(own: Weights, scales: tuple[float, float]) -> np.ndarray:
    """(2, 2^BITS) both tables for earlier models' text, each over its own spread."""
    return own["earlier"] / scales[0] + own["paired"] / scales[1]


def _raw(given: Material, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n, 2) raw scores by two tables (2, 2^BITS)."""
    batch = given.corpus.batch
    spoken = TextBatch(batch.text, batch.offsets, batch.tokens, pl.Series(["en"] * len(batch)))
    return np.nan_to_num(Ngrams.of(np.stack([first, second])[None], {"en": 0}).heads(spoken))
