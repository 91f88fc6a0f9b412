"""Map: one split of one shard becomes a folder of parts. Deterministic, whatever the threads and the machine's load."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

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
from auditor.pipeline.map.type_counters import TypeCounters
from auditor.pipeline.run.markers import Marker
from auditor.pipeline.run.ownership import NOWHERE, REFUSAL
from auditor.pipeline.run.parts import PartWriter
from auditor.pipeline.run.plan import Task, source_options
from auditor.pipeline.run.retained import is_forgotten
from auditor.run_columns import SAMPLE_PER_CELL
from auditor.sources.find.files import is_url
from auditor.sources.find.plan import is_unchanged
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import Batch, SourceOptions


@dataclass(frozen=True, slots=True)
class Job:
    """A task with everything that a worker needs."""

    task: Task
    config: Config
    run: Path
    threads: int


def map_split(job: Job, report: Report) -> Marker:
    """Read, measure and write one split; returns the marker that is written beside the parts.

    A split that breaks in the middle keeps what came before the damage and is marked incomplete with the reason.
    Raises: SourceError where the file is not, or no longer, the one that was planned: its parts would get a wrong key
    """
    task, options = job.task, source_options(job.config, job.run)
    same_file(task, options)
    tally, types, measurer = Tally(), TypeCounters(job.threads), _measurer(job.config)
    sample, words = _samples()
    texts = redacted_texts if job.config.retain == "redacted" else capped_texts

    def work(batch: Batch) -> tuple[Measured, Batch]:
        measured = measurer.measure(batch.frame, task.corpus, task.shard.name)
        types.add(measured)
        return measured, batch

    with PartWriter(job.run, task.key) as writer:
        sketches = Sketches(writer, job.config)
        try:
            for measured, batch in ordered(work, read_split(task.shard, task.split, options), job.threads):
                documents = measured.documents
                writer.add("documents", documents.to_arrow())
                sketches.add(measured.signatures)
                sample.add(candidates(measured), partial(texts, measured))
                words.add(word_sample.candidates(documents), partial(word_sample.first_words, measured.batch.tokens))
                tally.add(documents, measured.records, batch)
                report(batch.frame.height, int(documents["bytes"].sum()))
        except SourceError as error:
            tally.error = str(error)
        same_file(task, options)
        sketches.end()
        for name, table in types.tables():
            writer.add(name, table)
        if job.config.retain != "none" and not is_forgotten(job.run):
            for name, kept in (("sample", sample), (word_sample.PART, words)):
                if (frame := kept.frame()) is not None:
                    writer.add(name, frame.drop("stratum", strict=False).to_arrow())
        return writer.finish(tally.marker(task))


def _samples() -> tuple[Lowest, Lowest]:
    """The retained samples of a split: texts by language and score, words by language, topic and category."""
    texts = Lowest("text", partial(lowest, per_cell=SAMPLE_PER_CELL))
    return texts, Lowest("words", word_sample.lowest)


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
    # Arrow's own allocator returns pages and requests them again, which costs 5% of the time and 40 MB.
    pa.set_memory_pool(pa.system_memory_pool())
    return Measurer.of(config)
