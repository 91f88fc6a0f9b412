"""The law of a run: records in = documents + skipped, in every split; shards add up to the corpus; no document twice.

The readers count records where they meet them, independently of what becomes of them. So a record that is lost between
the file and the figures breaks the law, and its shard is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.pipeline.run.markers import Marker
from auditor.pipeline.run.parts import done, part_folder
from auditor.pipeline.run.plan import CORPUS, Plan, Task
from auditor.store.database import query

COUNTS = ("records", "documents", "eligible_documents", "tokens", "bytes", "skipped")
WHOLE = "corpus"


@dataclass(frozen=True, slots=True)
class Breach:
    """Where the law does not hold: a shard, or the corpus, and what differs."""

    scope: str
    what: str


@dataclass(frozen=True, slots=True)
class Conservation:
    """The counts of a run, and any contradictions."""

    records: int
    documents: int
    skipped: int
    shards: int
    broken: tuple[Breach, ...]

    @property
    def holds(self) -> bool:
        """Whether no count contradicts another."""
        return not self.broken


def conservation(run: Path, plan: Plan, report: Mapping[str, Any], connection: Any) -> Conservation:
    """Compare what the parts, the report and the tables of a run say of its records.

    Parameters: report, the content of report.json; connection, to the run's database
    """
    rows = {row["shard"]: row for row in report["shards"]}
    broken = [*_of_parts(run, plan, rows), *_of_tables(connection, rows)]
    for name, row in rows.items():
        broken += [Breach(name, what) for what in _of_row(row)]
    broken += [Breach(WHOLE, what) for what in _of_corpus(report["corpus"], rows)]
    corpus = report["corpus"]
    return Conservation(
        corpus.get("records") or 0, corpus["documents"], corpus["skipped"], len(rows), tuple(dict.fromkeys(broken))
    )


def _of_parts(run: Path, plan: Plan, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Breach]:
    """What the splits counted, against their own rows and the report's line of their shard."""
    sums: dict[str, dict[str, int]] = {shard.name: dict.fromkeys(COUNTS, 0) for shard in plan.corpus.shards}
    for task in plan.of_role(CORPUS):
        name, marker = task.shard.name, done(run, task.key)
        if marker is None:
            if rows.get(name, {}).get("complete"):
                yield Breach(name, "a part of it is not in the run's folder any more")
            continue
        for count in COUNTS:
            sums[name][count] += getattr(marker.counts, count)
        for what in _of_split(run, task, marker):
            yield Breach(name, what)
    for name in sums.keys() | rows.keys():
        if name not in rows or name not in sums:
            yield Breach(name, "it stands in the plan or in the report alone")
            continue
        for count, found in sums[name].items():
            if rows[name].get(count) != found:
                yield Breach(name, f"{_named(count)}: {rows[name].get(count)} in the report, {found:,} in its parts")


def _of_split(run: Path, task: Task, marker: Marker) -> Iterator[str]:
    import pyarrow.parquet as pq

    records, documents, skipped = marker.counts.records, marker.counts.documents, marker.counts.skipped
    if records != documents + skipped:
        yield f"{records:,} records met, but {documents:,} documents and {skipped:,} skipped"
    if sum(marker.skips.values()) != skipped:
        yield f"{skipped:,} skipped, but {sum(marker.skips.values()):,} by reason"
    known = task.split.rows
    if known is not None and marker.complete and known != records:
        yield f"its file says that it holds {known:,} records there, {records:,} were met"
    path = part_folder(run, task.key) / "documents.parquet"
    kept = pq.read_metadata(path).num_rows if path.exists() else 0
    if kept != documents:
        yield f"{documents:,} documents counted, {kept:,} in its part"


def _of_row(row: Mapping[str, Any]) -> Iterator[str]:
    if row.get("records") != row["documents"] + row["skipped"]:
        yield (
            f"{row.get('records')} records, but {row['documents']:,} documents and {row['skipped']:,} skipped "
            "in the report"
        )
    if sum(row.get("skip_counts", {}).values()) != row["skipped"]:
        yield f"{row['skipped']:,} skipped, but {sum(row['skip_counts'].values()):,} by reason in the report"


def _of_corpus(corpus: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for count in COUNTS:
        total = sum(row.get(count) or 0 for row in rows.values())
        if corpus.get(count) != total:
            yield f"{_named(count)}: {corpus.get(count)}, but its shards add up to {total:,}"
    unread = (corpus.get("unread") or {}).get("records", corpus["skipped"])
    if unread != corpus["skipped"]:
        yield f"{unread:,} records unread, but {corpus['skipped']:,} skipped"


def _of_tables(connection: Any, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Breach]:
    """The rows of the table `documents`: as many as documents, none twice."""
    sql = "SELECT shard, count(*) AS n, count(DISTINCT row) AS places FROM documents GROUP BY shard"
    stored = {shard: (n, places) for shard, n, places in query(connection, sql).iter_rows()}
    for name in stored.keys() | rows.keys():
        n, places = stored.get(name, (0, 0))
        expected = rows[name]["documents"] if name in rows else 0
        if n != expected:
            yield Breach(name, f"{expected:,} documents in the report, {n:,} in the table documents")
        if places != n:
            yield Breach(name, f"{n - places:,} documents stand twice in the table documents")


def _named(count: str) -> str:
    return count.replace("_", " ")
