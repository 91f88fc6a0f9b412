"""The later sequential passes over chosen documents: shingles where signatures cannot decide, types of duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from auditor.config import Config
from auditor.manifest import CLUSTERS, whole_file
from auditor.pipeline.launch import Report
from auditor.pipeline.map import TYPE_CAP, same_file
from auditor.pipeline.parts import part_folder
from auditor.pipeline.plan import Task, source_options
from auditor.sketch.minhash import shingle_set
from auditor.sketch.types import TypeSample
from auditor.sources.read import read_split
from auditor.text.batch import TextBatch

WANTED = pl.Schema({"stable_id": pl.UInt64, "row": pl.Int64, "group": pl.UInt8, "score_bin": pl.UInt8,
                    "eligible": pl.Boolean})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Again:
    """Read these documents of a split once more. ids (w,) uint64 sorted: stable ids wanted anywhere in the corpus."""

    task: Task
    config: Config
    run: Path
    ids: np.ndarray


def shingle_split(job: Again, report: Report) -> str | None:
    """Shingle sets of the wanted documents of a split, as a file (stable_id, shingles); None where it holds none."""
    columns: dict[str, list] = {"stable_id": [], "shingles": []}
    for wanted, batch in _chosen(job, report):
        for place, document in enumerate(wanted["stable_id"]):
            columns["stable_id"].append(document)
            columns["shingles"].append(pl.Series(shingle_set(batch.tokens, place)))
    if not columns["stable_id"]:
        return None
    frame = pl.DataFrame(columns, schema={"stable_id": pl.UInt64, "shingles": pl.List(pl.UInt64)})
    return _write(job, "shingles", frame)


def count_split(job: Again, report: Report) -> str | None:
    """The type counts of the wanted documents of a split, as a file like a part's; None where it holds none."""
    sample: TypeSample | None = None
    for wanted, batch in _chosen(job, report):
        sample = sample or TypeSample(cap=TYPE_CAP)
        sample.add(batch.tokens, *(wanted[name].to_numpy() for name in ("group", "score_bin", "eligible")))
    return None if sample is None else _write(job, "duplicates", sample.frame())


def _chosen(job: Again, report: Report) -> Iterator[tuple[pl.DataFrame, TextBatch]]:
    """(their rows in the documents part, their text) of the wanted documents, batch by batch, in order of row."""
    part = part_folder(job.run, job.task.key) / "documents.parquet"
    if not part.exists():
        return
    rows = pl.read_parquet(part, columns=list(WANTED))
    place = np.minimum(np.searchsorted(job.ids, rows["stable_id"].to_numpy()), max(len(job.ids) - 1, 0))
    rows = rows.filter(pl.Series(job.ids[place] == rows["stable_id"].to_numpy())) if len(job.ids) else rows.clear()
    if not rows.height:
        return
    last = rows["row"].max()
    options = source_options(job.config, job.run)
    same_file(job.task, options)
    for batch in read_split(job.task.shard, job.task.split, options):
        here = batch.frame.select("row", "text").join(rows, on="row", how="inner", maintain_order="left")
        report(batch.frame.height, 0)
        if here.height:
            yield here.drop("text"), TextBatch.of(here["text"])
        if batch.frame.height and batch.frame["row"][-1] >= last:
            return


def _write(job: Again, name: str, frame: pl.DataFrame) -> str:
    path = job.run / CLUSTERS / f"{name}-{job.task.key}.parquet"
    with whole_file(path) as partial:
        frame.write_parquet(partial, compression="zstd", compression_level=1)
    return str(path)
