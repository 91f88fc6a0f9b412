"""Everything measured into the tables of the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from auditor.config import Config
from auditor.pipeline.documents.score_counts import SCORE_BIN, UNITS, kind_of
from auditor.pipeline.fraction.evidence import store_evidence
from auditor.pipeline.fraction.measure import Synthetic
from auditor.pipeline.reservoir import section
from auditor.records import Finding, Json, estimates_of_json, flatten
from auditor.store import writer
from auditor.store.database import append, identifier, query, quoted

SHARD_COLUMNS = (
    "shard",
    "path",
    "format",
    "compression",
    "documents",
    "eligible_documents",
    "tokens",
    "bytes",
    "skipped",
    "complete",
    "digest",
)
BAND_COLUMNS = (
    "sizing",
    "tokens",
    "documents",
    "bytes",
    "human_share",
    "upsampling",
    "regime",
    "binding_constraint",
    "reason",
)
STORED = 200  # replicates of a split that are kept
ANCHOR_COLUMNS = ("kind", "origin", "scope", "documents", "used", "dropped", "reason")


def store_all(
    connection: Any,
    report: Json,
    config: Config,
    revision: str,
    synthetic: Synthetic,
    overlap: Mapping[str, pl.DataFrame],
    found: Sequence[Finding],
    documents: Iterable[str],
) -> None:
    """Fill every table of the run's database from what was measured and from the report.

    Figures come from the report, because those of removed text are found only there (report.forgotten).

    Parameters: revision, of the calibration; documents, selections of them (`view.pieces`), each small
    """
    audit_id = report["audit"]["id"]
    _store_documents(connection, audit_id, synthetic, documents)
    store_evidence(connection, audit_id, synthetic)
    _store_estimates(connection, audit_id, report)
    _store_replicates(connection, audit_id, synthetic)
    writer.write_findings(connection, audit_id, found)
    for matrix in overlap.values():
        append(connection, "overlaps", matrix.with_columns(audit_id=pl.lit(audit_id)))
    _store_shards(connection, audit_id, report)
    _store_reservoirs(connection, audit_id, report["reservoir"])
    _store_rows(connection, audit_id, report)
    _store_audit(connection, report, config, revision)


def _store_estimates(connection: Any, audit_id: str, report: Json) -> None:
    """Every estimate of the corpus, of the shards and of the strata."""
    whole, each = estimates_of_json(report["corpus"]), estimates_of_json(report["shards"])
    writer.write_estimates(connection, audit_id, "corpus", (("corpus", name, e) for name, e in flatten(whole)))
    writer.write_estimates(
        connection, audit_id, "shard", ((s["shard"], name, e) for s in each for name, e in flatten(s))
    )
    for stratum in estimates_of_json(report["strata"]):
        rows = ((stratum["name"], quantity, e) for quantity, e in flatten(stratum))
        writer.write_estimates(connection, audit_id, stratum["kind"], rows)


def _store_replicates(connection: Any, audit_id: str, synthetic: Synthetic) -> None:
    """The draws behind the machine-written shares and behind their split, scope by scope."""
    prevalence = synthetic.prevalence
    for kind, scope in {"corpus": prevalence.corpus, "shard": prevalence.shards, **synthetic.strata}.items():
        for quantity, draws in (
            ("synthetic_fraction", scope.replicates),
            ("synthetic_fraction_tokens", scope.token_replicates),
        ):
            writer.write_replicates(connection, audit_id, kind, quantity, scope.scopes, draws)
    for kind, own in synthetic.mixed.items():
        measured = [place for place, region in enumerate(own.regions) if region is not None]
        names = [own.scopes[place] for place in measured]
        for quantity, draws in (("mixed_fraction", own.mixed_draws), ("touched_fraction", own.touched_draws)):
            writer.write_replicates(connection, audit_id, kind, quantity, names, draws[:STORED, measured])


def _store_audit(connection: Any, report: Json, config: Config, revision: str) -> None:
    """The one row of the audit itself; revision: of the calibration."""
    audit = report["audit"]
    writer.append_rows(
        connection,
        "audits",
        [
            {
                "audit_id": audit["id"],
                "corpus": audit["corpus"],
                "started_at": datetime.fromisoformat(audit["started_at"]).replace(tzinfo=None),
                "finished_at": datetime.fromisoformat(audit["finished_at"]).replace(tzinfo=None),
                "version": audit["version"],
                "config_hash": audit["config_hash"],
                "calibration": revision,
                "config": config.model_dump_json(),
                "seeds": json.dumps(audit["seeds"]),
                "complete": audit["complete"],
                "digest": report["provenance"]["files_hash"],
                "report": json.dumps(report, default=str),
            }
        ],
    )


def _store_shards(connection: Any, audit_id: str, report: Json) -> None:
    rows = [
        {"audit_id": audit_id}
        | {name: shard[name] for name in SHARD_COLUMNS}
        | {
            "file_bytes": entry["bytes"],
            "fingerprint": entry["fingerprint"],
            "columns": json.dumps(entry["columns"]),
            "status": "read" if shard["complete"] else f"partly read: {shard['error']}",
        }
        for shard, entry in zip(report["shards"], report["provenance"]["inputs"], strict=True)
    ]
    writer.append_rows(connection, "shards", rows, {"compression": pl.String})


def _store_reservoirs(connection: Any, audit_id: str, reservoir: Json) -> None:
    """The bands of the corpus and of each stratum."""
    scopes = [("corpus", "corpus", reservoir), *((row["kind"], row["name"], row) for row in reservoir["strata"])]
    rows = [
        {"audit_id": audit_id, "scope_kind": kind, "scope": name, "band": band}
        | {key: row[band].get(key) for key in BAND_COLUMNS}
        for kind, name, row in scopes
        for band in section.BANDS
        if band in row
    ]
    numbers = dict.fromkeys(("tokens", "documents", "bytes", "human_share", "upsampling"), pl.Float64)
    writer.append_rows(connection, "reservoirs", rows, {**numbers, "reason": pl.String})


def _store_rows(connection: Any, audit_id: str, report: Json) -> None:
    """The tables whose rows are those of a section of the report."""
    own = {"audit_id": audit_id}
    anchors = [own | {key: row[key] for key in ANCHOR_COLUMNS} for row in report["anchors"]]
    writer.append_rows(connection, "anchors", anchors, {"reason": pl.String})
    writer.append_rows(connection, "skips", [row | own for row in report["skips"]], {"row": pl.Int64})
    packages = report["provenance"]["packages"].items()
    rows = [own | {"shard": None, "name": name, "value": str(value)} for name, value in packages]
    writer.append_rows(connection, "provenance", rows, {"shard": pl.String})


def _store_documents(connection: Any, audit_id: str, synthetic: Synthetic, documents: Iterable[str]) -> None:
    """Documents with their probability given score and shard, and clusters, streamed from the parts."""
    shards = synthetic.prevalence.shards
    bins = shards.posterior.shape[1]
    posterior = pl.DataFrame(
        {
            "shard": [name for name in shards.scopes for _ in range(bins)],
            "bin": list(range(bins)) * len(shards.scopes),
            "probability": shards.posterior.reshape(-1),
        },
        schema={"shard": pl.String, "bin": pl.Int32, "probability": pl.Float32},
    ).with_columns(pl.col("probability").fill_nan(None))
    connection.register("_posterior", posterior.to_arrow())
    columns = set(query(connection, "DESCRIBE docs")["column_name"])
    known = set(query(connection, "DESCRIBE documents")["column_name"])
    scores = sorted(name for name in columns if name.startswith("score_") and name != "score_bin")
    for name in scores:
        if name not in known:
            connection.execute(f"ALTER TABLE documents ADD COLUMN {identifier(name)} FLOAT")
    listed = ", ".join(f"d.{identifier(name)}" for name in scores)
    for piece in documents:
        connection.execute(
            f"""INSERT INTO documents BY NAME
            SELECT {quoted(audit_id)} AS audit_id, d.shard, d.source, d.doc_id, d.row, d.stable_id, d.bytes,
                   d.characters, d.words, d.language, d.date, d.host, d.topic, d.category, d.declared_generator,
                   d.licence, d.eligible, d.skip_reason, d.kind,
                   {UNITS}::FLOAT AS score, {listed + "," if listed else ""}
                   CASE WHEN d.eligible THEN p.probability END AS probability,
                   CASE WHEN d.eligible THEN d.tier END AS probability_tier,
                   d.cluster_id, d.representative AS is_representative, s.seen_in
            FROM ({piece}) d
            LEFT JOIN kind_units u ON u.kind = {kind_of("d")}
            LEFT JOIN _posterior p ON p.shard = d.shard AND p.bin = {SCORE_BIN.replace("units", UNITS)}
            LEFT JOIN seen s ON s.document = d.stable_id
            ORDER BY d.shard, d.row"""
        )
    connection.unregister("_posterior")
    connection.execute(
        f"""INSERT INTO clusters BY NAME
        SELECT {quoted(audit_id)} AS audit_id, cluster_id, doc_id, shard, row, representative, jaccard,
               copy_kind AS kind
        FROM docs WHERE role = 'corpus' AND cluster_id IS NOT NULL ORDER BY cluster_id, shard, row"""
    )
