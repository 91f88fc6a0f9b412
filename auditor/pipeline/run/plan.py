"""What will be read: the corpus and its references as one list of tasks, each keyed by input and configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from auditor.config import MAP_FIELDS, Config
from auditor.errors import ConfigError, StoreError
from auditor.manifest import LAYOUT, MANIFEST, key_of, read_json, write_json
from auditor.pipeline.run.ownership import NOWHERE, REFUSAL, is_own, is_trusted, sealed
from auditor.run_folder import refuse_links
from auditor.sketch.bands import LshParameters, parameters
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.interface import Corpus, Limits, Shard, SourceOptions, Split

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
        return self.corpora[CORPUS]

    def of_role(self, role: str) -> list[Task]:
        return [task for task in self.tasks if task.role == role]

    def slice(self, index: int, of: int) -> list[Task]:
        """The index-th of `of` slices (from 0), dealt round-robin so that large shards spread."""
        return list(self.tasks[index::of])

    @property
    def text_bytes(self) -> int:
        """Estimated bytes of uncompressed text."""
        return sum(task.text_bytes for task in self.tasks)


def source_options(config: Config, run: Path | None = None) -> SourceOptions:
    """The reader's options out of the configuration; a small --memory-limit makes batches and records small too."""
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


def save_plan(plan: Plan, config: Config, run: Path, facts: dict[str, Any]) -> None:
    """RUN/manifest.json: all that a step on another machine needs."""
    content = {
        "layout": LAYOUT,
        "config": config.model_dump(mode="json"),
        "corpora": {role: corpus.as_dict() for role, corpus in plan.corpora.items()},
        "tasks": [{"role": t.role, "shard": t.shard.name, "split": t.split.index, "key": t.key} for t in plan.tasks],
        **facts,
    }
    write_json(run / MANIFEST, sealed(content))


def save_statistics(run: Path, config: Config, near_duplicates: Any) -> None:
    """Keep the clusters' statistics in the manifest, and the configuration as it is now (another shared store).

    A foreign manifest stays as foreign as it was, with its own configuration.
    """
    manifest = read_json(run / MANIFEST)
    more = manifest | {"near_duplicates": near_duplicates}
    own = is_own(manifest) or is_trusted(run)
    write_json(run / MANIFEST, sealed(more | {"config": config.model_dump(mode="json")}) if own else more)


def load_plan(run: Path, corpus: Sequence[str] = (), *, trusted: bool = False) -> tuple[Plan, Config, dict[str, Any]]:
    """The plan of a run's folder, its configuration, and the manifest as it stands.

    Of a foreign run the plan names no place that is written or opened, and the configuration neither.
    Parameters: corpus, where the user says that the corpus lies now; trusted, by a process that has asked before
    Raises: StoreError where there is none; ConfigError where another version laid it out, or `corpus` is another one
    """
    if not run.is_dir():
        raise ConfigError(f"there is no run {run}")
    refuse_links(run)
    manifest = read_json(run / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("layout") != LAYOUT:
        raise ConfigError(f"{run} was laid out by another version of auditor; audit again with --fresh")
    try:
        config = Config.model_validate(manifest["config"])
        corpora = {role: Corpus.from_dict(fields) for role, fields in manifest["corpora"].items()}
        shards = {(role, shard.name): shard for role, corpus in corpora.items() for shard in corpus.shards}
        tasks = []
        for entry in manifest["tasks"]:
            shard = shards[entry["role"], entry["shard"]]
            if not re.fullmatch(r"[0-9a-f]{20}", entry["key"]):  # it names a folder, and may be a stranger's
                raise ValueError(f"{entry['key']!r} is no key")
            name = corpora[entry["role"]].name
            tasks.append(Task(entry["role"], name, shard, shard.splits[entry["split"]], entry["key"]))
        if CORPUS not in corpora or not {"audit_id", "started_at", "command"} <= manifest.keys():
            raise ValueError("no corpus, or no audit")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as wrong:
        raise StoreError(f"{run / MANIFEST} is no manifest of auditor's ({str(wrong).splitlines()[0]})") from None
    plan = Plan(corpora, tuple(tasks), foreign=not (trusted or is_own(manifest) or is_trusted(run)))
    if plan.foreign:
        plan = _elsewhere(plan, lambda shard: replace(shard, path=NOWHERE + shard.name), ())
        named = tuple(name for name in config.detectors if ":" not in name)  # the others name folders or hub ids
        config = config.model_copy(
            update={
                "store": None,
                "policy": None,
                "against": (),
                "detectors": named,
                "deep_sample": 0,
                "deep_budget": None,
            }
        )
    return (_relocated(plan, config, corpus) if corpus else plan), config, manifest


def _relocated(plan: Plan, config: Config, paths: Sequence[str]) -> Plan:
    """The plan with the corpus where the user says that it lies; its shards are found by their names."""
    found = {shard.name: shard for shard in plan_corpus(paths, source_options(config)).shards}
    gone = [shard.name for shard in plan.corpus.shards if shard.name not in found]
    other = [s.name for s in plan.corpus.shards if s.name in found and found[s.name].bytes != s.bytes]
    if gone or other:
        what = f"there is no {gone[0]}" if gone else f"{other[0]} is of another size"
        raise ConfigError(f"--corpus {' '.join(paths)} is not the corpus of this run: {what}")

    def here(shard: Shard) -> Shard:
        now = found[shard.name]
        return replace(shard, path=now.path, mtime=now.mtime, fingerprint=now.fingerprint)

    return replace(_elsewhere(plan, here, tuple(paths), roles=(CORPUS,)), foreign=False)


def _elsewhere(
    plan: Plan, move: Callable[[Shard], Shard], roots: tuple[str, ...], roles: Sequence[str] = ROLES
) -> Plan:
    """The plan with other places for the shards of some roles."""
    corpora = dict(plan.corpora)
    moved: dict[tuple[str, str], Shard] = {}
    for role, corpus in plan.corpora.items():
        if role in roles:
            shards = tuple(move(shard) for shard in corpus.shards)
            corpora[role] = replace(corpus, roots=roots, shards=shards)
            moved |= {(role, shard.name): shard for shard in shards}
    tasks = tuple(replace(task, shard=moved.get((task.role, task.shard.name), task.shard)) for task in plan.tasks)
    return Plan(corpora, tasks, plan.foreign)


def need_corpus(plan: Plan) -> None:
    """Raises: ConfigError where it is not known where the corpus lies"""
    if plan.foreign or any(shard.path.startswith(NOWHERE) for shard in plan.corpus.shards):
        raise ConfigError(REFUSAL)


def _record_bytes(config: Config) -> int:
    """The longest record read: decoded, tokenised and hashed it takes about RECORD_SHARE times its bytes.

    Only a limit that was asked for counts: the same plan is read alike on machines of any memory.
    """
    return min(Limits().record_bytes, config.memory_bytes // RECORD_SHARE if config.memory_limit else 1 << 62)


def _task_key(map_key: str, role: str, corpus: str, shard: Shard, split: Split) -> str:
    where = [shard.name, shard.fingerprint, asdict(shard.columns), asdict(split)]
    return key_of(LAYOUT, map_key, role, corpus, *where)
