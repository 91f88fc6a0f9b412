"""A run's folder opened: its plan, its configuration and the facts of its audit, as RUN/manifest.json has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from auditor.config import Config
from auditor.errors import ConfigError, StoreError
from auditor.manifest import LAYOUT, MANIFEST, read_json, write_json
from auditor.pipeline.run.ownership import NOWHERE, REFUSAL, is_own, is_trusted, sealed
from auditor.pipeline.run.plan import CORPUS, ROLES, Plan, Task, source_options
from auditor.run_folder import refuse_links
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.interface import Corpus, Shard

NEAR_DUPLICATES = "near_duplicates"


@dataclass(frozen=True, slots=True)
class Facts:
    """Which audit it is, when it was begun, and the command that began it."""

    audit_id: str
    started_at: str
    command: str


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What every step needs of a run; near_duplicates: what clustering did, by name, once it has run."""

    folder: Path
    plan: Plan
    config: Config
    facts: Facts
    near_duplicates: Mapping[str, float] = field(default_factory=dict)


def save_plan(plan: Plan, config: Config, run: Path, facts: Facts) -> None:
    """RUN/manifest.json: all that a step on another machine needs."""
    content = {
        "layout": LAYOUT,
        "config": config.model_dump(mode="json"),
        "corpora": {role: corpus.as_dict() for role, corpus in plan.corpora.items()},
        "tasks": [{"role": t.role, "shard": t.shard.name, "split": t.split.index, "key": t.key} for t in plan.tasks],
        **asdict(facts),
    }
    write_json(run / MANIFEST, sealed(content))


def save_statistics(run: Path, config: Config, near_duplicates: Mapping[str, float]) -> None:
    """Keep what clustering did in the manifest, and the configuration as it is now (another shared store).

    A foreign manifest stays foreign, with its own configuration.
    """
    manifest = read_json(run / MANIFEST)
    more = manifest | {NEAR_DUPLICATES: dict(near_duplicates)}
    own = is_own(manifest) or is_trusted(run)
    write_json(run / MANIFEST, sealed(more | {"config": config.model_dump(mode="json")}) if own else more)


def load_run(run: Path, corpus: Sequence[str] = (), *, trusted: bool = False) -> Run:
    """A run that was laid out before.

    The plan and the configuration of a foreign run then name no place that is written or opened.
    Parameters: corpus, where the user says that the corpus is now; trusted, by a process that has checked before
    Raises: StoreError where there is none; ConfigError where another version laid it out, or `corpus` is another one
    """
    if not run.is_dir():
        raise ConfigError(f"there is no run {run}")
    refuse_links(run)
    manifest = read_json(run / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("layout") != LAYOUT:
        raise ConfigError(f"{run} was laid out by another version of auditor; audit again with --fresh")
    own = trusted or is_own(manifest) or is_trusted(run)
    try:
        config = Config.model_validate(manifest["config"])
        plan = _plan_of(manifest, foreign=not own)
        facts = Facts(manifest["audit_id"], manifest["started_at"], manifest["command"])
        statistics = dict(manifest.get(NEAR_DUPLICATES) or {})
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as wrong:
        raise StoreError(f"{run / MANIFEST} is not a manifest of auditor ({str(wrong).splitlines()[0]})") from None
    if plan.foreign:
        plan, config = _without_places(plan, config)
    return Run(run, _relocated(plan, config, corpus) if corpus else plan, config, facts, statistics)


def need_corpus(plan: Plan) -> None:
    """Raises: ConfigError where the place of the corpus is not known"""
    if plan.foreign or any(shard.path.startswith(NOWHERE) for shard in plan.corpus.shards):
        raise ConfigError(REFUSAL)


def _plan_of(manifest: Mapping[str, Any], *, foreign: bool) -> Plan:
    """The plan that `save_plan` wrote.

    Raises: KeyError, TypeError, ValueError, IndexError or AttributeError where it is another content
    """
    corpora = {role: Corpus.from_dict(fields) for role, fields in manifest["corpora"].items()}
    if CORPUS not in corpora:
        raise ValueError("no corpus")
    shards = {(role, shard.name): shard for role, corpus in corpora.items() for shard in corpus.shards}
    tasks = []
    for entry in manifest["tasks"]:
        shard = shards[entry["role"], entry["shard"]]
        if not re.fullmatch(r"[0-9a-f]{20}", entry["key"]):  # it names a folder, and may come from a stranger
            raise ValueError(f"{entry['key']!r} is not a key")
        name = corpora[entry["role"]].name
        tasks.append(Task(entry["role"], name, shard, shard.splits[entry["split"]], entry["key"]))
    return Plan(corpora, tuple(tasks), foreign)


def _without_places(plan: Plan, config: Config) -> tuple[Plan, Config]:
    """A foreign run's plan and configuration without the places that they name."""
    plan = _elsewhere(plan, lambda shard: replace(shard, path=NOWHERE + shard.name), ())
    named = tuple(name for name in config.detectors if ":" not in name)  # the others name folders or hub ids
    nothing = {"store": None, "policy": None, "against": (), "deep_sample": 0, "deep_budget": None, "meaning": 0}
    return plan, config.model_copy(update={**nothing, "detectors": named})


def _relocated(plan: Plan, config: Config, paths: Sequence[str]) -> Plan:
    """The plan with the corpus where the user says that it is; its shards are matched by name."""
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
