"""The measured quantities in the shape of report.json: what the store keeps and every report derives from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from auditor.estimate.fraction.counts import BINS
from auditor.pipeline.fraction.deep_estimate import CrossCheck
from auditor.pipeline.fraction.measure import Synthetic
from auditor.records import Estimate, Json
from auditor.run_columns import HIGHEST, LOWEST

HISTOGRAMS = 12
ESTIMAND = (
    "The share of eligible documents (in a language that the detectors were measured in, of at least {words} words) "
    "whose text is wholly or mostly machine-generated. Documents that are not eligible are not measured, never counted "
    "as human. Duplicates count as documents; a cluster of near-duplicates is one unit of resampling. Text that no "
    "detector can tell from human text is in no upper bound."
)


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """One set of known documents: how many, used and dropped, and why not; a row of `anchors` in report.json.

    effective, matched_share, distance: see estimate.fraction.anchors.AnchorUse; None where it matches nothing
    """

    kind: str
    origin: str
    scope: str
    documents: int
    used: int
    dropped: int
    reason: str | None
    effective: float | None = None
    matched_share: float | None = None
    distance: float | None = None

    def as_json(self) -> Json:
        """The row without fields that are None, except `reason`."""
        row = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in row.items() if value is not None or name == "reason"}


def anchor_rows(synthetic: Synthetic) -> list[AnchorRow]:
    """The anchors of report.json: those given, those that ship with the detectors, and dates that are not believed."""
    rows = []
    for use in synthetic.prevalence.anchors:
        role = "human" if use.kind == "human" else "ai"
        dropped = synthetic.dropped.get(role, 0) if use.origin == "reference" else 0
        scope = "kind of text" if use.matched_share else "all"
        matched = use.effective, use.matched_share, use.distance
        rows.append(
            AnchorRow(
                use.kind, use.origin, scope, use.documents + dropped, use.used, dropped, use.reason or None, *matched
            )
        )
    bundled = synthetic.anchors.calibration.documents
    why = "places each kind of text before anything of this corpus is known"
    rows.append(AnchorRow("human", "bundled", "kind of text", bundled, bundled, 0, why, 0.0, 0.0, 0.0))
    if synthetic.dated_reason:
        rows.append(AnchorRow("human", "dated", "corpus", 0, 0, 0, synthetic.dated_reason))
    return rows


CHECKS = {
    "rogan_gladen": "Rogan-Gladen with the interval of Lang and Reiczigel, at one threshold",
    "human_side": "from the human side alone: how much of the low scores is missing",
    "generator_free": "a lower bound that needs no machine anchors (DKW band)",
}
FIT = "total-variation distance from the fitted mixture beyond what sampling and the anchors' own domains explain"


@dataclass(frozen=True, slots=True)
class PlaceboSlice:
    """Documents known to be human, estimated as if nobody knew; covers_zero: whether the interval reaches zero."""

    name: str
    documents: int
    estimate: Estimate
    covers_zero: bool


@dataclass(frozen=True, slots=True)
class FitBin:
    """Shares of the documents between two scores: observed, and the fitted human and machine parts."""

    lower: float
    upper: float
    observed: float
    human: float
    machine: float


@dataclass(frozen=True, slots=True)
class Fit:
    """How well the mixture fits the corpus' scores; excess: what neither sampling nor the anchors explain."""

    excess: float
    words: str
    bins: list[FitBin]


@dataclass(frozen=True, slots=True)
class Histogram:
    """The scores of one scope beside the fitted parts."""

    scope_kind: str
    scope: str
    bins: list[FitBin]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How reliable the fraction is: `sensitivity` of report.json."""

    placebo: list[PlaceboSlice]
    cross_checks: list[CrossCheck]
    fit: Fit | None
    histograms: list[Histogram]


def sensitivity(synthetic: Synthetic, more: Sequence[CrossCheck] = ()) -> Sensitivity:
    """Placebo slices, other estimators on the same scores, the fit.

    Parameters: more, cross-checks that rest on other scores (the deep sample)
    """
    slices = []
    if synthetic.placebo is not None:
        for name, e in zip(synthetic.placebo.slices, synthetic.placebo.estimates, strict=True):
            slices.append(PlaceboSlice(name, e.n, e, (e.lower or 0.0) <= 0))
    checks = {**synthetic.prevalence.checks}
    if "synthetic_fraction" in synthetic.from_labels:
        checks["people's labels"] = synthetic.from_labels["synthetic_fraction"]
    misfit = synthetic.prevalence.corpus.misfit
    fit = Fit(float(misfit[0]), FIT, fit_bins(synthetic)) if len(misfit) else None
    cross_checks = [CrossCheck(name, estimate, CHECKS.get(name, "")) for name, estimate in checks.items()]
    return Sensitivity(slices, [*cross_checks, *more], fit, shard_histograms(synthetic))


def fit_bins(synthetic: Synthetic, most: int = 24, *, shard: int | None = None) -> list[FitBin]:
    """Observed scores beside the fitted human and machine parts, as shares in score bins of one width.

    shard: the position of one shard; None is the whole corpus
    """
    scopes, place = (synthetic.prevalence.corpus, 0) if shard is None else (synthetic.prevalence.shards, shard)
    observed = scopes.histogram[place]
    if not synthetic.prevalence.posteriors or not observed.any():
        return []
    seen = np.flatnonzero(observed)
    total = observed.sum()
    columns = (observed / total, scopes.fitted_human[place] / total, scopes.fitted_machine[place] / total)
    starts = np.arange(seen[0], seen[-1] + 1, -(-(seen[-1] + 1 - seen[0]) // most))
    edges = np.append(starts, 2 * starts[-1] - starts[-2] if len(starts) > 1 else starts[-1] + 1)
    rows = zip(starts, edges[1:], *(np.add.reduceat(column, starts) for column in columns), strict=True)
    width = (HIGHEST - LOWEST) / BINS
    return [
        FitBin(LOWEST + width * float(first), LOWEST + width * float(last), *map(float, shares))
        for first, last, *shares in rows
    ]


def shard_histograms(synthetic: Synthetic, most: int = HISTOGRAMS) -> list[Histogram]:
    """Scores of the shards with the highest lower bounds, beside the fitted human and machine parts."""
    shards = synthetic.prevalence.shards
    lower = [e.lower if e.lower is not None else -1.0 for e in shards.documents]
    worst = sorted(range(len(lower)), key=lambda place: -lower[place])[:most]
    rows = [Histogram("shard", shards.scopes[i], fit_bins(synthetic, shard=i)) for i in worst]
    return [row for row in rows if row.bins]
