"""What an audit will cost, before it is run: from the plan and measured unit costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from auditor.config import Config
from auditor.pipeline.run.plan import HUMAN, Plan

# Measured with benchmarks/audit.py on two cores of a 2024 server; a quarter of that speed is assumed for archives
# of HTML, whose text must be extracted first.
TEXT_BYTES_PER_CORE_SECOND = 30e6
HTML_SLOWER = 4.0
PARTS_BYTES_PER_TEXT_BYTE = 0.5  # benchmarks/results/scale.json: 0.46 to 0.53
PROCESS_BYTES = 700 << 20
EMBEDDED_PER_CORE_SECOND = 10.0  # documents of about 150 words that --meaning embeds


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """A shard that would be read; documents: None where the file does not say; columns: those found, by role."""

    shard: str
    format: str
    compression: str | None
    bytes: int
    documents: int | None
    splits: int
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that would not be read, and why."""

    shard: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What the audit would take; hours: with the processes that were asked for; disk_bytes: of the run's parts."""

    text_bytes: int
    core_hours: float
    hours: float
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What `auditor plan` finds; `plain` of it is its JSON.

    shards_listed: files of the corpus where a sample of them would be read; documents: None where a file does not say
    """

    corpus: str
    shards_listed: int | None
    shards: tuple[PlannedShard, ...]
    unreadable: tuple[LeftOut, ...]
    passed_over: tuple[LeftOut, ...]
    bytes: int
    documents: int | None
    cost: Cost


def describe(plan: Plan, config: Config) -> Outlook:
    """The shards with their columns, and what an audit of them would cost."""
    corpus = plan.corpus
    shards = tuple(
        PlannedShard(
            shard.name,
            shard.format,
            shard.compression,
            shard.bytes,
            shard.rows,
            len(shard.splits),
            {name: value for name, value in asdict(shard.columns).items() if value},
        )
        for shard in corpus.shards
    )
    known = [shard.rows for shard in corpus.shards if shard.rows is not None]
    return Outlook(
        corpus.name,
        corpus.listed,
        shards,
        tuple(LeftOut(unread.name, unread.reason) for unread in corpus.failed),
        tuple(LeftOut(unread.name, unread.reason) for unread in corpus.ignored),
        sum(shard.bytes for shard in shards),
        sum(known) if len(known) == len(shards) else None,
        _cost(plan, config),
    )


def _cost(plan: Plan, config: Config) -> Cost:
    seconds = 0.0
    for task in plan.tasks:
        slower = HTML_SLOWER if task.shard.format == "warc" else 1.0
        seconds += task.text_bytes * slower / TEXT_BYTES_PER_CORE_SECOND
    seconds += config.meaning * (1 + (HUMAN in plan.corpora)) / EMBEDDED_PER_CORE_SECOND
    return Cost(
        plan.text_bytes,
        seconds / 3600,
        seconds / 3600 / config.workers,
        config.workers * PROCESS_BYTES,
        int(plan.text_bytes * PARTS_BYTES_PER_TEXT_BYTE),
    )
