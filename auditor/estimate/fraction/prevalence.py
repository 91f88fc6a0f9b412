"""The synthetic fraction: share of eligible documents wholly or mostly machine-written, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from auditor.estimate.fraction.anchors import Anchors, AnchorSet, AnchorUse, chosen, disagreement
from auditor.estimate.fraction.checks.crosschecks import (
    generator_free_bound,
    human_side_estimate,
    rogan_gladen_estimate,
)
from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.domain_shift import Trust, default_prior
from auditor.estimate.fraction.mixture import Fit, fit_densities
from auditor.estimate.fraction.scopes import PrevalenceOptions, ScopePrevalence, estimate_scopes, not_measured
from auditor.records import Estimate, Finding, Severity

ESTIMAND = (
    "share of eligible documents (supported language, at least 100 words) whose text is wholly or mostly "
    "machine-generated; machine text that no detector can tell from human text is not counted"
)
CORPUS = "corpus"
NO_ANCHORS = "no human anchors: give --human-reference, a date column, or people's labels"
NO_MIXED = "the score tells human from machine text only; partly machine-written text needs labelled rows of its own"


@dataclass(frozen=True, slots=True, eq=False)
class Prevalence:
    """The corpus, its shards, and what they rest on. fit is None where nothing could be measured.

    checks: other estimators of the corpus' fraction; mixed: the AI-assisted share, a quantity of its own
    """

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
    parts: ScoreCounts | None = None,
) -> Prevalence:
    """Estimate the synthetic fraction of every scope of the target (its shards) and of them all.

    A hierarchical mixture of score histograms: one human density, tied to the human anchors up to a residual shift; one
    machine density learned from all shards together; one fraction for each shard. Its posterior carries the sampling of
    the target and of the anchors, the residual shift, and that the generators are unknown.

    Parameters: cells: documents of the corpus by language x length cell, to match anchors whose scopes are such cells;
        parts: the same documents cut otherwise (by year, host or topic) where the shards are few or alike: densities
        are learned from these, for it takes parts that differ in their fraction to tell the two apart
    Returns: Prevalence; status "not_measured" without anchors or scores, "inconclusive" where the design is too weak
    Assumes: common densities within the cells of one call; duplicates of one document share a resampling group
    References: Katz-Samuels, Blanchard & Scott 2019 (demixing); Neal 2011 (sampler); docs/prevalence.md (measured)
    """
    used, uses = chosen(anchors, cells)
    if not used or target.sizes.sum() == 0:
        reason = NO_ANCHORS if target.sizes.sum() else "no eligible document has a score"
        corpus, shards = not_measured(target.pooled(CORPUS), reason), not_measured(target, reason)
        return Prevalence(corpus, shards, None, tuple(uses))
    machine = [a.counts.histogram.sum(0) for a in anchors.machine]
    known = sum((m for m, a in zip(machine, anchors.machine, strict=True) if a.trust < Trust.BUNDLED), np.zeros(BINS))
    fit = fit_densities(
        *(target if parts is None else parts, used, anchors.prior or default_prior(), rng),
        known=known,
        cells=cells,
        draws=options.draws,
        bins=options.bins,
    )
    shards = estimate_scopes(fit, target, rng, options=options)
    corpus = estimate_scopes(fit, target.pooled(CORPUS), rng, options=options)
    checks = _checks(fit, target, sum(machine, np.zeros(BINS)), options)
    return Prevalence(corpus, shards, fit, tuple(uses), checks, tuple(_findings(used, anchors, target)))


def _checks(fit: Fit, target: ScoreCounts, machine: np.ndarray, options: PrevalenceOptions) -> dict[str, Estimate]:
    """The corpus' fraction by other roads, from the same bins."""
    observed = fit.runs(target.histogram.sum(0)) / fit.design_effect
    return {
        "rogan_gladen": rogan_gladen_estimate(observed, fit.anchors, fit.runs(machine), level=options.level),
        "human_side": human_side_estimate(observed, fit.anchors, level=options.level),
        "generator_free": generator_free_bound(observed, fit.anchors, level=options.level),
    }


def _findings(used: list[AnchorSet], anchors: Anchors, target: ScoreCounts) -> list[Finding]:
    """What the anchors themselves give reason to doubt."""
    out = []
    trusted = min(used, key=lambda a: a.trust)
    if trusted.trust == Trust.BUNDLED:
        message = "the estimate rests on bundled human anchors of other domains"
        out.append(_finding("anchors_unmatched", Severity.WARNING, message, "give --human-reference or a date column"))
    for other in anchors.human:
        if other is trusted or other.trust == Trust.BUNDLED or not other.size:
            continue
        for clean, doubted in ((trusted, other), (other, trusted)):
            excess, noise = disagreement(clean.counts, doubted.counts)
            if excess > noise:
                message = (
                    f"{doubted.origin}: {excess:.1%} of these human anchors score higher than {clean.origin} explains "
                    f"(noise {noise:.1%})"
                )
                advice = "look at its highest scores: it holds machine text, or is of another domain"
                # a better trusted set is doubted on the word of a lesser one: that takes more than noise
                grave = doubted is other or excess > 2 * noise
                severity = Severity.WARNING if grave else Severity.NOTE
                out.append(_finding("anchors_contaminated", severity, message, advice))
    if len({a.trust for a in anchors.human if a.size and a.trust < Trust.BUNDLED}) == 1:
        message = "one human anchor set only: the estimate is the excess over what machine text that set may hold"
        out.append(_finding("anchors_unverified", Severity.NOTE, message, "a second trusted set would tell"))
    if unscored := int(target.unscored.sum()):
        message = f"{unscored} eligible documents have no finite score and are in no estimate"
        out.append(_finding("unscored", Severity.NOTE, message, "see the skips of each shard"))
    return out


def _finding(kind: str, severity: Severity, message: str, advice: str) -> Finding:
    return Finding(kind, severity, "corpus", CORPUS, message, advice)
