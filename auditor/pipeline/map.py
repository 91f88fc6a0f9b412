"""Map: one split of one shard becomes a folder of parts. Deterministic, whatever the threads and the machine's load."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.config import Config
from auditor.errors import SourceError
from auditor.estimate.anchors import HUMAN_BEFORE
from auditor.pipeline.launch import Report
from auditor.pipeline.measure import Measured, Measurer, lowest, sample_candidates
from auditor.pipeline.ordered import ordered
from auditor.pipeline.parts import PartWriter
from auditor.pipeline.plan import Task, source_options
from auditor.records import Skip
from auditor.sketch.types import TypeSample
from auditor.sketch.types import merge as merge_types
from auditor.sources.interface import Batch
from auditor.sources.read import read_split

SAMPLE_PER_CELL = 100  # documents kept per language and score stratum of a split
TYPE_CAP = 1 << 16  # cells of the type sample kept per level; bounds memory and the size of the parts
SKIPS_KEPT = 200  # records named one by one in a split; the rest are counts by reason


@dataclass(frozen=True, slots=True)
class Job:
    """A task with all that a worker needs to do it."""

    task: Task
    config: Config
    run: Path
    threads: int


def map_split(job: Job, report: Report) -> dict[str, Any]:
    """Read, measure and write one split; returns the marker that is written beside the parts.

    A split that breaks in the middle keeps what came before the damage and is marked incomplete with the reason.
    """
    tally = _Tally()
    with PartWriter(job.run, job.task.key) as writer:
        # A counter of types for each thread, and another for documents that are human by their date.
        types: queue.SimpleQueue[tuple[TypeSample, TypeSample]] = queue.SimpleQueue()
        for _ in range(job.threads):
            types.put((TypeSample(cap=TYPE_CAP), TypeSample(cap=TYPE_CAP)))
        measurer = _measurer(job.config)
        shard = job.task.shard.name

        def work(batch: Batch) -> tuple[Measured, pl.DataFrame, Batch]:
            measured = measurer.measure(batch.frame, job.task.corpus, shard)
            documents = measured.documents
            group, score_bin, eligible = (documents[name].to_numpy() for name in ("group", "score_bin", "eligible"))
            dated = eligible & (documents["date"] < date.fromisoformat(HUMAN_BEFORE)).fill_null(False).to_numpy()
            counters = types.get()
            counters[0].add(measured.batch.tokens, group, score_bin, eligible)
            if dated.any():
                counters[1].add(measured.batch.tokens, group, score_bin, dated)
            types.put(counters)
            return measured, sample_candidates(measured, SAMPLE_PER_CELL), batch

        kept: pl.DataFrame | None = None
        try:
            for measured, candidates, batch in ordered(work, _batches(job), job.threads):
                writer.add("documents", measured.documents.to_arrow())
                writer.add("signatures", measured.signatures)
                writer.add("bands", measured.bands.to_arrow())
                kept = candidates if kept is None else lowest(pl.concat([kept, candidates]), SAMPLE_PER_CELL)
                tally.add(measured.documents, batch)
                report(batch.frame.height, int(measured.documents["bytes"].sum()))
        except SourceError as error:
            tally.error = str(error)
        counted = [types.get() for _ in range(job.threads)]
        for place, name in enumerate(("types", "dated_types")):
            merged = merge_types((counters[place].frame() for counters in counted), cap=TYPE_CAP)
            if name == "types" or merged.height:
                writer.add(name, merged.to_arrow())
        if kept is not None and job.config.retain == "sample":
            writer.add("sample", kept.drop("stratum").to_arrow())
        marker = tally.marker() | {"task": {"role": job.task.role, "shard": shard, "split": job.task.split.index}}
        writer.finish(marker)
    return marker


def _batches(job: Job) -> Iterator[Batch]:
    return read_split(job.task.shard, job.task.split, source_options(job.config, job.run))


@cache
def _measurer(config: Config) -> Measurer:
    """Loaded once per process."""
    pa.set_cpu_count(1)
    return Measurer.of(config)


class _Tally:
    """What a split's marker says: counts, skips by reason, and the digest of its content."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.skips: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.ineligible: Counter[str] = Counter()
        self.named: list[Skip] = []
        self.digest = 0
        self.error: str | None = None

    def add(self, documents: pl.DataFrame, batch: Batch) -> None:
        eligible = documents.filter("eligible")
        self.counts.update(
            documents=documents.height,
            eligible_documents=eligible.height,
            tokens=int(eligible["words"].sum()),
            bytes=int(documents["bytes"].sum()),
        )
        self.ineligible.update(documents["skip_reason"].drop_nulls().to_list())
        for skip in batch.skips:
            self.skips[skip.reason] += skip.documents
            if len(self.named) < SKIPS_KEPT:
                self.named.append(skip)
        for note in batch.notes:
            self.notes[note.reason] += note.documents
        # A sum does not depend on order, and a changed document changes it: 64 bits modulo 2^64.
        content = documents["content_1"].to_numpy() ^ documents["content_2"].to_numpy()
        self.digest = (self.digest + int(np.add.reduce(content, dtype=np.uint64))) % (1 << 64)

    def marker(self) -> dict[str, Any]:
        return {
            **{name: self.counts[name] for name in ("documents", "eligible_documents", "tokens", "bytes")},
            "skipped": sum(self.skips.values()),
            "skips": dict(sorted(self.skips.items())),
            "notes": dict(sorted(self.notes.items())),
            "ineligible": dict(sorted(self.ineligible.items())),
            "named": [asdict(skip) for skip in self.named],
            "digest": f"{self.digest:016x}",
            "complete": self.error is None,
            "error": self.error,
        }
