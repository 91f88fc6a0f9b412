"""Later sequential passes over chosen documents: shingles where signatures cannot decide, types of duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from auditor.config import Config
from auditor.manifest import CLUSTERS
from auditor.pipeline.launch.processes import Report
from auditor.pipeline.map.split import same_file
from auditor.pipeline.run.parts import part_folder
from auditor.pipeline.run.plan import Task, source_options
from auditor.run_columns import TYPE_CAP
from auditor.run_folder import whole_file
from auditor.sketch.minhash import shingle_set
from auditor.sketch.types import TypeSample
from auditor.sources.read.chooser import read_rows
from auditor.text.batch import TextBatch

WANTED = ["stable_id", "row", "group", "score_bin", "eligible"]


@dataclass(frozen=True, slots=True, eq=False)
class Reread:
    """Read some documents of a split once more; rows: theirs in the documents part (columns WANTED)."""

    task: Task
    config: Config
    run: Path
    rows: pl.DataFrame


def rereads(tasks: Sequence[Task], config: Config, run: Path, ids: np.ndarray) -> list[Reread]:
    """A job for each split that holds documents of these stable ids, ids (w,) uint64 sorted: mostly few do."""
    parts = ((task, part_folder(run, task.key) / "documents.parquet") for task in tasks if len(ids))
    found = ((task, _rows(part, ids)) for task, part in parts if part.exists())
    return [Reread(task, config, run, rows) for task, rows in found if rows.height]


def _rows(part: Path, ids: np.ndarray) -> pl.DataFrame:
    stable = pl.read_parquet(part, columns=["stable_id"])["stable_id"].to_numpy()
    held = ids[np.minimum(np.searchsorted(ids, stable), len(ids) - 1)] == stable
    return pl.read_parquet(part, columns=WANTED).filter(pl.Series(held))


def shingle_split(job: Reread, report: Report) -> str:
    """Shingle sets of the wanted documents of a split, as a file (stable_id, shingles)."""
    columns: dict[str, list] = {"stable_id": [], "shingles": []}
    for wanted, batch in _chosen(job, report):
        for place, document in enumerate(wanted["stable_id"]):
            columns["stable_id"].append(document)
            columns["shingles"].append(pl.Series(shingle_set(batch.tokens, place)))
    frame = pl.DataFrame(columns, schema={"stable_id": pl.UInt64, "shingles": pl.List(pl.UInt64)})
    return _write(job, "shingles", frame)


def count_split(job: Reread, report: Report) -> str:
    """The type counts of the wanted documents of a split, as a file like a part's."""
    sample = TypeSample(cap=TYPE_CAP)
    for wanted, batch in _chosen(job, report):
        sample.add(batch.tokens, *(wanted[name].to_numpy() for name in ("group", "score_bin", "eligible")))
    return _write(job, "duplicates", sample.frame())


def _chosen(job: Reread, report: Report) -> Iterator[tuple[pl.DataFrame, TextBatch]]:
    """(their rows in the documents part, their text) of the wanted documents, batch by batch, in order of row."""
    options = source_options(job.config, job.run)
    same_file(job.task, options)
    for batch in read_rows(job.task.shard, job.task.split, options, job.rows["row"].to_numpy()):
        here = batch.frame.select("row", "text").join(job.rows, on="row", how="inner", maintain_order="left")
        report(batch.frame.height, 0)
        if here.height:
            yield here.drop("text"), TextBatch.of(here["text"])


def _write(job: Reread, name: str, frame: pl.DataFrame) -> str:
    path = job.run / CLUSTERS / f"{name}-{job.task.key}.parquet"
    with whole_file(path, within=job.run) as partial:
        frame.write_parquet(partial, compression="zstd", compression_level=1)
    return str(path)
