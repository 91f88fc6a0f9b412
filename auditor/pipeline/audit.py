"""The whole audit: plan, map, reduce, finalise into one run's folder; a second call resumes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from auditor.config import Config
from auditor.errors import ConfigError
from auditor.manifest import MANIFEST, key_of, locked, read_json
from auditor.pipeline.finalise import Outcome, finalise
from auditor.pipeline.launch import Event, run_jobs
from auditor.pipeline.map import Job, map_split
from auditor.pipeline.parts import PARTS, done
from auditor.pipeline.plan import Plan, Task, load_plan, make_plan, save_plan
from auditor.pipeline.reduce import cluster

# Below this much text a second process costs more than it saves.
ONE_PROCESS_BYTES = 64 << 20


class Progress(Protocol):
    """Who listens: the command line draws bars, Python callers may ignore it."""

    def stage(self, name: str, total: int) -> None: ...

    def step(self, documents: int, size: int) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Silent:
    """Progress for those who don't look."""

    def stage(self, name: str, total: int) -> None:
        pass

    def step(self, documents: int, size: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def audit(
    config: Config, run: Path, *, fresh: bool = False, command: str = "", progress: Progress | None = None
) -> Outcome:
    """Audit a corpus into a run's folder.

    Raises: ConfigError before anything is read; NothingAudited; StoreError where another audit holds the folder
    """
    progress = progress or Silent()
    with locked(run):
        plan = prepare(config, run, fresh=fresh, command=command)
        failed = map_all(plan, config, run, progress=progress)
        _reduce(plan, config, run, progress)
        return finalise(run, failed=failed, say=progress.note)


def finish(run: Path, *, progress: Progress | None = None) -> Outcome:
    """Reduce and finalise what `auditor map` has left in a run's folder."""
    progress = progress or Silent()
    load_plan(run)  # before the lock, which would make the folder
    with locked(run):
        plan, config, _ = load_plan(run)
        _reduce(plan, config, run, progress)
        return finalise(run, say=progress.note)


def prepare(config: Config, run: Path, *, fresh: bool = False, command: str = "") -> Plan:
    """Plan and write the manifest; parts of other inputs or settings stay until nothing names them."""
    if fresh:
        for name in (PARTS, "clusters", "spool"):
            shutil.rmtree(run / name, ignore_errors=True)
    _refuse_foreign(run)
    plan = make_plan(config, run)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    facts: dict[str, Any] = {
        "audit_id": key_of(config.hash, [task.key for task in plan.tasks]),
        "started_at": started,
        "command": command,
    }
    if (run / MANIFEST).exists() and not fresh:
        before = read_json(run / MANIFEST)
        if before.get("audit_id") == facts["audit_id"]:
            facts["started_at"] = before.get("started_at", started)
    save_plan(plan, config, run, facts)
    return plan


def map_all(
    plan: Plan, config: Config, run: Path, *, tasks: Sequence[Task] | None = None, progress: Progress | None = None
) -> dict[str, str]:
    """Map every split that is not done; returns the reasons of those that failed, by task key."""
    progress = progress or Silent()
    wanted = [task for task in (plan.tasks if tasks is None else tasks) if not _complete(run, task)]
    workers = min(config.workers, len(wanted)) if plan.text_bytes > ONE_PROCESS_BYTES else 1
    threads = max(1, config.workers // max(workers, 1))
    # Largest first: the last task to end should be a small one.
    wanted.sort(key=lambda task: -task.text_bytes)
    jobs = [Job(task, config, run, threads) for task in wanted]
    progress.stage("reading and measuring", sum(task.text_bytes for task in wanted))
    failed = {}
    for event in run_jobs(map_split, jobs, workers=workers):
        if event.kind == "progress":
            progress.step(event.documents, event.bytes)
        elif event.kind == "failed":
            failed[wanted[event.job].key] = event.reason
            progress.note(f"{wanted[event.job].shard.name}: {event.reason}")
        elif event.result["error"]:
            progress.note(f"{wanted[event.job].shard.name}: read in part: {event.result['error']}")
    return failed


def _reduce(plan: Plan, config: Config, run: Path, progress: Progress) -> None:
    progress.stage("clustering near-duplicates", 0)

    def listen(stage: str, event: Event) -> None:
        if event.kind == "failed":
            progress.note(f"{stage}: {event.reason}")

    workers = config.workers if plan.text_bytes > ONE_PROCESS_BYTES else 1
    statistics = cluster(run, plan, config, workers=workers, listen=listen)
    manifest = read_json(run / MANIFEST)
    save_plan(plan, config, run, {key: manifest[key] for key in ("audit_id", "started_at", "command")}
              | {"near_duplicates": statistics})  # fmt: skip


def _complete(run: Path, task: Task) -> bool:
    """Done, and read to its end: what broke in the middle is tried again, for the fault may have passed."""
    marker = done(run, task.key)
    return marker is not None and marker["complete"]


def _refuse_foreign(run: Path) -> None:
    """A folder with other things in it is not overwritten."""
    if run.exists() and not run.is_dir():
        raise ConfigError(f"--out {run} is a file; name a folder")
    if run.is_dir() and not (run / MANIFEST).exists():
        others = [entry.name for entry in run.iterdir() if entry.name not in ("lock.json", PARTS, "clusters", "spool")]
        if others:
            raise ConfigError(f"--out {run} holds other files ({', '.join(sorted(others)[:3])}); name a new folder")
