"""Map: one split of one shard becomes a folder of parts. Deterministic, whatever the threads and the machine's load."""

from __future__ import annotations

import os
import queue
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.config import Config
from auditor.errors import SourceError
from auditor.estimate.anchors import HUMAN_BEFORE
from auditor.pipeline import drawn, measure
from auditor.pipeline.launch import Report
from auditor.pipeline.lowest import Lowest
from auditor.pipeline.measure import Measured, Measurer
from auditor.pipeline.ordered import ordered
from auditor.pipeline.parts import ROW_GROUP, PartWriter, signature_rows
from auditor.pipeline.plan import Task, source_options
from auditor.records import Skip
from auditor.sketch.bands import band_frame, parameters
from auditor.sketch.types import TypeSample, summed
from auditor.sources.files import is_url
from auditor.sources.interface import Batch, SourceOptions
from auditor.sources.plan import is_unchanged
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
    Raises: SourceError where the file is not, or no more, what was planned: its parts would be filed under a false key
    """
    tally = _Tally()
    options = source_options(job.config, job.run)
    same_file(job.task, options)
    with PartWriter(job.run, job.task.key) as writer:
        # A counter of types for each thread; another for documents that are human by their date, once there are any.
        types: queue.SimpleQueue[tuple[TypeSample, TypeSample | None]] = queue.SimpleQueue()
        for _ in range(job.threads):
            types.put((TypeSample(cap=TYPE_CAP), None))
        measurer = _measurer(job.config)
        shard = job.task.shard.name

        def work(batch: Batch) -> tuple[Measured, Batch]:
            measured = measurer.measure(batch.frame, job.task.corpus, shard)
            documents = measured.documents
            group, score_bin, eligible = (documents[name].to_numpy() for name in ("group", "score_bin", "eligible"))
            dated = eligible & (documents["date"] < date.fromisoformat(HUMAN_BEFORE)).fill_null(False).to_numpy()
            counter, dated_counter = types.get()
            counter.add(measured.batch.tokens, group, score_bin, eligible)
            if dated.any():
                dated_counter = dated_counter or TypeSample(cap=TYPE_CAP)
                dated_counter.add(measured.batch.tokens, group, score_bin, dated)
            types.put((counter, dated_counter))
            return measured, batch

        sample = Lowest("text", partial(measure.lowest, per_cell=SAMPLE_PER_CELL))
        words = Lowest("words", drawn.lowest)
        sketches = _Sketches(writer, job.config)
        batches = read_split(job.task.shard, job.task.split, options)
        try:
            for measured, batch in ordered(work, batches, job.threads):
                writer.add("documents", measured.documents.to_arrow())
                sketches.add(measured.signatures)
                sample.add(measure.candidates(measured), partial(measure.capped_texts, measured))
                words.add(drawn.candidates(measured.documents), partial(drawn.first_words, measured.batch.tokens))
                tally.add(measured.documents, batch)
                report(batch.frame.height, int(measured.documents["bytes"].sum()))
        except SourceError as error:
            tally.error = str(error)
        counters = [types.get() for _ in range(job.threads)]
        counted = summed([counter for counter, _ in counters])
        dated_ones = summed([counter for _, counter in counters if counter])
        same_file(job.task, options)
        sketches.end()
        for name, sampled in (("types", counted), ("dated_types", dated_ones)):
            if sampled:
                writer.add(name, sampled.frame().to_arrow())
        if job.config.retain == "sample":
            for name, kept in (("sample", sample), (drawn.PART, words)):
                if (frame := kept.frame()) is not None:
                    writer.add(name, frame.drop("stratum", strict=False).to_arrow())
        marker = tally.marker() | {"task": {"role": job.task.role, "shard": shard, "split": job.task.split.index}}
        return writer.finish(marker)


def same_file(task: Task, options: SourceOptions) -> None:
    """Raises: SourceError where the file has changed or gone since it was planned"""
    if not is_unchanged(task.shard, options):
        gone = not (is_url(task.shard.path) or os.path.exists(task.shard.path))
        what = "it has gone" if gone else "it has changed"
        raise SourceError(f"{task.shard.path}: {what} since the corpus was planned; run the same command again")


@cache
def _measurer(config: Config) -> Measurer:
    """Loaded once per process."""
    pa.set_cpu_count(1)
    # Arrow's own allocator gives pages back and asks for them again: 5% of the time, and 40 MB more of them.
    pa.set_memory_pool(pa.system_memory_pool())
    return Measurer.of(config)


class _Sketches:
    """Signatures and their bands, by row groups: the bands of a row group are in order of band and hash.

    So a partition reads only its own band's row groups, and the bytes do not depend on the batches.
    """

    def __init__(self, writer: PartWriter, config: Config) -> None:
        self._writer, self._held = writer, pa.table({})
        self._lsh = parameters(config.near_dup_threshold, config.permutations)

    def add(self, signatures: pa.Table) -> None:
        self._held = pa.concat_tables([self._held, signatures]) if self._held.num_columns else signatures
        while self._held.num_rows >= ROW_GROUP:
            self._write(self._held.slice(0, ROW_GROUP))
            self._held = self._held.slice(ROW_GROUP)

    def end(self) -> None:
        if self._held.num_columns:
            self._write(self._held)

    def _write(self, rows: pa.Table) -> None:
        self._writer.add("signatures", rows)
        for batch in rows.combine_chunks().to_batches():
            self._writer.add("bands", band_frame(*signature_rows(batch), self._lsh).to_arrow())


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
        """Count a batch: documents, skips, notes, and the digest of the content."""
        eligible = documents.filter("eligible")
        self.counts.update(
            documents=documents.height,
            eligible_documents=eligible.height,
            dated=eligible.filter(pl.col("date") < date.fromisoformat(HUMAN_BEFORE)).height,
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
