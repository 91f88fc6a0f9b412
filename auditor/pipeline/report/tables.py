"""Everything measured into the tables of the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from auditor import records
from auditor.config import Config
from auditor.detectors.first_tier import Ensemble
from auditor.pipeline.documents.score_counts import SCORE_BIN, UNITS, kind_of
from auditor.pipeline.fraction.evidence import store_evidence
from auditor.pipeline.fraction.measure import Synthetic
from auditor.pipeline.reservoir import section
from auditor.records import estimates_of_json
from auditor.store import writer
from auditor.store.database import append, identifier, query, quoted

STORED = 200  # replicates of a split that are kept


def store_all(
    connection: Any,
    audit_id: str,
    report: Mapping[str, Any],
    config: Config,
    synthetic: Synthetic,
    ensemble: Ensemble,
    overlap: Mapping[str, pl.DataFrame],
    found: Sequence[Any],
    documents: Iterable[str],
) -> None:
    """Fill every table of the run's database from what was measured and from the report.

    Parameters: documents, selections of them (`evidence.pieces`), so that few are sorted at once
    """
    _store_documents(connection, audit_id, synthetic, documents)
    prevalence = synthetic.prevalence
    store_evidence(connection, audit_id, synthetic)
    whole, each = estimates_of_json(report["corpus"]), estimates_of_json(report["shards"])
    writer.write_estimates(connection, audit_id, "corpus", (("corpus", name, e) for name, e in records.flatten(whole)))
    writer.write_estimates(
        connection, audit_id, "shard", ((s["shard"], name, e) for s in each for name, e in records.flatten(s))
    )
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
    for stratum in estimates_of_json(report["strata"]):
        rows = ((stratum["name"], quantity, e) for quantity, e in records.flatten(stratum))
        writer.write_estimates(connection, audit_id, stratum["kind"], rows)
    writer.write_findings(connection, audit_id, found)
    for matrix in overlap.values():
        append(connection, "overlaps", matrix.with_columns(audit_id=pl.lit(audit_id)))
    _store_rows(connection, audit_id, report)
    audit = report["audit"]
    writer.append_rows(
        connection,
        "audits",
        [
            {
                "audit_id": audit_id,
                "corpus": audit["corpus"],
                "started_at": datetime.fromisoformat(audit["started_at"]).replace(tzinfo=None),
                "finished_at": datetime.fromisoformat(audit["finished_at"]).replace(tzinfo=None),
                "version": audit["version"],
                "config_hash": audit["config_hash"],
                "calibration": ensemble.revision,
                "config": config.model_dump_json(),
                "seeds": json.dumps(audit["seeds"]),
                "complete": audit["complete"],
                "digest": report["provenance"]["files_hash"],
                "report": json.dumps(report, default=str),
            }
        ],
    )


def _store_rows(connection: Any, audit_id: str, report: Mapping[str, Any]) -> None:
    """The tables that are sections of the report."""
    own = {"audit_id": audit_id}
    shard_rows = []
    for shard, entry in zip(report["shards"], report["provenance"]["inputs"], strict=True):
        shard_rows.append(
            own
            | {
                name: shard[name]
                for name in (
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
                )
            }
            | {
                "file_bytes": entry["bytes"],
                "fingerprint": entry["fingerprint"],
                "digest": shard["digest"],
                "columns": json.dumps(entry["columns"]),
                "status": "read" if shard["complete"] else f"partly read: {shard['error']}",
            }
        )
    writer.append_rows(connection, "shards", shard_rows, {"compression": pl.String})
    anchors = [
        {key: row[key] for key in ("kind", "origin", "scope", "documents", "used", "dropped", "reason")} | own
        for row in report["anchors"]
    ]
    writer.append_rows(connection, "anchors", anchors, {"reason": pl.String})
    writer.append_rows(connection, "skips", [row | own for row in report["skips"]], {"row": pl.Int64})
    found = report["reservoir"]
    scopes = [("corpus", "corpus", found), *((row["kind"], row["name"], row) for row in found["strata"])]
    reservoirs = [
        own
        | {"scope_kind": kind, "scope": name, "band": band}
        | {
            key: row[band].get(key)
            for key in (
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
        }
        for kind, name, row in scopes
        for band in section.BANDS
        if band in row
    ]
    numbers = dict.fromkeys(("tokens", "documents", "bytes", "human_share", "upsampling"), pl.Float64)
    writer.append_rows(connection, "reservoirs", reservoirs, {**numbers, "reason": pl.String})
    provenance = [
        own | {"shard": None, "name": name, "value": str(value)}
        for name, value in report["provenance"]["packages"].items()
    ]
    writer.append_rows(connection, "provenance", provenance, {"shard": pl.String})


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
