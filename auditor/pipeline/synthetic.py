"""The synthetic fraction of every scope: anchors gathered, one fit over the shards, every other scope from that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from auditor.config import Config
from auditor.estimate.anchors import HUMAN_BEFORE, Anchors, AnchorSet, Trust
from auditor.estimate.counts import ScoreCounts
from auditor.estimate.prevalence import (
    Prevalence,
    PrevalenceOptions,
    ScopePrevalence,
    estimate_prevalence,
    estimate_scopes,
)
from auditor.pipeline.evidence import CELL, SCOPES, cell_weights, count_scores, large_scopes
from auditor.pipeline.plan import AI, HUMAN
from auditor.records import Estimate
from auditor.store.database import query

# Smaller scopes are in the shards' figures; each estimated scope costs memory and a reader's time.
LEAST_DOCUMENTS = {"language": 1, "topic": 20, "host": 100, "year": 1, "length": 1}
MOST_SCOPES = {"language": 50, "topic": 100, "host": 50, "year": 100, "length": 10}
DATED = f"date < DATE '{HUMAN_BEFORE}' AND date > DATE '1990-01-01'"
FEWEST_DATED = 50
ONE_DAY = 0.98  # so many documents of one date are a date of processing, not of writing


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """Everything known about the synthetic fraction: by shard, by stratum, and what it rests on."""

    prevalence: Prevalence
    strata: dict[str, ScopePrevalence]
    counts: dict[str, ScoreCounts]
    dropped: dict[str, int]
    dated_reason: str | None


def measure_synthetic(
    connection: Any, config: Config, shards: Sequence[str], bundled: Anchors, labels: pl.DataFrame | None = None
) -> Synthetic:
    """Estimate the fraction of the corpus, of each shard and of every large enough stratum.

    Parameters: shards, their names in order; bundled, the calibration that ships with the detectors
    """
    rng = np.random.default_rng([config.seed, 5])
    options = PrevalenceOptions(level=config.level)
    dropped = _drop_overlaps(connection)
    dated, dated_reason = _dated(connection, config)
    human = [*_labelled(connection, labels, "human"), *_reference(connection, HUMAN), *dated, *bundled.human]
    machine = [*_labelled(connection, labels, "ai"), *_reference(connection, AI), *bundled.machine]
    target = count_scores(connection, SCOPES["shard"], scopes=shards)
    anchors = Anchors(tuple(human), tuple(machine), bundled.prior)
    found = estimate_prevalence(target, anchors, rng, options=options, cells=cell_weights(connection))
    strata, counts = {}, {"shard": target}
    for kind in LEAST_DOCUMENTS:
        names = large_scopes(connection, kind, least=LEAST_DOCUMENTS[kind], most=MOST_SCOPES[kind])
        if not names:
            continue
        counts[kind] = count_scores(connection, SCOPES[kind], scopes=names, where=_among(kind, names))
        if found.fit is not None:
            strata[kind] = estimate_scopes(found.fit, counts[kind], rng, options=options)
    return Synthetic(found, strata, counts, dropped, dated_reason)


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


def _drop_overlaps(connection: Any) -> dict[str, int]:
    """Mark the references' documents that also stand in the corpus: they are no independent witnesses."""
    connection.execute(
        """CREATE TEMP TABLE dropped AS
           SELECT DISTINCT r.stable_id FROM docs r JOIN docs c
           ON r.content_1 = c.content_1 AND r.content_2 = c.content_2
           WHERE r.role <> 'corpus' AND c.role = 'corpus'
           UNION SELECT document FROM near_references"""
    )
    rows = query(connection, "SELECT role, count(*) AS n FROM docs WHERE stable_id IN (FROM dropped) GROUP BY role")
    return dict(rows.iter_rows())


def _reference(connection: Any, role: str) -> list[AnchorSet]:
    where = "stable_id NOT IN (FROM dropped)"
    counts = count_scores(connection, CELL, role=role, where=where)
    if not counts.sizes.sum():
        return []
    return [AnchorSet("reference", Trust.REFERENCE, counts, "known-ai" if role == AI else "")]


def _dated(connection: Any, config: Config) -> tuple[list[AnchorSet], str | None]:
    """The corpus' own documents from before November 2022, unless the dates cannot be dates of the texts."""
    if not config.dated_anchors:
        return [], "switched off"
    rows = query(
        connection,
        f"""WITH days AS (
                SELECT date, count(*) AS n FROM docs WHERE role = 'corpus' AND date IS NOT NULL GROUP BY date)
            SELECT count(*), coalesce(sum(n) FILTER ({DATED}), 0), coalesce(max(n), 0), coalesce(sum(n), 0)
            FROM days""",
    )
    dates, oldest, most, n = (int(value) for value in rows.row(0))
    if not n:
        return [], "no document has a date"
    if oldest < FEWEST_DATED:
        return [], f"only {oldest} documents are dated before {HUMAN_BEFORE}"
    if dates < 3 or most > ONE_DAY * n:
        return [], "almost all documents bear one date: a date of processing, not of writing"
    counts = count_scores(connection, CELL, where=DATED)
    return [AnchorSet("dated", Trust.DATED, counts)], None


def _labelled(connection: Any, labels: pl.DataFrame | None, label: str) -> list[AnchorSet]:
    if labels is None or not labels.height:
        return []
    chosen = labels.filter(pl.col("label") == label).select("shard", "row").unique()
    connection.register("_labelled", chosen.to_arrow())
    where = "(shard, row) IN (SELECT (shard, row) FROM _labelled)"
    counts = count_scores(connection, CELL, where=where)
    connection.unregister("_labelled")
    return [AnchorSet("label", Trust.LABELS, counts)] if counts.sizes.sum() else []
