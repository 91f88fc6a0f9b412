"""Diversity of the corpus and of each shard, and what was lost against human text: spectra gathered and compared."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from auditor import streams
from auditor.config import Config
from auditor.estimate.diversity.divergence import measure_drift
from auditor.estimate.diversity.lost import LostDiversity, lost_diversity
from auditor.estimate.diversity.lost_general import lost_words
from auditor.estimate.diversity.lost_reference import NO_REFERENCE
from auditor.estimate.diversity.lost_tail import lost_types, stage
from auditor.estimate.diversity.measure import STANDARD_TOKENS, Diversity, measure_diversity, measure_spectrum
from auditor.estimate.diversity.spectrum import Body
from auditor.estimate.fraction.counts import BINS, EDGES
from auditor.estimate.fraction.prevalence import ScopePrevalence
from auditor.pipeline.diversity.reference import Reference
from auditor.pipeline.diversity.results import ScopeDrift
from auditor.records import Estimate
from auditor.run_columns import SCORE_BINS, WORD
from auditor.sketch.types import known_words, subtract

# Draws of the human documents, combined by Rubin's rules; each costs as much as the loss itself.
DRAWS = 5
MISSING = 15  # words that the corpus lost most of, to be named
NAMED = ("en", "de", "fr", "es", "it", "pt", "nl", "ru", "pl")
COARSE = np.searchsorted(SCORE_BINS, (EDGES[:-1] + EDGES[1:]) / 2)  # coarse score bin of each fine one


@dataclass(frozen=True, slots=True, eq=False)
class Richness:
    """The diversity of one scope: words, bigrams and trigrams; general: see results.ScopeLoss."""

    diversity: Diversity
    loss: LostDiversity
    drift: ScopeDrift
    general: Estimate | None = None


def compare(
    text: Body,
    extra: pl.DataFrame | None,
    reference: Reference,
    synthetic: np.ndarray | None,
    rng: np.random.Generator,
    level: float,
    *,
    known: Diversity | None = None,
    many: bool = False,
) -> Richness:
    """One scope's diversity, and what it lost against a reference.

    Parameters: extra, the spectrum of documents that repeat others; synthetic, of `bin_probabilities`; known, its
        diversity where that is measured; many, whether the reference is compared with many scopes
    """
    collapsed = text if extra is None else Body(subtract(text.frame, extra))
    diversity = measure_diversity(text, level=level) if known is None else known
    loss = lost_diversity(
        text, reference.text, collapsed=collapsed, synthetic=synthetic, rng=rng, level=level, many=many
    )
    general = None if reference.law is None else lost_words(text, reference.law, level=level)
    found = stage(loss.words.q0, loss.words.q2, loss.tail_retention)
    drift = measure_drift(text, reference.text, rng=rng, level=level)
    described = ScopeDrift(drift.divergence, drift.p_value, found.name, found.evidence, reference.said)
    return Richness(diversity, loss, described, general)


def measure_corpus(
    text: Body,
    extra: pl.DataFrame | None,
    config: Config,
    prevalence: ScopePrevalence,
    reference: Reference,
    *,
    alone: Richness | None = None,
) -> Richness:
    """Diversity of the whole corpus.

    Parameters: text, its shards added up; extra, the spectrum of documents that repeat others; alone, the results of
        its only shard
    """
    rng = streams.rng(config.seed, "diversity of the corpus")
    synthetic = bin_probabilities(prevalence, 0, DRAWS)
    return compare(text, extra, reference, synthetic, rng, config.level, known=alone.diversity if alone else None)


def bin_probabilities(prevalence: ScopePrevalence, place: int, draws: int) -> np.ndarray | None:
    """(draws, coarse bins): P(machine | score bin) of one scope, a row for each of some of its replicates.

    A replicate's fraction moves the posterior odds of every fine bin; coarse bins average over their documents.
    """
    posterior, replicates = prevalence.posterior[place], prevalence.replicates
    if not len(replicates) or not np.isfinite(posterior).all():
        return None
    chosen = replicates[np.linspace(0, len(replicates) - 1, draws).astype(int), place]
    centre = np.clip(np.median(replicates[:, place]), 1e-4, 1 - 1e-4)
    likelihood_ratio = _odds(posterior) / _odds(np.array(centre))
    weight = prevalence.histogram[place].astype(float) + 1e-9
    out = np.empty((draws, len(SCORE_BINS) + 1))
    for row, fraction in zip(out, np.clip(chosen, 1e-6, 1 - 1e-6), strict=True):
        odds = likelihood_ratio * _odds(np.array(fraction))
        p = odds / (1 + odds)
        row[:] = np.bincount(COARSE, weights=weight * p, minlength=len(row)) / np.bincount(
            COARSE, weights=weight, minlength=len(row)
        )
    assert len(weight) == BINS
    return out


@dataclass(frozen=True, slots=True)
class ProfilePoint:
    """The Hill number of one order, of the corpus and of the reference."""

    q: int
    corpus: Estimate
    reference: Estimate


@dataclass(frozen=True, slots=True)
class MissingWord:
    """A word that the corpus lost: its frequency per million tokens on either side, what is left, z of the
    difference."""

    name: str
    reference: float
    corpus: float
    retained: float
    z: float


def profile(corpus: Richness, text: Body, reference: Reference, *, level: float) -> tuple[str, list[ProfilePoint]]:
    """The diversity of the corpus beside the reference's, both at the size of the smaller one, and what that is."""
    size = min(STANDARD_TOKENS, text.tokens, reference.tokens or STANDARD_TOKENS)
    same = size == STANDARD_TOKENS
    own = corpus.diversity.words if same else measure_spectrum(text.whole(WORD), tokens=size, level=level)
    other = None if reference.text is None else measure_spectrum(reference.text.whole(WORD), tokens=size, level=level)
    absent = Estimate.not_measured(NO_REFERENCE)
    points = [
        ProfilePoint(order, getattr(own, f"q{order}"), getattr(other, f"q{order}") if other else absent)
        for order in (0, 1, 2)
    ]
    said = f"{reference.said}, both at {size:,} words" if other else reference.said
    return said, points


def missing_words(text: Body, reference: Reference, names: pl.DataFrame) -> list[MissingWord]:
    """The words of the reference that the corpus lost most of, per million tokens; names, those that have one."""
    if reference.text is None:
        return []
    lost = lost_types(text, reference.text, names=names, most=4 * MISSING)
    named = lost.drop_nulls("word").filter(pl.col("retained") < 1).head(MISSING)
    scale, own = 1e6 / max(reference.tokens, 1), 1e6 / max(text.tokens, 1)
    return [
        MissingWord(row["word"], row["reference_count"] * scale, row["shard_count"] * own, row["retained"], row["z"])
        for row in named.to_dicts()
    ]


def named_words(languages: Collection[str]) -> pl.DataFrame:
    """Words that can be named, by type key: those of languages with a word list, or else all."""
    return _named_words(tuple(name for name in NAMED if name in languages) or NAMED)


@cache
def _named_words(languages: tuple[str, ...]) -> pl.DataFrame:
    return known_words(languages).sort("type")


def _odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return p / (1 - p)
