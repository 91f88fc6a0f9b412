"""Anchors of a run: references, dated documents and people's labels."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from auditor.config import Config
from auditor.estimate.fraction.anchors import HUMAN_BEFORE, AnchorSet, Trust
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.review import label_anchors
from auditor.pipeline.documents.score_counts import CELL, count_scores
from auditor.pipeline.documents.view import register
from auditor.pipeline.run.plan import AI
from auditor.store.database import query

DATED = f"date < DATE '{HUMAN_BEFORE}' AND date > DATE '1990-01-01'"
FEWEST_DATED = 50
MOST_ABSURD = 0.01  # dates in the future or before the web; more, and the column is not believed at all
ONE_DAY = 0.98  # so many documents of one date are a date of processing, not of writing


def drop_overlaps(connection: Any) -> dict[str, int]:
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


def reference_anchors(connection: Any, role: str) -> list[AnchorSet]:
    where = "stable_id NOT IN (FROM dropped)"
    counts = count_scores(connection, CELL, role=role, where=where)
    if not counts.sizes.sum():
        return []
    return [AnchorSet("reference", Trust.REFERENCE, counts, "known-ai" if role == AI else "")]


def dated_anchors(connection: Any, config: Config, today: date | None) -> tuple[list[AnchorSet], str | None]:
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


def labelled_anchors(connection: Any, labels: pl.DataFrame | None, target: ScoreCounts) -> list[AnchorSet]:
    """Human anchors from people's labels, weighed by how the labelled documents were drawn."""
    if labels is None or not labels.height:
        return []
    register(connection, "labelled", labels.select("shard", "row", "label").unique())
    asked = "(shard, row) IN (SELECT (shard, row) FROM labelled)"
    human = "(shard, row) IN (SELECT (shard, row) FROM labelled WHERE label = 'human')"
    counted, found = (count_scores(connection, "'corpus'", where=where) for where in (asked, human))
    return [label_anchors(target.pooled("corpus"), counted, found)] if found.sizes.sum() else []
