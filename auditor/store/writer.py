"""Estimates and their like into the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from auditor.records import Estimate, Finding
from auditor.store.database import append

ESTIMATES = {
    "audit_id": pl.String,
    "scope_kind": pl.String,
    "scope": pl.String,
    "quantity": pl.String,
    "value": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "n": pl.UInt64,
    "status": pl.String,
    "reason": pl.String,
}


def write_estimates(connection: Any, audit_id: str, scope_kind: str, rows: Iterable[tuple[str, str, Estimate]]) -> None:
    """rows: (scope, quantity, estimate)."""
    records = [
        {"audit_id": audit_id, "scope_kind": scope_kind, "scope": scope, "quantity": quantity, **estimate.as_dict()}
        for scope, quantity, estimate in rows
    ]
    append(connection, "estimates", pl.DataFrame(records, schema=ESTIMATES))


def write_replicates(
    connection: Any, audit_id: str, scope_kind: str, quantity: str, scopes: Sequence[str], draws: np.ndarray
) -> None:
    """draws: (draws, scopes); draw i is the same world in every scope."""
    if not draws.size:
        return
    count = draws.shape[0]
    frame = pl.DataFrame(
        {
            "audit_id": pl.repeat(audit_id, draws.size, eager=True),
            "scope_kind": pl.repeat(scope_kind, draws.size, eager=True),
            "scope": np.repeat(np.array(scopes, dtype=object), count).tolist(),
            "quantity": pl.repeat(quantity, draws.size, eager=True),
            "draw": np.tile(np.arange(count, dtype=np.int32), len(scopes)),
            "value": draws.T.reshape(-1),
        }
    )
    append(connection, "replicates", frame)


def write_findings(connection: Any, audit_id: str, findings: Sequence[Finding]) -> None:
    """Findings with their evidence as JSON."""
    rows = []
    for finding in findings:
        estimate = finding.estimate
        rows.append(
            {
                "audit_id": audit_id,
                "kind": finding.kind,
                "severity": str(finding.severity),
                "scope_kind": finding.scope_kind,
                "scope": finding.scope,
                "message": finding.message,
                "advice": finding.advice,
                "evidence": json.dumps(finding.evidence),
                "value": estimate.value if estimate else None,
                "lower": estimate.lower if estimate else None,
                "upper": estimate.upper if estimate else None,
            }
        )
    append_rows(connection, "findings", rows, {"value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64})


def append_rows(
    connection: Any, table: str, rows: Sequence[Mapping[str, Any]], types: Mapping[str, Any] | None = None
) -> None:
    """Insert dictionaries as rows; types for columns that may be null throughout."""
    if rows:
        append(
            connection, table, pl.DataFrame(list(rows), schema_overrides=dict(types or {}), infer_schema_length=None)
        )
