"""Is this text already in the corpus?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from auditor.neardup.lookup import candidates, matches
from auditor.pipeline.reduce.cluster import signature_batches
from auditor.pipeline.run.parts import part_folder, scan
from auditor.pipeline.run.plan import CORPUS, Plan, lsh_of
from auditor.pipeline.run.run import load_run
from auditor.run_columns import BANDS
from auditor.sketch.bands import band_frame
from auditor.sketch.minhash import SEED, permutations, signatures
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import SourceOptions
from auditor.text.batch import TextBatch


def look_up(run: Path, file: str) -> dict[str, Any]:
    """Documents of a run that equal or nearly equal the texts of a file, by signature (estimated).

    Raises: ConfigError where the file cannot be read as texts
    """
    with tempfile.TemporaryDirectory(prefix="auditor-") as spool:
        return _look_up(run, file, Path(spool))


def _look_up(run: Path, file: str, spool: Path) -> dict[str, Any]:
    opened = load_run(run)
    plan, config = opened.plan, opened.config
    options = SourceOptions(spool=spool)
    corpus = plan_corpus([file], options)
    lsh, chosen = lsh_of(config), permutations(config.permutations)
    tasks = plan.of_role(CORPUS)
    bands = scan(run, tasks, "bands", BANDS).select(*BANDS)
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
