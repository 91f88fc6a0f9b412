"""What an estimate was made from, as rows of the store: so that two audits can be fitted together."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from auditor.estimate.fraction.anchors import AnchorSet, Trust
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.evidence import Evidence
from auditor.store.database import append, query

TRUST = {"labels": Trust.LABELS, "reference": Trust.REFERENCE, "dated": Trust.DATED}


def store_evidence(connection: Any, audit_id: str, evidence: Evidence) -> None:
    """The score counts of an audit that is being finalised, in the table `score_counts`."""
    frames = [_rows("target", "", evidence.target)]
    frames += [_rows("part", "", evidence.parts)] if evidence.parts is not None else []
    frames += [_rows("human", anchors.origin, anchors.counts) for anchors in evidence.human]
    frames += [_rows("ai", anchors.origin, anchors.counts) for anchors in evidence.machine]
    cells = ScoreCounts.empty(list(evidence.cells))
    cells.documents[:, 0, 0] = list(evidence.cells.values())
    frame = pl.concat([*frames, _rows("cell", "", cells)])
    append(connection, "score_counts", frame.with_columns(audit_id=pl.lit(audit_id)))


def read_evidence(connection: Any) -> Evidence | None:
    """The score counts of a run, None where it was finalised before they were kept."""
    if "score_counts" not in set(query(connection, "SELECT table_name FROM duckdb_tables()")["table_name"]):
        return None
    rows = query(connection, "SELECT * EXCLUDE (audit_id) FROM score_counts")
    held = {key: _counts(part) for key, part in rows.partition_by("role", "origin", as_dict=True).items()}
    if ("target", "") not in held:
        return None
    cells = held.get(("cell", ""), ScoreCounts.empty([]))
    human, machine = (
        tuple(
            AnchorSet(origin, TRUST[origin], counts, "known-ai" if role == "ai" else "")
            for (role, origin), counts in sorted(held.items())
            if role == wanted
        )
        for wanted in ("human", "ai")
    )
    sizes = dict(zip(cells.scopes, cells.sizes.astype(float).tolist(), strict=True))
    return Evidence(held["target", ""], human, machine, sizes, held.get(("part", "")))


def _rows(role: str, origin: str, counts: ScoreCounts) -> pl.DataFrame:
    scope, unit, column = np.nonzero(counts.documents)
    names = pl.Series(list(counts.scopes), dtype=pl.String)
    return pl.DataFrame(
        {
            "role": pl.repeat(role, len(scope), eager=True, dtype=pl.String),
            "origin": pl.repeat(origin, len(scope), eager=True, dtype=pl.String),
            "scope": names.gather(scope),
            "unit": unit.astype(np.uint8),
            "bin": column.astype(np.uint8),
            "documents": counts.documents[scope, unit, column].astype(float),
            "tokens": counts.tokens[scope, unit, column].astype(float),
        }
    )


def _counts(rows: pl.DataFrame) -> ScoreCounts:
    names = sorted(rows["scope"].unique().to_list())
    empty = ScoreCounts.empty(names)
    documents, tokens = np.zeros(empty.documents.shape), np.zeros(empty.documents.shape)
    place = {name: i for i, name in enumerate(names)}
    at = (np.array([place[name] for name in rows["scope"]], np.int64), rows["unit"].to_numpy(), rows["bin"].to_numpy())
    documents[at], tokens[at] = rows["documents"].to_numpy(), rows["tokens"].to_numpy()
    if not (documents % 1).any():
        documents, tokens = documents.astype(np.int64), tokens.astype(np.int64)
    return ScoreCounts(tuple(names), documents, tokens, empty.unscored)
