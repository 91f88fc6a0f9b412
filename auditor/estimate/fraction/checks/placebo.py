"""Placebo: documents from before machine text, estimated as if they were new, must come out as human."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.estimate.fraction.anchors import HUMAN_BEFORE, Anchors, AnchorSet
from auditor.estimate.fraction.counts import GROUPS, ScoreCounts
from auditor.estimate.fraction.domain_shift import Trust
from auditor.estimate.fraction.prevalence import estimate_prevalence
from auditor.estimate.fraction.scopes import PrevalenceOptions
from auditor.records import Estimate, Finding, Severity

FEWEST = 100
MOST_SLICES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Placebo:
    """One estimate for each dated slice; a lower bound above 0 is a failure and a finding."""

    slices: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return not self.findings


def run_placebo(
    dated: ScoreCounts, anchors: Anchors, rng: np.random.Generator, *, options: PrevalenceOptions = PrevalenceOptions()
) -> Placebo:
    """Estimate every slice (year) of documents from before HUMAN_BEFORE with the other slices as human anchors.

    Cross-fitted by year and by host: half of the resampling groups of one year is the target, the other half of the
    groups of all other years the anchors, so that neither a year nor a host is ever among its own anchors. Slices
    with fewer than FEWEST documents go with their neighbour; with one slice left nothing can be tested.
    """
    years = _slices(dated)
    if len(years.scopes) < 2:
        reason = f"needs two dated slices of {FEWEST} documents from before {HUMAN_BEFORE}"
        return Placebo(years.scopes, tuple(Estimate.not_measured(reason) for _ in years.scopes), ())
    rows = np.arange(len(years.scopes))
    estimates, findings = [], []
    for i, year in enumerate(years.scopes):
        halves = np.arange(GROUPS) % 2 == i % 2
        target = _only(years.take([i]), halves)
        human = AnchorSet(f"placebo without {year}", Trust.DATED, _only(years.take(rows[rows != i]).pooled(), ~halves))
        found = estimate_prevalence(target, Anchors((human,), anchors.machine, anchors.prior), rng, options=options)
        estimate = found.shards.documents[0]
        estimates.append(estimate)
        if (estimate.lower or 0) > 0:
            message = f"documents of {year} come out as {estimate.value:.1%} machine-written, though none can be"
            advice = "the human anchors differ from the corpus: give matched ones, or distrust differences of this size"
            findings.append(
                Finding("placebo_failed", Severity.WARNING, "year", year, message, advice, estimate=estimate)
            )
    return Placebo(years.scopes, tuple(estimates), tuple(findings))


def _slices(dated: ScoreCounts) -> ScoreCounts:
    """Neighbouring years joined until each slice has FEWEST documents and there are at most MOST_SLICES."""
    wanted = max(FEWEST, dated.sizes.sum() / MOST_SLICES)
    joined, names, rows = ScoreCounts.empty([]), [], []
    order = np.argsort(dated.scopes)
    for i in order:
        names.append(dated.scopes[i])
        rows.append(i)
        if dated.sizes[rows].sum() >= wanted:
            label = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
            joined, names, rows = joined + dated.take(rows).pooled(label), [], []
    if rows and dated.sizes[rows].sum() >= FEWEST:
        label = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
        joined = joined + dated.take(rows).pooled(label)
    return joined


def _only(counts: ScoreCounts, groups: np.ndarray) -> ScoreCounts:
    """Counts of some resampling groups (GROUPS,) bool."""
    documents, tokens = np.zeros_like(counts.documents), np.zeros_like(counts.tokens)
    documents[:, groups], tokens[:, groups] = counts.documents[:, groups], counts.tokens[:, groups]
    return ScoreCounts(counts.scopes, documents, tokens, counts.unscored)
