"""How well the known human text covers the kinds of text in a corpus, and what would cover more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from auditor.estimate.fraction.kind_units import COVERED, KindUnits
from auditor.pipeline.documents.score_counts import KIND
from auditor.pipeline.run.plan import CORPUS
from auditor.records import Estimate, Finding, Severity, Status
from auditor.store.database import query

MOST_KINDS = 20  # of a scope that are listed, the largest
WANTED = 60  # human documents of a kind that are advised
LEAST_GAP = 0.05  # share of the corpus that is worth advice


@dataclass(frozen=True, slots=True)
class KindCoverage:
    """Documents of one kind of text in a scope, the known human documents of that kind, and their trust."""

    kind: str
    documents: int
    anchors: int
    trust: int | None


@dataclass(frozen=True, slots=True)
class AnchorCoverage:
    """`anchor_coverage` of report.json: share of a scope's documents that are covered, anchors, the largest kinds."""

    share: float | None
    anchors: int
    kinds: tuple[KindCoverage, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Documents by kind: rows has one row for each scope (shard; "" is the corpus) and kind.

    rows: scope, kind, documents, anchors, covered, trust; by_scope: the same, a frame for each scope
    """

    rows: pl.DataFrame
    by_scope: dict[str, pl.DataFrame]

    def of(self, scope: str) -> AnchorCoverage:
        """The coverage of one scope."""
        own = self.by_scope.get(scope, self.rows.clear()).sort("documents", "kind", descending=[True, False])
        total = int(own["documents"].sum())
        if not total:
            return AnchorCoverage(None, 0)
        share = float((own["covered"] * own["documents"]).sum() / total)
        kinds = own.head(MOST_KINDS).select("kind", "documents", "anchors", "trust")
        return AnchorCoverage(
            round(share, 4), int(own["anchors"].sum()), tuple(KindCoverage(*kind) for kind in kinds.iter_rows())
        )


def measure_coverage(connection: Any, units: KindUnits) -> Coverage:
    """Count the eligible documents of every shard by kind, beside the human documents known of the kind."""
    rows = query(
        connection,
        f"""SELECT shard AS scope, {KIND} AS kind, count(*) AS documents FROM docs
            WHERE role = ? AND eligible GROUP BY ALL ORDER BY ALL""",
        [CORPUS],
    )
    whole = (
        rows.group_by("kind", maintain_order=True)
        .agg(pl.col("documents").sum())
        .select(pl.lit("").alias("scope"), "kind", "documents")
    )
    known = units.frame().select("kind", "anchors", "covered", "trust")
    table = pl.concat([rows, whole.cast(rows.schema)]).join(known, on="kind", how="left")
    return Coverage(table, {str(scope): own for (scope,), own in table.partition_by("scope", as_dict=True).items()})


def coverage_findings(coverage: Coverage, shards: Sequence[str], estimates: Sequence[Estimate]) -> list[Finding]:
    """Human text that would make more shards measurable: of the kinds that most of their documents are of."""
    doubted = [
        name for name, e in zip(shards, estimates, strict=True) if e.status == Status.INCONCLUSIVE and e.is_number
    ]
    rows = coverage.rows.filter(pl.col("scope").is_in(doubted), pl.col("covered") < 1.0)
    whole = coverage.rows.filter(scope="")
    total = int(whole["documents"].sum())
    lacking = (
        rows.group_by("kind")
        .agg(pl.col("documents").sum(), shards=pl.col("scope").n_unique(), anchors=pl.col("anchors").first())
        .filter(pl.col("documents") >= LEAST_GAP * max(total, 1))
        .sort("documents", "kind", descending=[True, False])
    )
    out = []
    for row in lacking.head(3).iter_rows(named=True):
        more = WANTED - min(int(row["anchors"]), WANTED - int(COVERED) // 2)
        message = (
            f"{row['documents']:,} documents in {row['shards']:,} shards whose share is inconclusive are of the kind "
            f"{row['kind']}, of which {row['anchors']:,} human documents are known"
        )
        advice = f"add {more} human documents of this kind to --human-reference: they would narrow these shards most"
        evidence = {"text_kind": row["kind"], "size": row["documents"], "shards": row["shards"]}
        out.append(Finding("kind_not_covered", Severity.WARNING, "corpus", "corpus", message, advice, evidence))
    return out
