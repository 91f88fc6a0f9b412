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
from auditor.estimate.anchors import HUMAN_BEFORE, Anchors, AnchorSet, Trust
from auditor.estimate.counts import ScoreCounts
from auditor.estimate.placebo import Placebo, run_placebo
from auditor.estimate.prevalence import (
    Prevalence,
    PrevalenceOptions,
    ScopePrevalence,
    estimate_prevalence,
    estimate_scopes,
)
from auditor.estimate.review import estimate_from_labels, label_anchors
from auditor.estimate.sampled import over_unread
from auditor.pipeline.evidence import CELL, SCOPES, SCORE_BIN, cell_weights, count_scores, large_scopes, register
from auditor.pipeline.plan import AI, HUMAN
from auditor.records import Estimate, Finding
from auditor.store.database import query

# Smaller scopes are in the shards' figures; each estimated scope costs memory and a reader's time.
LEAST_DOCUMENTS = {"language": 1, "topic": 20, "category": 1, "host": 100, "year": 1, "length": 1}
MOST_SCOPES = {"language": 50, "topic": 100, "category": 100, "host": 50, "year": 100, "length": 10}
DATED = f"date < DATE '{HUMAN_BEFORE}' AND date > DATE '1990-01-01'"
FEWEST_DATED = 50
LABELS = "labels.parquet"
FEW_SHARDS, MOST_PARTS = 4, 24
PART_KINDS = {"year": 200, "topic": 200, "host": 200}  # in this order, with this many documents each
MOST_ABSURD = 0.01  # dates in the future or before the web; more, and the column is not believed at all
ONE_DAY = 0.98  # so many documents of one date are a date of processing, not of writing


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Score counts that the fit rests on, kept with the audit so that it can be fitted together with another.

    target: by shard; human, machine: the audit's own anchors (bundled ones come with the detectors); cells: documents
    by language x length; parts: the corpus cut otherwise where it has few shards
    """

    target: ScoreCounts
    human: tuple[AnchorSet, ...]
    machine: tuple[AnchorSet, ...]
    cells: dict[str, float]
    parts: ScoreCounts | None


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
    dropped = _drop_overlaps(connection)
    dated, dated_reason = _dated(connection, config, today)
    target = count_scores(connection, SCOPES["shard"], scopes=shards)
    human = (*_labelled(connection, labels, target), *_reference(connection, HUMAN), *dated)
    evidence = Evidence(
        target, human, tuple(_reference(connection, AI)), cell_weights(connection), _parts(connection, len(shards))
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


def with_bundled(human: Sequence[AnchorSet], machine: Sequence[AnchorSet], bundled: Anchors) -> Anchors:
    """An audit's own anchors, and those that ship with the detectors."""
    return Anchors((*human, *bundled.human), (*machine, *bundled.machine), bundled.prior)


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


def _dated(connection: Any, config: Config, today: date | None) -> tuple[list[AnchorSet], str | None]:
    """The corpus' own documents from before November 2022, unless the dates cannot be dates of the texts."""
    if not config.dated_anchors:
        return [], "switched off"
    rows = query(
        connection,
        f"""WITH days AS (
                SELECT date, count(*) AS n FROM docs WHERE role = 'corpus' AND date IS NOT NULL GROUP BY date)
            SELECT count(*), coalesce(sum(n) FILTER ({DATED}), 0), coalesce(max(n), 0), coalesce(sum(n), 0),
                   coalesce(sum(n) FILTER (date > ? OR date < DATE '1990-01-01'), 0)
            FROM days""",
        [today or date.max],
    )
    dates, oldest, most, n, absurd = (int(value) for value in rows.row(0))
    if not n:
        return [], "no document has a date"
    if absurd > MOST_ABSURD * n:
        return [], f"{absurd / n:.0%} of the dates are in the future or before 1990: no evidence of age"
    if oldest < FEWEST_DATED:
        return [], f"only {oldest} documents are dated before {HUMAN_BEFORE}"
    if dates < 3 or most > ONE_DAY * n:
        return [], "almost all documents bear one date: a date of processing, not of writing"
    counts = count_scores(connection, CELL, where=DATED)
    return [AnchorSet("dated", Trust.DATED, counts)], None


def _parts(connection: Any, shards: int) -> ScoreCounts | None:
    """The corpus cut otherwise where it has few shards: it takes parts that differ to tell two densities apart."""
    if shards >= FEW_SHARDS:
        return None
    for kind, least in PART_KINDS.items():
        names = large_scopes(connection, kind, least=least, most=MOST_PARTS)
        if len(names) >= FEW_SHARDS:
            return count_scores(connection, SCOPES[kind], scopes=names, where=_among(kind, names))
    return None


def _labelled(connection: Any, labels: pl.DataFrame | None, target: ScoreCounts) -> list[AnchorSet]:
    """Human anchors from people's labels, weighed by how the labelled documents were drawn."""
    if labels is None or not labels.height:
        return []
    register(connection, "labelled", labels.select("shard", "row", "label").unique())
    asked = "(shard, row) IN (SELECT (shard, row) FROM labelled)"
    human = "(shard, row) IN (SELECT (shard, row) FROM labelled WHERE label = 'human')"
    counted, found = (count_scores(connection, "'corpus'", where=where) for where in (asked, human))
    return [label_anchors(target.pooled("corpus"), counted, found)] if found.sizes.sum() else []


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
