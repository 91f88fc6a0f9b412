"""One document of a run in detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from auditor.detectors.first_tier import Ensemble
from auditor.detectors.interface import Evidence
from auditor.detectors.passages import Passage, passages
from auditor.errors import AuditError, ConfigError, nearest
from auditor.neardup.evidence import differences, longest_shared
from auditor.pipeline.run.ownership import REFUSAL
from auditor.pipeline.run.plan import source_options
from auditor.pipeline.run.reopen import open_database
from auditor.pipeline.run.run import Run, load_run
from auditor.records import Json
from auditor.sources.read.chooser import read_split
from auditor.store.database import query

MEMBERS = 20
EVIDENCE = 12
BEGINNING = 100  # characters shown of a passage
SHARED = 500  # characters shown of the longest passage that two near-duplicates share


@dataclass(frozen=True, slots=True)
class ShownPassage:
    """A passage and its score; begins: its first characters, None where the text is not to be shown."""

    passage: Passage
    begins: str | None

    def as_json(self) -> Json:
        """The passage's own fields, and `begins` where it is known."""
        return asdict(self.passage) | ({} if self.begins is None else {"begins": self.begins})


@dataclass(frozen=True, slots=True)
class ClusterMember:
    """A document of a cluster; jaccard: its similarity to the representative, 0 to 1."""

    shard: str
    row: int
    doc_id: str | None
    representative: bool
    jaccard: float | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class DocumentCluster:
    """The cluster that a document belongs to; members: the representative first, at most MEMBERS of them."""

    cluster_id: int
    size: int
    members: tuple[ClusterMember, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A passage here, and what the representative has in its place."""

    here: str
    representative: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """One document in detail; `plain` of it is the JSON of `auditor inspect`.

    document: its row of the table `documents` without nulls; why: what moved its score, the strongest first
    unread: why its text cannot be read, None where it was; text: None unless it was asked for
    shared: the longest passage that it has in common with its cluster's representative
    """

    document: Json
    why: tuple[Evidence, ...] = ()
    passages: tuple[ShownPassage, ...] = ()
    cluster: DocumentCluster | None = None
    differences: tuple[Difference, ...] = ()
    unread: str | None = None
    text: str | None = None
    shared: str | None = None

    def as_json(self) -> Json:
        """All fields; `text` and `shared` only where they are known."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if name not in ("text", "shared") or value is not None}


def inspect_document(run: Path, document: str, *, show_text: bool = False, corpus: Sequence[str] = ()) -> Inspection:
    """A document with its scores and passages, what moved them, its cluster, and where it differs from the others.

    Parameters: document, SHARD:ROW, the source's id, or a stable id
    Raises: ConfigError where no document, or more than one, is meant
    """
    with open_database(run) as connection:
        row = _find(connection, document).row(0, named=True)
        opened = load_run(run, corpus)
        cluster = None if row["cluster_id"] is None else _cluster(connection, row["cluster_id"])
    text, unread = _text(opened, row["shard"], row["row"])
    why: tuple[Evidence, ...] = ()
    scored: tuple[ShownPassage, ...] = ()
    unlike: tuple[Difference, ...] = ()
    shared = None
    if text is not None:
        ensemble = Ensemble.load(opened.config.detectors)
        why = tuple(ensemble.explain(text)[:EVIDENCE])
        scored = tuple(
            ShownPassage(part, " ".join(text[part.start : part.end].split())[:BEGINNING] if show_text else None)
            for part in passages(ensemble, text, row["language"] or "en")
        )
        head = cluster.members[0] if cluster else None
        if head is not None and (head.shard, head.row) != (row["shard"], row["row"]):
            other, _ = _text(opened, head.shard, head.row)
            if other is not None:
                unlike = tuple(Difference(p.left, p.right) for p in differences(text, other) if not p.same)
                shared = longest_shared(text, other)[:SHARED]
    shown = {
        key: value.isoformat() if isinstance(value, date) else value
        for key, value in row.items()
        if value is not None and key != "audit_id"
    }
    return Inspection(shown, why, scored, cluster, unlike, unread, text if show_text else None, shared)


def _cluster(connection: Any, cluster_id: int) -> DocumentCluster:
    members = query(
        connection,
        """SELECT shard, row, doc_id, representative, jaccard, kind FROM clusters WHERE cluster_id = ?
           ORDER BY representative DESC, shard, row""",
        [cluster_id],
    )
    return DocumentCluster(
        cluster_id, members.height, tuple(ClusterMember(*row) for row in members.head(MEMBERS).iter_rows())
    )


def _find(connection: Any, document: str) -> pl.DataFrame:
    """The one row of the table `documents` that a name refers to.

    Raises: ConfigError where there is none, or more than one
    """
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
            return rows
        if rows.height > 1:
            listed = ", ".join(f"{r['shard']}:{r['row']}" for r in rows.to_dicts()[:5])
            raise ConfigError(f"{document!r} is the id of several documents: name one as SHARD:ROW ({listed} …)")
    known = query(connection, "SELECT shard FROM shards")["shard"].to_list()
    hint = nearest(shard, known) if shard and shard not in known else ""
    raise ConfigError(f"there is no document {document!r} in this run{hint}: name it as SHARD:ROW or by its id")


def _text(run: Run, shard: str, row: int) -> tuple[str | None, str | None]:
    """The text of a document from its source, or why it cannot be shown."""
    if run.plan.foreign:
        return None, REFUSAL
    options = source_options(run.config)
    found = next((s for s in run.plan.corpus.shards if s.name == shard), None)
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
