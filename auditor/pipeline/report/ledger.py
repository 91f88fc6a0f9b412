"""What documents and sidecars state of their licence, source and generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from auditor.pipeline.documents.sidecar import sidecar
from auditor.pipeline.run.parts import done
from auditor.pipeline.run.plan import AI, HUMAN, Plan
from auditor.provenance.ledger import declared_findings, entry, rows, total_digest
from auditor.records import Finding
from auditor.sources.read.interface import Shard
from auditor.store.database import query
from auditor.store.writer import append_rows

UNREAD = {"bytes": 0, "fingerprint": "", "digest": "", "text_digest": "", "format": "", "compression": None}
VOLUME = "count(*), sum(bytes)::BIGINT"
NOTHING: dict[str, Any] = {"licences": {}, "sources": {}, "generators": {}, "declared": 0}
VALUES = 100  # licences, sources and generators listed per shard, the most frequent


def store_ledger(connection: Any, report: Mapping[str, Any], plan: Plan, run: Path) -> None:
    """The ledger's lines in the table `provenance` of a run that is being finalised, and the references' digests."""
    own = {"audit_id": report["audit"]["id"]}
    lines = rows(ledger_of(connection, report, plan, strict=False))
    for role, name in ((HUMAN, "human_reference"), (AI, "known_ai")):
        markers = (done(run, task.key) for task in plan.of_role(role))
        if digests := [marker["text_digest"] for marker in markers if marker]:
            lines.append({"shard": None, "name": name, "value": total_digest(digests)})
    append_rows(connection, "provenance", [own | line for line in lines], {"shard": pl.String, "value": pl.String})


def ledger_of(connection: Any, report: Mapping[str, Any], plan: Plan, *, strict: bool = True) -> list[dict[str, Any]]:
    """The ledger from the documents' columns, the sidecars and the report; strict: a broken sidecar is an error."""
    sources = {source["shard"]: source for source in report["provenance"]["inputs"]}
    said, shards = documents_say(connection), {shard.name: shard for shard in plan.corpus.shards}
    return [
        entry(shard, sources[name], _stated(said.get(name, NOTHING), shards[name], strict=strict))
        for shard in report["shards"]
        if (name := shard["shard"]) in shards
    ]


def _stated(documents: dict[str, Any], shard: Shard, *, strict: bool) -> dict[str, Any]:
    """What the documents say, what the sidecar says, and whether either has a place for a generator."""
    beside = sidecar(shard, strict=strict)
    return documents | {"sidecar": beside, "declares": shard.columns.generator is not None or "generator" in beside}


def undeclared(connection: Any, shards: Sequence[Mapping[str, Any]], plan: Plan) -> list[Finding]:
    """Findings on shards that declare less machine-written text than was measured; before the tables are filled."""
    said = documents_say(connection, "(SELECT * FROM docs WHERE role = 'corpus')")
    files = {shard.name: shard for shard in plan.corpus.shards}
    lines = []
    for shard in shards:
        name = shard["shard"]
        columns = _stated(said.get(name, NOTHING), files[name], strict=False)
        measured = {"synthetic_fraction": shard["synthetic_fraction"].as_dict()}
        lines.append(entry({**shard, **measured}, UNREAD, columns))
    return declared_findings(lines)


def documents_say(connection: Any, table: str = "documents") -> dict[str, dict[str, Any]]:
    """What the documents' own columns state, by shard: licences, sources, generators, dates."""
    out: dict[str, dict[str, Any]] = {}
    totals = query(
        connection,
        f"""SELECT shard, count(declared_generator) AS declared, min(date)::VARCHAR AS dated_from,
                  max(date)::VARCHAR AS dated_to FROM {table} GROUP BY 1""",
    )
    for row in totals.to_dicts():
        out[row.pop("shard")] = {**NOTHING, **row}
    for name, column in (("licences", "licence"), ("sources", "source"), ("generators", "declared_generator")):
        rows = query(
            connection,
            f"""SELECT shard, {column}, count(*) AS n FROM {table} WHERE {column} IS NOT NULL GROUP BY 1, 2
                QUALIFY row_number() OVER (PARTITION BY shard ORDER BY n DESC, {column}) <= {VALUES} ORDER BY n DESC""",
        )
        for shard, value, count in rows.iter_rows():
            out[shard][name] = out[shard][name] | {value: count}
    return out
