"""What documents and sidecars state about licence, source and generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from auditor.pipeline.diversity.results import ShardResult
from auditor.pipeline.documents.sidecar import sidecar
from auditor.pipeline.run.parts import done
from auditor.pipeline.run.plan import AI, HUMAN, Plan
from auditor.provenance.ledger import Line, Stated, declared_share, entry, rows, total_digest, undeclared
from auditor.records import Finding, Json
from auditor.sources.read.interface import Shard
from auditor.store.database import query
from auditor.store.writer import append_rows

VOLUME = "count(*), sum(bytes)::BIGINT"
VALUES = 100  # licences, sources and generators listed per shard, the most frequent


def store_ledger(connection: Any, report: Json, plan: Plan, run: Path) -> None:
    """The ledger's lines in the table `provenance` of a run that is being finalised, and the references' digests."""
    own = {"audit_id": report["audit"]["id"]}
    lines = rows(ledger_of(connection, report, plan, strict=False))
    for role, name in ((HUMAN, "human_reference"), (AI, "known_ai")):
        markers = (done(run, task.key) for task in plan.of_role(role))
        if digests := [marker.text_digest for marker in markers if marker]:
            lines.append({"shard": None, "name": name, "value": total_digest(digests)})
    append_rows(connection, "provenance", [own | line for line in lines], {"shard": pl.String, "value": pl.String})


def ledger_of(connection: Any, report: Json, plan: Plan, *, strict: bool = True) -> list[Line]:
    """The ledger from the documents' columns, the sidecars and the report; strict: a broken sidecar is an error."""
    sources = {source["shard"]: source for source in report["provenance"]["inputs"]}
    said, shards = documents_say(connection), {shard.name: shard for shard in plan.corpus.shards}
    return [
        entry(shard, sources[name], _stated(said.get(name, Stated()), shards[name], strict=strict))
        for shard in report["shards"]
        if (name := shard["shard"]) in shards
    ]


def _stated(documents: Stated, shard: Shard, *, strict: bool) -> Stated:
    """What the documents say, what the sidecar says, and whether either has a place for a generator."""
    beside = sidecar(shard, strict=strict)
    return replace(documents, sidecar=beside, declares=shard.columns.generator is not None or "generator" in beside)


def undeclared_shards(connection: Any, shards: Sequence[ShardResult], plan: Plan) -> list[Finding]:
    """Findings on shards that declare less machine-written text than was measured; before the tables are filled."""
    said = documents_say(connection, "(SELECT * FROM docs WHERE role = 'corpus')")
    files = {shard.name: shard for shard in plan.corpus.shards}
    found = []
    for shard in shards:
        stated = _stated(said.get(shard.name, Stated()), files[shard.name], strict=False)
        declared = declared_share(stated, shard.counts.counts.documents)
        if finding := undeclared(shard.name, declared, shard.figures.synthetic_fraction):
            found.append(finding)
    return found


def documents_say(connection: Any, table: str = "documents") -> dict[str, Stated]:
    """What the documents' own columns state, by shard: licences, sources, generators, dates."""
    values: dict[str, dict[str, dict[str, int]]] = {}
    for name, column in (("licences", "licence"), ("sources", "source"), ("generators", "declared_generator")):
        rows = query(
            connection,
            f"""SELECT shard, {column}, count(*) AS n FROM {table} WHERE {column} IS NOT NULL GROUP BY 1, 2
                QUALIFY row_number() OVER (PARTITION BY shard ORDER BY n DESC, {column}) <= {VALUES} ORDER BY n DESC""",
        )
        for shard, value, count in rows.iter_rows():
            values.setdefault(shard, {}).setdefault(name, {})[value] = count
    totals = query(
        connection,
        f"""SELECT shard, count(declared_generator) AS declared, min(date)::VARCHAR AS dated_from,
                  max(date)::VARCHAR AS dated_to FROM {table} GROUP BY 1""",
    )
    out = {}
    for shard, declared, first, last in totals.iter_rows():
        by_value = values.get(shard, {})
        licences, sources, generators = (by_value.get(name, {}) for name in ("licences", "sources", "generators"))
        out[shard] = Stated(licences, sources, generators, declared, first, last)
    return out
