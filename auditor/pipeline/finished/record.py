"""Provenance of a run: its record in several formats, and whether a corpus is still what was audited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError, nearest
from auditor.pipeline.finished.verify import file_hash
from auditor.pipeline.report.ledger import VOLUME, ledger_of
from auditor.pipeline.run.plan import Plan, load_plan, need_corpus
from auditor.pipeline.run.reopen import open_database, read_report
from auditor.provenance.croissant import croissant
from auditor.provenance.ledger import declared_findings, top_hosts, total_digest
from auditor.provenance.prov import prov_json
from auditor.store.database import query

FORMATS = ("json", "croissant", "prov")


def write_record(run: Path, format: str, corpus: Sequence[str] = ()) -> dict[str, Any]:
    """The provenance of a finished run: the ledger itself (json), Croissant with RAI terms, or W3C PROV-JSON.

    Raises: ConfigError for another format, or where the files that Croissant hashes are no longer there
    """
    if format not in FORMATS:
        raise ConfigError(f"--format {format}: choose from {', '.join(FORMATS)}{nearest(format, FORMATS)}")
    plan, _, _ = load_plan(run, corpus)
    found = record(run, plan)
    if format == "prov":
        return prov_json(found)
    if format == "json":
        return found
    need_corpus(plan)
    return croissant(found, {shard.name: file_hash(shard) for shard in plan.corpus.shards if shard.format != "folder"})


def record(run: Path, plan: Plan) -> dict[str, Any]:
    """Everything that is known of where the corpus comes from and what was measured in it."""
    report = read_report(run)
    with open_database(run) as connection:
        ledger = ledger_of(connection, report, plan)
        hosts = query(connection, f"SELECT host, {VOLUME} FROM documents WHERE host IS NOT NULL GROUP BY 1")
    findings = [finding.as_dict() for finding in declared_findings(ledger)]
    return {
        "schema_version": "1.0",
        "audit": report["audit"],
        "estimand": report["estimand"],
        "corpus": report["corpus"],
        "digest": total_digest(line["digest"] for line in ledger),
        "ledger": ledger,
        "findings": findings,
        "top_hosts": top_hosts(hosts.rows()),
        "detectors": report["detectors"],
        "skips": report["skips"],
        "packages": report["provenance"]["packages"],
        "command": report["provenance"]["command"],
        "config": report["provenance"]["config"],
        "anchors": report["anchors"],
    }
