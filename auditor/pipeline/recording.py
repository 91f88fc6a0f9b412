"""Provenance of a run: its record in several formats, and whether a corpus is still what was audited."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.errors import AuditError, ConfigError, SourceError
from auditor.pipeline.parts import done
from auditor.pipeline.plan import AI, HUMAN, Plan, load_plan, source_options
from auditor.pipeline.results import open_database, read_report
from auditor.provenance.croissant import croissant
from auditor.provenance.ledger import declared_findings, entry, rows, top_hosts, total_digest
from auditor.provenance.prov import prov_json
from auditor.records import Finding
from auditor.sketch.content import content_hashes
from auditor.sources.files import blocks, is_url
from auditor.sources.interface import Shard, SourceOptions
from auditor.sources.plan import plan_corpus
from auditor.sources.read import read_split
from auditor.store.database import query
from auditor.store.writer import append_rows
from auditor.text.arrow import buffers

FORMATS = ("json", "croissant", "prov")
SIDECARS = ("{}.provenance.json", "provenance.json")
LARGEST_SIDECAR = 1 << 20
VOLUME = "count(*), sum(bytes)::BIGINT"
NOTHING: dict[str, Any] = {"licences": {}, "sources": {}, "generators": {}, "declared": 0}
UNREAD = {"bytes": 0, "fingerprint": "", "digest": "", "format": "", "compression": None}
VALUES = 100  # licences, sources and generators listed per shard, the most frequent


def write_record(run: Path, format: str) -> dict[str, Any]:
    """The provenance of a finished run: the ledger itself (json), Croissant with RAI terms, or W3C PROV-JSON.

    Raises: ConfigError for another format, or where the files that Croissant hashes are no longer there
    """
    if format not in FORMATS:
        raise ConfigError(f"--format {format}: choose from {', '.join(FORMATS)}")
    plan, _, _ = load_plan(run)
    found = record(run, plan)
    if format == "prov":
        return prov_json(found)
    if format == "json":
        return found
    return croissant(found, {shard.name: file_hash(shard) for shard in plan.corpus.shards if shard.format != "folder"})


def record(run: Path, plan: Plan) -> dict[str, Any]:
    """Everything that is known of where the corpus comes from and what was measured in it."""
    report = read_report(run)
    with open_database(run) as connection:
        ledger = ledger_of(connection, report, plan)
        hosts = query(connection, f"SELECT host, {VOLUME} FROM documents WHERE host IS NOT NULL GROUP BY 1")
    findings = [finding.as_dict() for finding in declared_findings(ledger)]
    return {
        "schema_version": "1.0", "audit": report["audit"], "estimand": report["estimand"], "corpus": report["corpus"],
        "digest": total_digest(line["digest"] for line in ledger), "ledger": ledger, "findings": findings,
        "top_hosts": top_hosts(hosts.rows()), "detectors": report["detectors"], "skips": report["skips"],
        "packages": report["provenance"]["packages"], "command": report["provenance"]["command"],
        "config": report["provenance"]["config"], "anchors": report["anchors"],
    }  # fmt: skip


def store_ledger(connection: Any, report: Mapping[str, Any], plan: Plan, run: Path) -> None:
    """The ledger's lines in the table `provenance` of a run that is being finalised, and the references' digests."""
    own = {"audit_id": report["audit"]["id"]}
    lines = rows(ledger_of(connection, report, plan, strict=False))
    for role, name in ((HUMAN, "human_reference"), (AI, "known_ai")):
        markers = (done(run, task.key) for task in plan.of_role(role))
        if digests := [marker["digest"] for marker in markers if marker]:
            lines.append({"shard": None, "name": name, "value": total_digest(digests)})
    append_rows(connection, "provenance", [own | line for line in lines], {"shard": pl.String, "value": pl.String})


def ledger_of(connection: Any, report: Mapping[str, Any], plan: Plan, *, strict: bool = True) -> list[dict[str, Any]]:
    """The ledger from the documents' columns, the sidecars and the report; strict: a broken sidecar is an error."""
    sources = {source["shard"]: source for source in report["provenance"]["inputs"]}
    said, shards = documents_say(connection), {shard.name: shard for shard in plan.corpus.shards}
    return [
        entry(shard, sources[name], _stated(said.get(name, NOTHING), shards[name], strict=strict))
        for shard in report["shards"] if (name := shard["shard"]) in shards
    ]  # fmt: skip


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


def sidecar(shard: Shard, *, strict: bool = True) -> dict[str, Any]:
    """licence, origin, generator, verifier from SHARD.provenance.json, else from provenance.json in its folder."""
    if is_url(shard.path):
        return {}
    path = Path(shard.path)
    for pattern in SIDECARS:
        beside = path.with_name(pattern.format(path.name))
        if not beside.is_file() or beside.stat().st_size > LARGEST_SIDECAR:
            continue
        try:
            found = json.loads(beside.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as wrong:
            if not strict:
                return {}
            raise ConfigError(f"{beside} cannot be read: {wrong}; mend or remove it") from None
        if not isinstance(found, dict):
            if not strict:
                return {}
            raise ConfigError(f"{beside} is no table of licence, origin, generator, verifier")
        return found
    return {}


def file_hash(shard: Shard) -> str:
    """SHA-256 of a shard's file.

    Raises: ConfigError where it is no longer there
    """
    digest = hashlib.sha256()
    try:
        for block in blocks(shard.path, {}):
            digest.update(block)
    except SourceError as wrong:
        raise ConfigError(f"Croissant needs the hash of every file: {wrong}") from None
    return digest.hexdigest()


def verify(run: Path, corpus: list[str], *, quick: bool = False) -> dict[str, Any]:
    """Whether a corpus is still what was audited: shard by shard, and as a whole whatever the order of its documents.

    Parameters: quick, trust files whose size, time of change, head and tail are those audited
    Returns: verdict same | rearranged | changed | unreadable, and lists of changed, missing, new and moved shards
    """
    _, config, _ = load_plan(run)
    options = source_options(config)
    audited = {line["shard"]: line for line in read_report(run)["provenance"]["inputs"]}
    now = plan_corpus(corpus, options, sample=config.shards_sample, seed=config.seed)
    digests: dict[str, str] = {}
    unreadable = {unread.name: unread.reason for unread in now.failed}
    for shard in now.shards:
        before = audited.get(shard.name)
        if quick and before is not None and before["fingerprint"] == shard.fingerprint:
            digests[shard.name] = before["digest"]
            continue
        try:
            digests[shard.name] = content_digest(shard, options)
        except AuditError as wrong:
            unreadable[shard.name] = str(wrong)
    held = {name: line["digest"] for name, line in audited.items()}
    new = [name for name in digests if name not in held]
    missing = [name for name in held if name not in digests and name not in unreadable]
    moved = {name: next(n for n in missing if held[n] == digests[name]) for name in new
             if any(held[n] == digests[name] for n in missing)}  # fmt: skip
    changed = [name for name in digests if name in held and held[name] != digests[name]]
    whole = total_digest(digests.values()) == total_digest(held.values())
    verdict = "unreadable" if unreadable else "changed"
    if not unreadable and whole:
        verdict = "rearranged" if changed or new or missing else "same"
    return {
        "verdict": verdict, "audited_digest": total_digest(held.values()), "digest": total_digest(digests.values()),
        "shards": len(held), "same": [name for name in digests if held.get(name) == digests[name]],
        "changed": changed, "missing": [name for name in missing if name not in moved.values()],
        "new": [name for name in new if name not in moved], "moved": moved, "unreadable": unreadable,
    }  # fmt: skip


def content_digest(shard: Shard, options: SourceOptions) -> str:
    """The order-independent digest of a shard's documents, as the audit takes it."""
    total = 0
    for split in shard.splits:
        for batch in read_split(shard, split, options):
            pair = content_hashes(*buffers(batch.frame["text"]))
            total += int(np.add.reduce(pair[:, 0] ^ pair[:, 1], dtype=np.uint64))
    return f"{total % (1 << 64):016x}"
