"""What will be read: the corpus and its references as one list of tasks, each keyed by input and configuration."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.config import MAP_FIELDS, Config
from auditor.errors import ConfigError
from auditor.manifest import LAYOUT, key_of
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.interface import Corpus, Limits, Shard, SourceOptions, Split

if TYPE_CHECKING:
    from auditor.sketch.bands import LshParameters

CORPUS, HUMAN, AI = "corpus", "human", "ai"
ROLES = (CORPUS, HUMAN, AI)
RECORD_SHARE = 16
BATCH_SHARE = 256
EXPANSION = 3  # of compressed text, about


@dataclass(frozen=True, slots=True)
class Task:
    """One split of one shard: the unit of work, of resuming and of scheduling. Its key names its folder of parts."""

    role: str
    corpus: str
    shard: Shard
    split: Split
    key: str

    @property
    def text_bytes(self) -> int:
        """Estimated bytes of uncompressed text, for progress and for choosing workers."""
        guess = self.shard.bytes * (EXPANSION if self.shard.compression else 1) // max(len(self.shard.splits), 1)
        return self.split.text_bytes or guess


@dataclass(frozen=True, slots=True)
class Plan:
    """The corpora by role, and the tasks in their fixed order."""

    corpora: dict[str, Corpus]
    tasks: tuple[Task, ...]
    foreign: bool = False  # made by another user or on another machine: see run/ownership.py

    @property
    def corpus(self) -> Corpus:
        """The corpus that is audited."""
        return self.corpora[CORPUS]

    def of_role(self, role: str) -> list[Task]:
        """The tasks of the corpus or of one of its references."""
        return [task for task in self.tasks if task.role == role]

    def slice(self, index: int, of: int) -> list[Task]:
        """The index-th of `of` slices (from 0), dealt round-robin so that large shards spread."""
        return list(self.tasks[index::of])

    @property
    def text_bytes(self) -> int:
        """Estimated bytes of uncompressed text."""
        return sum(task.text_bytes for task in self.tasks)


def source_options(config: Config, run: Path | None = None) -> SourceOptions:
    """The reader's options from the configuration; a small --memory-limit makes batches and records small too."""
    return SourceOptions(
        text_column=config.text_column,
        id_column=config.id_column,
        date_column=config.date_column,
        url_column=config.url_column,
        language_column=config.language_column,
        source_column=config.source_column,
        topic_column=config.topic_column,
        category_column=config.category_column,
        batch_bytes=max(1 << 10, min(config.batch_bytes, config.memory_bytes // BATCH_SHARE)),
        split_bytes=config.split_bytes,
        limits=Limits(record_bytes=_record_bytes(config)),
        spool=run / "spool" if run else None,
    )


def lsh_of(config: Config) -> LshParameters:
    """How a run's signatures are cut into bands.

    Raises: ConfigError where the threshold or the permutations allow no cut
    """
    from auditor.sketch.bands import parameters  # it imports numba, which planning does not need

    return parameters(config.near_dup_threshold, config.permutations)


def make_plan(config: Config, run: Path | None = None) -> Plan:
    """Find the shards of the corpus and of its references.

    Raises: ConfigError when a path is not there, holds nothing readable, or a column named is missing
    """
    if not config.corpus:
        raise ConfigError("no corpus was given: name files, folders, globs, or - for standard input")
    options = source_options(config, run)
    paths = {CORPUS: config.corpus, HUMAN: config.human_reference, AI: config.known_ai}
    samples = {CORPUS: config.shards_sample}
    corpora = {
        role: plan_corpus(
            paths[role], replace(options, demanded=role == CORPUS), sample=samples.get(role), seed=config.seed
        )
        for role in ROLES
        if paths[role]
    }
    map_key = config.key(MAP_FIELDS)
    if _record_bytes(config) != Limits().record_bytes:
        map_key += f" {_record_bytes(config)}"  # longer records are skipped
    tasks = [
        Task(role, corpus.name, shard, split, _task_key(map_key, role, corpus.name, shard, split))
        for role, corpus in corpora.items()
        for shard in corpus.shards
        for split in shard.splits
    ]
    return Plan(corpora, tuple(tasks))


def _record_bytes(config: Config) -> int:
    """The longest record read: decoded, tokenised and hashed it takes about RECORD_SHARE times its bytes.

    Only an explicit limit counts, so that the same plan reads the same on machines of any memory.
    """
    return min(Limits().record_bytes, config.memory_bytes // RECORD_SHARE if config.memory_limit else 1 << 62)


def _task_key(map_key: str, role: str, corpus: str, shard: Shard, split: Split) -> str:
    where = [shard.name, shard.fingerprint, asdict(shard.columns), asdict(split)]
    return key_of(LAYOUT, map_key, role, corpus, *where)
