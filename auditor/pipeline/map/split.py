"""Map: one split of one shard becomes a folder of parts. Deterministic, whatever the threads and the machine's load."""

from __future__ import annotations

import os
import queue
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from auditor.config import Config
from auditor.errors import SourceError
from auditor.pipeline.launch.processes import Report
from auditor.pipeline.map import word_sample
from auditor.pipeline.map.batch import Measured, Measurer, candidates, capped_texts, lowest, redacted_texts
from auditor.pipeline.map.bottom_sample import Lowest
from auditor.pipeline.map.sketches import Sketches
from auditor.pipeline.map.tally import Tally
from auditor.pipeline.map.threads import ordered
from auditor.pipeline.run.ownership import NOWHERE, REFUSAL
from auditor.pipeline.run.parts import PartWriter
from auditor.pipeline.run.plan import Task, source_options
from auditor.pipeline.run.retained import is_forgotten
from auditor.run_columns import HUMAN_BEFORE, SAMPLE_PER_CELL, TYPE_CAP
from auditor.sketch.types import TypeSample, summed
from auditor.sources.find.files import is_url
from auditor.sources.find.plan import is_unchanged
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import Batch, SourceOptions


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
    tally = Tally()
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

        redacted = job.config.retain == "redacted"
        sample = Lowest("text", partial(lowest, per_cell=SAMPLE_PER_CELL))
        words = Lowest("words", word_sample.lowest)
        sketches = Sketches(writer, job.config)
        batches = read_split(job.task.shard, job.task.split, options)
        try:
            for measured, batch in ordered(work, batches, job.threads):
                writer.add("documents", measured.documents.to_arrow())
                sketches.add(measured.signatures)
                sample.add(candidates(measured), partial(redacted_texts if redacted else capped_texts, measured))
                words.add(
                    word_sample.candidates(measured.documents), partial(word_sample.first_words, measured.batch.tokens)
                )
                tally.add(measured.documents, measured.records, batch)
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
        if job.config.retain != "none" and not is_forgotten(job.run):
            for name, kept in (("sample", sample), (word_sample.PART, words)):
                if (frame := kept.frame()) is not None:
                    writer.add(name, frame.drop("stratum", strict=False).to_arrow())
        marker = tally.marker() | {"task": {"role": job.task.role, "shard": shard, "split": job.task.split.index}}
        return writer.finish(marker)


def same_file(task: Task, options: SourceOptions) -> None:
    """Raises: SourceError where the file has changed or gone since it was planned"""
    if task.shard.path.startswith(NOWHERE):
        raise SourceError(f"{task.shard.name}: {REFUSAL}")
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
