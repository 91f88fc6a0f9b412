"""People's labels: kept in the folder of a run, and copied into its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from auditor.store.database import append

LABELS = "labels.parquet"
SCHEMA: Any = {
    "shard": pl.String,
    "row": pl.Int64,
    "doc_id": pl.String,
    "label": pl.String,
    "rater": pl.String,
    "read_at": pl.Datetime("us"),
}


def kept_labels(run: Path) -> pl.DataFrame:
    """The labels of a run so far, one per document."""
    path = run / LABELS
    return pl.read_parquet(path).cast(SCHEMA) if path.exists() else pl.DataFrame(schema=SCHEMA)


def store_labels(connection: Any, audit_id: str, run: Path) -> None:
    """The labels in the table of a run that is being finalised."""
    append(connection, "labels", kept_labels(run).with_columns(audit_id=pl.lit(audit_id)))
