"""One document of a run in detail, and texts looked up in a run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from auditor.columns import BANDS
from auditor.detectors.ensemble import Ensemble
from auditor.errors import AuditError, ConfigError
from auditor.neardup.evidence import differences, longest_shared
from auditor.neardup.lookup import candidates, matches
from auditor.pipeline.parts import part_folder, scan
from auditor.pipeline.plan import CORPUS, Plan, load_plan, source_options
from auditor.pipeline.reduce import signature_batches
from auditor.pipeline.results import open_database
from auditor.sketch.bands import band_frame, parameters
from auditor.sketch.minhash import SEED, permutations, signatures
from auditor.sources.interface import Shard, SourceOptions
from auditor.sources.plan import plan_corpus
from auditor.sources.read import read_split
from auditor.store.database import query
from auditor.text.batch import TextBatch

MEMBERS = 20
EVIDENCE = 12
SHARED = 500  # characters shown of the longest passage that two near-duplicates share


def inspect_document(run: Path, document: str, *, show_text: bool = False) -> dict[str, Any]:
    """Scores of a document, what moved them, its cluster, and where it differs from the representative.

    Parameters: document, SHARD:ROW, the source's id, or a stable id
    Raises: ConfigError where no document, or more than one, is meant
    """
    connection = open_database(run)
    row = _find(connection, document)
    plan, config, _ = load_plan(run)
    shown = {key: value for key, value in row.items() if value is not None and key != "audit_id"}
    found: dict[str, Any] = {"document": shown, "why": [], "passages": [], "cluster": None, "differences": []}
    text, found["unread"] = _text(plan, config, row["shard"], row["row"])
    if text is not None:
        evidence = Ensemble.load(config.detectors).explain(text)[:EVIDENCE]
        found["why"] = [
            {"detector": e.detector, "what": e.what, "weight": e.weight, "start": e.start, "end": e.end}
            for e in evidence
        ]
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


def look_up(run: Path, file: str) -> dict[str, Any]:
    """Documents of a run that equal or nearly equal the texts of a file, by signature (estimated).

    Raises: ConfigError where the file cannot be read as texts
    """
    with tempfile.TemporaryDirectory(prefix="auditor-") as spool:
        return _look_up(run, file, Path(spool))


def _look_up(run: Path, file: str, spool: Path) -> dict[str, Any]:
    plan, config, _ = load_plan(run)
    options = SourceOptions(spool=spool)
    corpus = plan_corpus([file], options)
    lsh, chosen = parameters(config.near_dup_threshold, config.permutations), permutations(config.permutations)
    tasks = plan.of_role(CORPUS)
    bands = scan(run, [task.key for task in tasks], "bands", BANDS).drop("part")
    rows, texts = [], 0
    for shard in corpus.shards:
        for split in shard.splits:
            for batch in read_split(shard, split, options):
                sketch = signatures(TextBatch.of(batch.frame["text"]).tokens, chosen)
                places = np.arange(texts, texts + len(sketch), dtype=np.uint64)
                wanted = candidates(band_frame(places, sketch, lsh), bands)
                hits = matches(sketch, wanted, signature_batches(run, tasks), lsh, seed=SEED)
                names = batch.frame["doc_id"].to_list()
                rows += [hit | {"query": names[hit["query"]]} for hit in hits.to_dicts()]
                texts += len(sketch)
    where = _places(run, plan, [row["document"] for row in rows])
    listed = [row | where.get(row["document"], {}) for row in rows]
    return {"texts": texts, "found": len({row["query"] for row in rows}), "matches": listed}


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
    raise ConfigError(f"there is no document {document!r} in this run: name it as SHARD:ROW or by its id")


def _text(plan: Plan, config: Any, shard: str, row: int) -> tuple[str | None, str | None]:
    """The text of a document from its source, or why it cannot be shown."""
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


def _places(run: Path, plan: Plan, documents: list[int]) -> dict[int, dict[str, Any]]:
    """Shard, row and id of documents by stable id."""
    wanted, out = pl.Series(documents, dtype=pl.UInt64), {}
    for task in plan.of_role(CORPUS):
        path = part_folder(run, task.key) / "documents.parquet"
        if not documents or not path.exists():
            continue
        for batch in pq.ParquetFile(path).iter_batches(columns=["stable_id", "row", "doc_id"]):
            frame = pl.DataFrame(batch).filter(pl.col("stable_id").is_in(wanted.implode()))
            for stable_id, row, doc_id in frame.iter_rows():
                out[stable_id] = {"shard": task.shard.name, "row": row, "doc_id": doc_id}
    return out
