"""Excerpts of a run's retained sample for its reports: redacted, and only where someone asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from auditor.errors import ConfigError
from auditor.manifest import read_json
from auditor.pipeline.report.render import render_again
from auditor.pipeline.run.parts import scan
from auditor.pipeline.run.plan import CORPUS
from auditor.pipeline.run.reopen import open_database, read_report
from auditor.pipeline.run.retained import note_copy
from auditor.pipeline.run.run import load_run
from auditor.reports.render.write import write_reports
from auditor.reports.text.redact import redact
from auditor.run_columns import SAMPLE
from auditor.store.database import query

SHOWN = {"reads most like machine text here": 8, "reads most like human text here": 4}
SECTION = "excerpts"


def with_excerpts(report: dict[str, Any], run: Path) -> dict[str, Any]:
    """The report with redacted beginnings of retained documents: of both ends of the scores, and of clusters.

    A run that retained no text has none to show, and its report stays as it is.
    """
    texts = _retained(run)
    known = {(shard, row): text for shard, row, text in texts.select("shard", "row", "text").iter_rows()}
    clusters = dict(report.get("clusters") or {})
    clusters["largest"] = [_told(cluster, known) for cluster in clusters.get("largest", [])]
    if not texts.height:
        return report
    found = [_shown(finding, known) for finding in report.get("findings", [])]
    return report | {SECTION: _ends(texts), "clusters": clusters, "findings": found}


def render_with_excerpts(run: Path, formats: Sequence[str], out: Path) -> list[Path]:
    """Write the named formats with excerpts; RUN/report.json stays as it is unless it is itself named.

    Raises: ConfigError where the run has retained no text
    """
    report = with_excerpts(read_report(run), run)
    if not report.get(SECTION):
        raise ConfigError(f"{run} has retained no text (--retain none, or it was forgotten): there is nothing to quote")
    written = render_again(run, formats, out, report=report)
    for path in written:
        note_copy(run, path)
    return written


def forget_excerpts(run: Path) -> bool:
    """Write RUN's reports again without excerpts, where they hold any."""
    path = run / "report.json"
    report = read_json(path) if path.exists() else {}
    clusters = report.get("clusters", {}).get("largest", [])
    documents = [
        place
        for finding in report.get("findings", [])
        for place in (finding.get("evidence") or {}).get("documents", [])
        if place.get("excerpt")
    ]
    if not report.get(SECTION) and not documents and not any(_places(cluster, quoted=True) for cluster in clusters):
        return False
    for place in documents:
        place["excerpt"] = None
    for cluster in clusters:
        for place in _places(cluster):
            place["excerpt"] = None
    written = [kind for kind in ("json", "html", "md") if (run / f"report.{kind}").exists()]
    write_reports(report | {SECTION: []}, run, written)
    return True


def _retained(run: Path) -> pl.DataFrame:
    """Retained documents that have a score: shard, row, doc_id, text, score, probability; the lowest score first."""
    plan = load_run(run).plan
    tasks = plan.of_role(CORPUS)
    found = scan(run, tasks, "sample", SAMPLE).filter(pl.col("score").is_not_null()).collect()
    found = found.unique("stable_id", keep="first", maintain_order=True)
    with open_database(run) as connection:
        chances = query(connection, "SELECT shard, row, probability FROM documents WHERE eligible")
    columns = ("shard", "row", "doc_id", "text", "score", "probability")
    return found.join(chances, on=["shard", "row"]).select(columns).sort("score", "shard", "row")


def _ends(texts: pl.DataFrame) -> list[dict[str, Any]]:
    machine, human = (min(shown, texts.height // 2) for shown in SHOWN.values())
    ends = (texts.tail(machine).reverse(), texts.head(human))
    return [
        {
            "shard": row["shard"],
            "row": row["row"],
            "doc_id": row["doc_id"] or "",
            "excerpt": redact(row["text"]),
            "probability": row["probability"],
            "why": why,
        }
        for why, end in zip(SHOWN, ends, strict=True)
        for row in end.iter_rows(named=True)
    ]


def _shown(finding: dict[str, Any], known: dict[tuple[str, int], str]) -> dict[str, Any]:
    """A finding whose documents carry what is retained of them."""
    evidence = finding.get("evidence") or {}
    if not isinstance(evidence.get("documents"), list):
        return finding
    documents = [
        place | {"excerpt": redact(known[place["shard"], place["row"]])}
        if (place["shard"], place["row"]) in known
        else place
        for place in evidence["documents"]
    ]
    return finding | {"evidence": evidence | {"documents": documents}}


def _told(cluster: dict[str, Any], known: dict[tuple[str, int], str]) -> dict[str, Any]:
    """A cluster whose representative and members carry what is retained of them."""

    def told(place: dict[str, Any]) -> dict[str, Any]:
        text = known.get((place["shard"], place["row"]))
        return place if text is None else place | {"excerpt": redact(text)}

    first = cluster.get("representative")
    return cluster | {
        "representative": told(first) if first else first,
        "members": [told(member) for member in cluster.get("members", [])],
    }


def _places(cluster: dict[str, Any], *, quoted: bool = False) -> list[dict[str, Any]]:
    places = [place for place in (cluster.get("representative"), *cluster.get("members", [])) if place]
    return [place for place in places if place.get("excerpt")] if quoted else places
