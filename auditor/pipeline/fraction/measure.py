"""The synthetic fraction of every scope: anchors gathered, one fit over the shards, every other scope from that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.config import Config
from auditor.estimate.fraction.anchors import Anchors
from auditor.estimate.fraction.bundled import with_bundled
from auditor.estimate.fraction.checks.placebo import Placebo, run_placebo
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.evidence import FEW_SHARDS, Evidence
from auditor.estimate.fraction.prevalence import (
    Prevalence,
    PrevalenceOptions,
    ScopePrevalence,
    estimate_prevalence,
    estimate_scopes,
)
from auditor.estimate.fraction.review import estimate_from_labels
from auditor.estimate.fraction.unread_shards import over_unread
from auditor.pipeline.documents.score_counts import SCORE_BIN, cell_weights, count_scores
from auditor.pipeline.documents.view import SCOPES, large_scopes
from auditor.pipeline.fraction.anchors import DATED, dated_anchors, drop_overlaps, labelled_anchors, reference_anchors
from auditor.pipeline.run.plan import AI, HUMAN
from auditor.records import Estimate, Finding
from auditor.store.database import query

# Smaller scopes are in the shards' figures; each estimated scope costs memory and a reader's time.
LEAST_DOCUMENTS = {"language": 1, "topic": 20, "category": 1, "host": 100, "year": 1, "length": 1}
MOST_SCOPES = {"language": 50, "topic": 100, "category": 100, "host": 50, "year": 100, "length": 10}
LABELS = "labels.parquet"
MOST_PARTS = 24
PART_KINDS = {"year": 200, "topic": 200, "host": 200}  # in this order, with this many documents each


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """Everything known about the synthetic fraction: by shard, by stratum, and what it rests on."""

    evidence: Evidence
    prevalence: Prevalence
    strata: dict[str, ScopePrevalence]
    counts: dict[str, ScoreCounts]
    dropped: dict[str, int]
    dated_reason: str | None
    placebo: Placebo | None
    from_labels: dict[str, Estimate]

    @property
    def findings(self) -> list[Finding]:
        """What the estimators noticed: anchors that disagree, dated text that does not come out as human."""
        return [*self.prevalence.findings, *(self.placebo.findings if self.placebo else ())]


def read_labels(run: Path) -> pl.DataFrame | None:
    """People's labels of a run (shard, row, label), None where nobody labelled."""
    path = run / LABELS
    return pl.read_parquet(path) if path.exists() else None


def measure_synthetic(
    connection: Any,
    config: Config,
    shards: Sequence[str],
    bundled: Anchors,
    labels: pl.DataFrame | None = None,
    *,
    listed: int | None = None,
    today: date | None = None,
) -> Synthetic:
    """Estimate the fraction of the corpus, of each shard and of every large enough stratum.

    Parameters: shards, their names in order; bundled, the calibration that ships with the detectors; listed, how many
        shards the corpus has where only these were read; today, after which no document can have been written
    """
    rng = np.random.default_rng([config.seed, 5])
    options = PrevalenceOptions(level=config.level)
    dropped = drop_overlaps(connection)
    dated, dated_reason = dated_anchors(connection, config, today)
    target = count_scores(connection, SCOPES["shard"], scopes=shards)
    human = (*labelled_anchors(connection, labels, target), *reference_anchors(connection, HUMAN), *dated)
    evidence = Evidence(
        target,
        human,
        tuple(reference_anchors(connection, AI)),
        cell_weights(connection),
        _parts(connection, len(shards)),
    )
    anchors = with_bundled(evidence.human, evidence.machine, bundled)
    found = estimate_prevalence(target, anchors, rng, options=options, cells=evidence.cells, parts=evidence.parts)
    if listed is not None:
        found = replace(found, corpus=over_unread(found.corpus, found.shards, target, listed, rng, options=options))
    placebo = None
    if dated:
        years = count_scores(connection, SCOPES["year"], where=DATED)
        placebo = run_placebo(years, Anchors((), anchors.machine, anchors.prior), rng, options=options)
    strata, counts = {}, {"shard": target}
    for kind in LEAST_DOCUMENTS:
        names = large_scopes(connection, kind, least=LEAST_DOCUMENTS[kind], most=MOST_SCOPES[kind])
        if not names:
            continue
        counts[kind] = count_scores(connection, SCOPES[kind], scopes=names, where=_among(kind, names))
        if found.fit is not None:
            strata[kind] = estimate_scopes(found.fit, counts[kind], rng, options=options)
    from_labels = _by_labels(connection, labels, target, found, config.level)
    return Synthetic(evidence, found, strata, counts, dropped, dated_reason, placebo, from_labels)


def estimates_of(scope: ScopePrevalence, place: int) -> dict[str, Estimate]:
    """The quantities of one scope, by their names in report.json."""
    return {
        "synthetic_fraction": scope.documents[place],
        "synthetic_fraction_tokens": scope.tokens[place],
        "synthetic_fraction_pooled": scope.pooled[place],
        "synthetic_fraction_lower_bound": scope.lower_bounds[place],
    }


def _among(kind: str, names: Sequence[str]) -> str:
    """A condition that keeps the named scopes only."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return f"({SCOPES[kind]}) IN ({listed})" if names else "false"


def _parts(connection: Any, shards: int) -> ScoreCounts | None:
    """The corpus cut otherwise where it has few shards: it takes parts that differ to tell two densities apart."""
    if shards >= FEW_SHARDS:
        return None
    for kind, least in PART_KINDS.items():
        names = large_scopes(connection, kind, least=least, most=MOST_PARTS)
        if len(names) >= FEW_SHARDS:
            return count_scores(connection, SCOPES[kind], scopes=names, where=_among(kind, names))
    return None


def _by_labels(
    connection: Any, labels: pl.DataFrame | None, target: ScoreCounts, found: Prevalence, level: float
) -> dict[str, Estimate]:
    """The corpus' fractions from people's labels, which assume no model of the scores."""
    if labels is None or not labels.height:
        return {}
    rows = query(
        connection,
        f"""SELECT {SCORE_BIN} AS bin, l.label FROM docs d JOIN labelled l USING (shard, row)
            WHERE role = 'corpus' AND eligible AND score IS NOT NULL ORDER BY d.shard, d.row""",
    )
    posterior = found.corpus.posterior[0]
    histogram = target.pooled("corpus").histogram[0]
    return estimate_from_labels(histogram, posterior, rows["bin"].to_numpy(), rows["label"].to_numpy(), level=level)
