"""The measured quantities in the shape of report.json: what the store keeps and every report derives from."""

from __future__ import annotations

from typing import Any

import numpy as np

from auditor.estimate.fraction.counts import BINS
from auditor.pipeline.fraction.measure import Synthetic
from auditor.run_columns import HIGHEST, LOWEST

HISTOGRAMS = 12
ESTIMAND = (
    "The share of eligible documents (in a language that the detectors were measured in, of at least {words} words) "
    "whose text is wholly or mostly machine-generated. Documents that are not eligible are not measured, never counted "
    "as human. Duplicates count as documents; a cluster of near-duplicates is one unit of resampling. Text that no "
    "detector can tell from human text is in no upper bound."
)


def anchor_rows(synthetic: Synthetic) -> list[dict[str, Any]]:
    """The anchors of report.json: origin, how many, used and dropped, why not."""
    rows = []
    for use in synthetic.prevalence.anchors:
        role = "human" if use.kind == "human" else "ai"
        given = use.origin == "reference"
        rows.append(
            {
                "kind": use.kind,
                "origin": use.origin,
                "scope": "kind of text" if use.matched_share else "all",
                "documents": use.documents + (synthetic.dropped.get(role, 0) if given else 0),
                "used": use.used,
                "dropped": synthetic.dropped.get(role, 0) if given else 0,
                "reason": use.reason or None,
                "effective": use.effective,
                "matched_share": use.matched_share,
                "distance": use.distance,
            }
        )
    bundled = synthetic.anchors.calibration.documents
    rows.append(
        {
            "kind": "human",
            "origin": "bundled",
            "scope": "kind of text",
            "documents": bundled,
            "used": bundled,
            "dropped": 0,
            "reason": "places each kind of text before anything of this corpus is known",
            "effective": 0.0,
            "matched_share": 0.0,
            "distance": 0.0,
        }
    )
    if synthetic.dated_reason:
        rows.append(
            {
                "kind": "human",
                "origin": "dated",
                "scope": "corpus",
                "documents": 0,
                "used": 0,
                "dropped": 0,
                "reason": synthetic.dated_reason,
            }
        )
    return rows


CHECKS = {
    "rogan_gladen": "Rogan-Gladen with the interval of Lang and Reiczigel, at one threshold",
    "human_side": "from the human side alone: how much of the low scores is missing",
    "generator_free": "a lower bound that needs no machine anchors (DKW band)",
}


def sensitivity(synthetic: Synthetic) -> dict[str, Any]:
    """How sure the fraction is: placebo slices, other estimators on the same scores, the fit."""
    slices = []
    if synthetic.placebo is not None:
        sizes = dict.fromkeys(synthetic.placebo.slices, 0)
        for name, estimate in zip(synthetic.placebo.slices, synthetic.placebo.estimates, strict=True):
            sizes[name] = estimate.n
            covers = (estimate.lower or 0.0) <= 0
            slices.append({"name": name, "documents": sizes[name], "estimate": estimate, "covers_zero": covers})
    checks = {**synthetic.prevalence.checks}
    if "synthetic_fraction" in synthetic.from_labels:
        checks["people's labels"] = synthetic.from_labels["synthetic_fraction"]
    misfit = synthetic.prevalence.corpus.misfit
    return {
        "placebo": slices,
        "cross_checks": [
            {"name": name, "estimate": estimate, "words": CHECKS.get(name, "")} for name, estimate in checks.items()
        ],
        "fit": {
            "excess": float(misfit[0]),
            "words": "total-variation distance from the fitted mixture beyond what "
            "sampling and the anchors' own domains explain",
            "bins": fit_bins(synthetic),
        }
        if len(misfit)
        else None,
        "histograms": shard_histograms(synthetic),
    }


def fit_bins(synthetic: Synthetic, most: int = 24, *, shard: int | None = None) -> list[dict[str, float]]:
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
        {
            "lower": LOWEST + width * float(first),
            "upper": LOWEST + width * float(last),
            "observed": float(seen_share),
            "human": float(human_part),
            "machine": float(machine_part),
        }
        for first, last, seen_share, human_part, machine_part in rows
    ]


def shard_histograms(synthetic: Synthetic, most: int = HISTOGRAMS) -> list[dict[str, Any]]:
    """Scores of the shards with the highest lower bounds, beside the fitted human and machine parts."""
    shards = synthetic.prevalence.shards
    lower = [e.lower if e.lower is not None else -1.0 for e in shards.documents]
    worst = sorted(range(len(lower)), key=lambda place: -lower[place])[:most]
    rows = [{"scope_kind": "shard", "scope": shards.scopes[i], "bins": fit_bins(synthetic, shard=i)} for i in worst]
    return [row for row in rows if row["bins"]]
