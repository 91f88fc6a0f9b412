"""Excerpts of a run's retained sample for its reports: redacted, and only where someone asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from auditor.errors import ConfigError
from auditor.manifest import read_json
from auditor.pipeline.report.render import render_again
from auditor.pipeline.run.parts import scan
from auditor.pipeline.run.plan import CORPUS
from auditor.pipeline.run.reopen import open_database, read_report
from auditor.pipeline.run.retained import note_copy
from auditor.pipeline.run.run import load_run
from auditor.records import Json, plain
from auditor.reports.render.write import write_reports
from auditor.reports.text.redact import redact
from auditor.run_columns import SAMPLE
from auditor.store.database import query

SHOWN = {"reads most like machine text here": 8, "reads most like human text here": 4}
SECTION = "excerpts"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The redacted beginning of a retained document; why: which end of the scores it is an example of."""

    shard: str
    row: int
    doc_id: str
    excerpt: str
    probability: float | None
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """The retained texts by (shard, row), put into the parts of report.json that name documents."""

    texts: Mapping[tuple[str, int], str]

    def place(self, place: Json) -> Json:
        """A document with its excerpt, where its text is retained."""
        text = self.texts.get((place["shard"], place["row"]))
        return place if text is None else place | {"excerpt": redact(text)}

    def finding(self, finding: Json) -> Json:
        """A finding whose documents have their excerpts."""
        evidence = finding.get("evidence") or {}
        if not isinstance(evidence.get("documents"), list):
            return finding
        documents = [self.place(document) for document in evidence["documents"]]
        return finding | {"evidence": evidence | {"documents": documents}}

    def cluster(self, cluster: Json) -> Json:
        """A cluster whose representative and members have their excerpts."""
        first = cluster.get("representative")
        members = [self.place(member) for member in cluster.get("members", [])]
        return cluster | {"representative": self.place(first) if first else first, "members": members}


def with_excerpts(report: Json, run: Path) -> Json:
    """The report with redacted beginnings of retained documents: of both ends of the scores, and of clusters.

    The report of a run that retained no text stays as it is.
    """
    texts = _retained(run)
    if not texts.height:
        return report
    quotes = Quotes({(shard, row): text for shard, row, text in texts.select("shard", "row", "text").iter_rows()})
    clusters = dict(report.get("clusters") or {})
    clusters["largest"] = [quotes.cluster(cluster) for cluster in clusters.get("largest", [])]
    found = [quotes.finding(finding) for finding in report.get("findings", [])]
    return report | {SECTION: plain(_ends(texts)), "clusters": clusters, "findings": found}


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
    of_findings = [
        place
        for finding in report.get("findings", [])
        for place in (finding.get("evidence") or {}).get("documents", [])
        if place.get("excerpt")
    ]
    of_clusters = [
        place
        for cluster in report.get("clusters", {}).get("largest", [])
        for place in (cluster.get("representative"), *cluster.get("members", []))
        if place
    ]
    if not report.get(SECTION) and not of_findings and not any(place.get("excerpt") for place in of_clusters):
        return False
    for place in of_findings + of_clusters:
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


def _ends(texts: pl.DataFrame) -> list[Excerpt]:
    machine, human = (min(shown, texts.height // 2) for shown in SHOWN.values())
    ends = (texts.tail(machine).reverse(), texts.head(human))
    return [
        Excerpt(row["shard"], row["row"], row["doc_id"] or "", redact(row["text"]), row["probability"], why)
        for why, end in zip(SHOWN, ends, strict=True)
        for row in end.iter_rows(named=True)
    ]
