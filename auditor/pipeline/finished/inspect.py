"""One document of a run in detail, and texts looked up in a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from auditor.detectors.first_tier import Ensemble
from auditor.detectors.passages import passages
from auditor.errors import AuditError, ConfigError, nearest
from auditor.neardup.evidence import differences, longest_shared
from auditor.pipeline.run.ownership import REFUSAL
from auditor.pipeline.run.plan import Plan, source_options
from auditor.pipeline.run.reopen import open_database
from auditor.pipeline.run.run import load_run
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import Shard
from auditor.store.database import query

MEMBERS = 20
EVIDENCE = 12
BEGINNING = 100  # characters shown of a passage
SHARED = 500  # characters shown of the longest passage that two near-duplicates share


def inspect_document(
    run: Path, document: str, *, show_text: bool = False, corpus: Sequence[str] = ()
) -> dict[str, Any]:
    """A document with its scores and passages, what moved them, its cluster, and where it differs from the others.

    Parameters: document, SHARD:ROW, the source's id, or a stable id
    Raises: ConfigError where no document, or more than one, is meant
    """
    connection = open_database(run)
    row = _find(connection, document)
    opened = load_run(run, corpus)
    plan, config = opened.plan, opened.config
    shown = {key: value for key, value in row.items() if value is not None and key != "audit_id"}
    found: dict[str, Any] = {"document": shown, "why": [], "passages": [], "cluster": None, "differences": []}
    text, found["unread"] = _text(plan, config, row["shard"], row["row"])
    if text is not None:
        ensemble = Ensemble.load(config.detectors)
        evidence = ensemble.explain(text)[:EVIDENCE]
        found["why"] = [
            {"detector": e.detector, "what": e.what, "weight": e.weight, "start": e.start, "end": e.end}
            for e in evidence
        ]
        found["passages"] = _scored_passages(ensemble, text, row["language"], show_text)
        if show_text:
            found["text"] = text
    if row["cluster_id"] is not None:
        members = query(
            connection,
            """SELECT shard, row, doc_id, representative, jaccard, kind FROM clusters WHERE cluster_id = ?
               ORDER BY representative DESC, shard, row""",
            [row["cluster_id"]],
        ).to_dicts()
        found["cluster"] = {"cluster_id": row["cluster_id"], "size": len(members), "members": members[:MEMBERS]}
        head = members[0]
        if text is not None and (head["shard"], head["row"]) != (row["shard"], row["row"]):
            other, _ = _text(plan, config, head["shard"], head["row"])
            if other is not None:
                found["differences"] = [
                    {"here": passage.left, "representative": passage.right}
                    for passage in differences(text, other)
                    if not passage.same
                ]
                found["shared"] = longest_shared(text, other)[:SHARED]
    return found


def _scored_passages(ensemble: Ensemble, text: str, language: str | None, show_text: bool) -> list[dict[str, Any]]:
    """Windows of sentences with their scores; their beginnings where the text may be shown."""
    rows = []
    for passage in passages(ensemble, text, language or "en"):
        row: dict[str, Any] = {name: getattr(passage, name) for name in ("start", "end", "words", "score", "marked")}
        if show_text:
            row["begins"] = " ".join(text[passage.start : passage.end].split())[:BEGINNING]
        rows.append(row)
    return rows


def _find(connection: Any, document: str) -> dict[str, Any]:
    shard, _, row = document.rpartition(":")
    tries: list[tuple[str, list[Any]]] = []
    if shard and row.isdigit():
        tries.append(("shard = ? AND row = ?", [shard, int(row)]))
    tries.append(("doc_id = ?", [document]))
    if document.isdigit() and int(document) < 1 << 64:
        tries.append(("stable_id = ?", [int(document)]))
    for where, values in tries:
        rows = query(connection, f"SELECT * FROM documents WHERE {where} ORDER BY shard, row LIMIT 6", values)
        if rows.height == 1:
            return rows.to_dicts()[0]
        if rows.height > 1:
            listed = ", ".join(f"{r['shard']}:{r['row']}" for r in rows.to_dicts()[:5])
            raise ConfigError(f"{document!r} is the id of several documents: name one as SHARD:ROW ({listed} …)")
    known = query(connection, "SELECT shard FROM shards")["shard"].to_list()
    hint = nearest(shard, known) if shard and shard not in known else ""
    raise ConfigError(f"there is no document {document!r} in this run{hint}: name it as SHARD:ROW or by its id")


def _text(plan: Plan, config: Any, shard: str, row: int) -> tuple[str | None, str | None]:
    """The text of a document from its source, or why it cannot be shown."""
    if plan.foreign:
        return None, REFUSAL
    options = source_options(config, None)
    found: Shard | None = next((s for s in plan.corpus.shards if s.name == shard), None)
    if found is None:
        return None, "its shard is not in the plan"
    try:
        for split in found.splits:
            if split.rows is not None and not split.first_row <= row < split.first_row + split.rows:
                continue
            for batch in read_split(found, split, options):
                hit = batch.frame.filter(pl.col("row") == row)
                if hit.height:
                    return hit["text"][0] or "", None
    except AuditError as error:
        return None, str(error)
    return None, "it is no longer in its file"
