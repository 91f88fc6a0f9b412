"""Anchors of a run: references, dated documents and people's labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from auditor.config import Config
from auditor.estimate.fraction.anchors import AnchorSet, Trust
from auditor.pipeline.documents.score_counts import KIND, count_scores
from auditor.pipeline.documents.view import register
from auditor.pipeline.run.plan import AI, CORPUS, HUMAN
from auditor.records import Finding, Severity
from auditor.run_columns import HUMAN_BEFORE
from auditor.store.database import query

DATED = f"date < DATE '{HUMAN_BEFORE}' AND date > DATE '1990-01-01'"
FEWEST_DATED = 50
MOST_ABSURD = 0.01  # share of dates in the future or before the web, above which the column is not believed at all
MOST_YOUNGER = 0.01
ONE_DAY = 0.98  # share of documents with one date, above which it is a date of processing, not of writing


INDEPENDENT = "NOT in_corpus"  # column of documents.view


def count_overlaps(connection: Any) -> dict[str, int]:
    """By role: the references' documents that also stand in the corpus, and are left out as anchors."""
    return dict(query(connection, "SELECT role, count(*) AS n FROM docs WHERE in_corpus GROUP BY role").iter_rows())


@dataclass(frozen=True, slots=True)
class KnownHuman:
    """Documents of one origin that are known to be human: where they are in the view `docs`."""

    origin: str
    trust: Trust
    role: str
    where: str


def known_human(connection: Any, dated: bool, labels: pl.DataFrame | None) -> list[KnownHuman]:
    """The sets of human documents of an audit that are not empty, the most trusted first."""
    sets = [KnownHuman("reference", Trust.REFERENCE, HUMAN, INDEPENDENT)]
    if labels is not None and labels.height:
        register(connection, "labelled", labels.select("shard", "row", "label").unique())
    if dated:
        sets.append(KnownHuman("dated", Trust.DATED, CORPUS, DATED))
    return [known for known in sets if _size(connection, known)]


def anchor_set(connection: Any, known: KnownHuman) -> AnchorSet:
    """The scores of a set of human documents in human units, by kind of text; needs the view `scored`."""
    return AnchorSet(known.origin, known.trust, count_scores(connection, KIND, role=known.role, where=known.where))


def known_machine(connection: Any) -> list[AnchorSet]:
    """The documents given by --known-ai: their scores by kind of text."""
    counts = count_scores(connection, KIND, role=AI, where=INDEPENDENT)
    return [AnchorSet("reference", Trust.REFERENCE, counts, "known-ai")] if counts.sizes.sum() else []


def _size(connection: Any, known: KnownHuman) -> int:
    condition = f"role = ? AND eligible AND score IS NOT NULL AND ({known.where})"
    return int(query(connection, f"SELECT count(*) AS n FROM docs WHERE {condition}", [known.role])["n"][0])


def dated_reason(connection: Any, config: Config, today: date | None) -> str | None:
    """Why the corpus' documents from before November 2022 are no anchors, None where they are.

    Dates can be those of the crawl, of processing, or wrong: then they say nothing about when a text was written.
    """
    if not config.dated_anchors:
        return "switched off"
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
        return "no document has a date"
    if absurd > MOST_ABSURD * n:
        return f"{absurd / n:.0%} of the dates are in the future or before 1990: no evidence of age"
    if oldest < FEWEST_DATED:
        return f"only {oldest} documents are dated before {HUMAN_BEFORE}"
    if dates < 3 or most > ONE_DAY * n:
        return "almost all documents bear one date: a date of processing, not of writing"
    return None


def younger_than_detectors(connection: Any, seen_until: str, today: date | None) -> Finding | None:
    """A warning where more than MOST_YOUNGER of the dated documents are younger than every generator that was seen.

    Parameters: seen_until, the month (YYYY-MM) of the latest generator whose text the detectors learned from
    """
    rows = query(
        connection,
        """SELECT count(*), count(*) FILTER (strftime(date, '%Y-%m') > ?)
           FROM docs WHERE role = 'corpus' AND date > DATE '1990-01-01' AND date <= ?""",
        [seen_until, today or date.max],
    )
    dated, younger = (int(value) for value in rows.row(0))
    if younger <= MOST_YOUNGER * dated:
        return None
    message = (
        f"{younger:,} of {dated:,} dated documents are from after {seen_until}, the month of the latest generator that "
        "the detectors have seen: newer models may write text that passes as human, so the share is a lower bound"
    )
    advice = "give text of the newer models as --known-ai, or update the detectors"
    evidence = {"seen_until": seen_until, "dated": dated, "younger": younger}
    return Finding("younger_than_detectors", Severity.WARNING, "corpus", "corpus", message, advice, evidence)
