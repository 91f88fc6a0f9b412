"""Runs joined to one: a month of dumps as one corpus."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from auditor.config import MAP_FIELDS
from auditor.errors import ConfigError, StoreError
from auditor.manifest import key_of
from auditor.pipeline.run.parts import PARTS, done, part_folder
from auditor.pipeline.run.plan import Plan, Task
from auditor.pipeline.run.run import Facts, load_run, save_plan
from auditor.run_folder import link_or_copy, make_run
from auditor.sources.read.interface import Corpus


def merge_runs(runs: Sequence[Path], out: Path) -> None:
    """Lay several finished runs out as one in a new folder; reducing and finalising it gives the joint figures.

    Parts are linked, not copied, where the file system can.
    Raises: ConfigError where the runs were made with other settings or name their shards alike
    """
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"--out {out} is not empty; name a new folder")
    loaded = [load_run(run) for run in runs]
    first = loaded[0].config
    for run, opened in zip(runs, loaded, strict=True):
        if opened.config.key(MAP_FIELDS) != first.key(MAP_FIELDS):
            raise ConfigError(f"{run} was audited with other settings than {runs[0]}: audit one of them again")
    make_run(out)
    corpora: dict[str, Corpus] = {}
    tasks: list[Task] = []
    for run, opened in zip(runs, loaded, strict=True):
        for role, corpus in opened.plan.corpora.items():
            corpora[role] = _joined(corpora.get(role), corpus, run)
        for task in opened.plan.tasks:
            if done(run, task.key) is None:
                raise StoreError(f"{run}: {task.shard.name} has not been mapped; finish that run first")
            if all(task.key != other.key for other in tasks):
                tasks.append(task)
                for path in part_folder(run, task.key).iterdir():
                    link_or_copy(path, out / PARTS / task.key / path.name, within=out)
    roots = tuple(path for opened in loaded for path in opened.config.corpus)
    # The first run's store holds that run; the joint one goes where the caller says.
    config = first.model_copy(update={"corpus": roots, "store": None})
    facts = Facts(
        audit_id=key_of(config.hash, [task.key for task in tasks]),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command="auditor merge " + " ".join(str(run) for run in runs),
    )
    save_plan(Plan(corpora, tuple(tasks)), config, out, facts)


def _joined(before: Corpus | None, corpus: Corpus, run: Path) -> Corpus:
    if before is None:
        return corpus
    held = {shard.name: shard for shard in before.shards}
    for shard in corpus.shards:
        if shard.name in held and held[shard.name].fingerprint != shard.fingerprint:
            raise ConfigError(f"{run}: another run has a shard {shard.name} too; audit them from a common folder")
    fresh = tuple(shard for shard in corpus.shards if shard.name not in held)
    names = dict.fromkeys([*before.name.split("+"), corpus.name])
    return Corpus(
        "+".join(names),
        before.roots + corpus.roots,
        before.shards + fresh,
        before.failed + corpus.failed,
        before.ignored + corpus.ignored,
    )
