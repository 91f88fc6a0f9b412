"""The synthetic fraction: share of eligible documents wholly or mostly machine-written, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from auditor.estimate.anchors import Anchors, AnchorUse, chosen, matched
from auditor.estimate.counts import BINS, ScoreCounts
from auditor.estimate.mixing import draw_fractions, likeliest_fractions, machine_probability, realised_fractions
from auditor.estimate.mixture import Fit, fit_densities
from auditor.records import LEVEL, Estimate, Finding, Status
from auditor.statistics.intervals import shortest_interval

ESTIMAND = (
    "share of eligible documents (supported language, at least 100 words) whose text is wholly or mostly "
    "machine-generated; machine text that no detector can tell from human text is not counted"
)
METHOD = "joint_mixture"
CORPUS = "corpus"
NO_ANCHORS = "no human anchors: give --human-reference, a date column, or people's labels"
NO_MIXED = "the score tells human from machine text only; partly machine-written text needs its own labelled scores"


@dataclass(frozen=True, slots=True)
class PrevalenceOptions:
    """level of all intervals; draws of the replicates; bins of the fit; an interval wider than `widest` is no figure."""

    level: float = LEVEL
    draws: int = 400
    bins: int = 24
    widest: float = 0.20


@dataclass(frozen=True, slots=True, eq=False)
class ScopePrevalence:
    """Figures of several scopes from one fit, in the order of `scopes`.

    documents, tokens: each scope by itself; pooled: drawn towards the other shards where they are alike (labelled
    method "partial_pooling"); lower_bounds: need no machine anchors; posterior (scopes, BINS): P(machine | score bin);
    replicates, token_replicates (draws, scopes): draw d shares its densities with draw d of every other scope
    """

    scopes: tuple[str, ...]
    documents: tuple[Estimate, ...]
    tokens: tuple[Estimate, ...]
    pooled: tuple[Estimate, ...]
    lower_bounds: tuple[Estimate, ...]
    misfit: np.ndarray
    posterior: np.ndarray
    replicates: np.ndarray
    token_replicates: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Prevalence:
    """The corpus, its shards, and what they rest on. fit is None where nothing could be measured."""

    corpus: ScopePrevalence
    shards: ScopePrevalence
    fit: Fit | None
    anchors: tuple[AnchorUse, ...]
    checks: Mapping[str, Estimate] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    mixed: Estimate = field(default_factory=lambda: Estimate.not_measured(NO_MIXED))


def estimate_prevalence(
    target: ScoreCounts,
    anchors: Anchors,
    rng: np.random.Generator,
    *,
    options: PrevalenceOptions = PrevalenceOptions(),
    cells: dict[str, float] | None = None,
) -> Prevalence:
    """Estimate the synthetic fraction of every scope of the target (its shards) and of them all.

    cells: documents of the corpus by language x length cell, to match anchors whose scopes are such cells
    """
    used, uses = chosen(anchors, cells)
    if not used or target.sizes.sum() == 0:
        reason = NO_ANCHORS if target.sizes.sum() else "no eligible document has a score"
        nothing = _not_measured(target, reason)
        return Prevalence(_not_measured(target.pooled(CORPUS), reason), nothing, None, tuple(uses))
    human = sum(matched(a.counts, cells)[0] for a in used)
    machine = np.stack([a.counts.histogram.sum(0) for a in anchors.machine]) if anchors.machine else np.ones((1, BINS))
    fit = fit_densities(target.documents, human, machine, rng, draws=options.draws, bins=options.bins)
    shards = estimate_scopes(fit, target, rng, options=options)
    corpus = estimate_scopes(fit, target.pooled(CORPUS), rng, options=options)
    return Prevalence(corpus, shards, fit, tuple(uses))


def estimate_scopes(
    fit: Fit, counts: ScoreCounts, rng: np.random.Generator, *, options: PrevalenceOptions = PrevalenceOptions()
) -> ScopePrevalence:
    """Figures of other scopes (languages, topics, hosts, years, length bands) from the densities of one fit."""
    documents, tokens = fit.runs(counts.histogram), fit.runs(counts.token_histogram)
    draws, scopes = len(fit.human), len(counts.scopes)
    flat = np.ones(draws)
    uniforms = rng.random((draws, scopes))
    fractions = draw_fractions(documents / fit.design_effect, fit.human, fit.machine, flat, flat, uniforms)
    replicates, token_replicates = np.empty((draws, scopes)), np.empty((draws, scopes))
    for d in range(draws):
        p = machine_probability(fractions[d], fit.human[d], fit.machine[d])
        replicates[d] = realised_fractions(documents, documents, p, rng)
        token_replicates[d] = realised_fractions(documents, tokens, p, rng)
    h, f = fit.human.mean(0), fit.machine.mean(0)
    mode = likeliest_fractions(documents.astype(float), h, f)
    lengths = np.diff(np.append(fit.starts, BINS))
    posterior = np.repeat(machine_probability(mode, h, f), lengths, axis=1)
    by_document = _estimates(replicates, counts.sizes, options, METHOD)
    return ScopePrevalence(
        counts.scopes,
        by_document,
        _estimates(token_replicates, counts.sizes, options, METHOD),
        by_document,
        tuple(Estimate.not_measured("not yet") for _ in counts.scopes),
        np.zeros(scopes),
        posterior,
        replicates,
        token_replicates,
    )


def _estimates(
    draws: np.ndarray, sizes: Sequence[int], options: PrevalenceOptions, method: str
) -> tuple[Estimate, ...]:
    """One estimate for each column of draws; wide ones are inconclusive."""
    out = []
    for column, n in zip(draws.T, sizes, strict=True):
        if n == 0:
            out.append(Estimate.not_measured("no eligible document has a score", method=method, level=options.level))
            continue
        lower, upper = shortest_interval(column, level=options.level)
        value = float(np.clip(np.median(column), lower, upper))
        estimate = Estimate(value, lower, upper, options.level, method, int(n))
        if upper - lower > options.widest:
            estimate = estimate.but(Status.INCONCLUSIVE, f"the interval is wider than {options.widest:.0%}")
        out.append(estimate)
    return tuple(out)


def _not_measured(counts: ScoreCounts, reason: str) -> ScopePrevalence:
    """All figures absent, for one reason."""
    n = len(counts.scopes)
    absent = tuple(Estimate.not_measured(reason, method=METHOD, n=int(size)) for size in counts.sizes)
    empty = np.empty((0, n))
    return ScopePrevalence(
        counts.scopes, absent, absent, absent, absent, np.zeros(n), np.full((n, BINS), np.nan), empty, empty
    )
