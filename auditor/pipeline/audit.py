"""The whole audit: plan, map, reduce, finalise into one run's folder; a second call resumes.

What only measuring or concluding needs is imported there: the workers start before it, and read while it is imported.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from auditor.config import Config
from auditor.errors import EXIT_INCOMPLETE, EXIT_NOTHING, EXIT_PASS, ConfigError, NothingAudited, StoreError
from auditor.manifest import CLUSTERS, MANIFEST, key_of, locked, read_json
from auditor.pipeline.launch import Event, Report, run_jobs
from auditor.pipeline.parts import PARTS, done
from auditor.pipeline.plan import Plan, Task, load_plan, make_plan, save_plan, source_options
from auditor.pipeline.recovery import drop_damaged, missing_parts, named, store_faults, sweep_run
from auditor.store.database import DATABASE
from auditor.store.shared import check_store, copy_audit

if TYPE_CHECKING:
    from auditor.pipeline.finalise import Outcome

# Below this much text a second process costs more than it saves.
ONE_PROCESS_BYTES = 64 << 20
WORKER_BYTES = 1 << 30  # of one process at its peak, about (docs/scale.md)
FIRST_BYTES, THREAD_BYTES = 512 << 20, 192 << 20  # of it: whatever the threads; more for each of them


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
    """Audit a corpus into a run's folder, and copy its figures into the shared store where one is named.

    Raises: ConfigError before anything is read; NothingAudited; StoreError where another audit holds the folder, its
    disk is full, a file of it is broken, or the shared store cannot take the figures
    """
    progress = progress or Silent()
    config = _placed(config)
    if config.store:
        check_store(Path(config.store))
    if config.launcher == "slurm":
        return _on_slurm(config, run, fresh=fresh, command=command, progress=progress)
    with locked(run), store_faults(run):
        plan = prepare(config, run, fresh=fresh, command=command)
        failed = map_all(plan, config, run, progress=progress, meanwhile=_warm_up)
        return _shared(_conclude(plan, config, run, failed, progress), run, config.store)


def lay_out(config: Config, run: Path, *, command: str = "") -> Plan:
    """Plan into a run's folder, for steps that run elsewhere."""
    with locked(run):
        return prepare(_placed(config), run, command=command)


def finish(run: Path, *, store: str | None = None, progress: Progress | None = None) -> Outcome:
    """Reduce and finalise what `auditor map` has left in a run's folder; missing and damaged parts are named.

    The run's figures are replaced in the shared store that is named here, else in the one that it was audited with;
    where that one is gone, a note says so.
    Raises: StoreError
    """
    progress = progress or Silent()
    load_plan(run)  # before the lock, which would make the folder
    if store is not None:
        check_store(Path(store))
    with locked(run), store_faults(run):
        plan, config, _ = load_plan(run)
        if store is not None:
            config = _placed(config.model_copy(update={"store": store}))
        sweep_run(run)
        outcome = _conclude(plan, config, run, missing_parts(plan, run, progress.note), progress)
        kept = config.store
        if kept and store is None:
            try:
                check_store(Path(kept))
            except StoreError as gone:
                progress.note(f"the shared store was not brought up to date: {gone}")
                kept = None
        return _shared(outcome, run, kept)


def _placed(config: Config) -> Config:
    """With the whole path of the shared store: `auditor label` and `finalise` look for it later, from anywhere."""
    return config.model_copy(update={"store": os.path.abspath(config.store)}) if config.store else config


def _shared(outcome: Outcome, run: Path, store: str | None) -> Outcome:
    """The outcome, its figures copied into the shared store, where they replace those of the same audit."""
    if store:
        copy_audit(run / DATABASE, Path(store))
    return outcome


def prepare(config: Config, run: Path, *, fresh: bool = False, command: str = "") -> Plan:
    """Plan and write the manifest; parts of other inputs or settings stay until nothing names them."""
    sweep_run(run)
    if fresh:
        for name in (PARTS, CLUSTERS, "spool"):
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
        with suppress(StoreError):  # a broken one is written again
            before = read_json(run / MANIFEST)
            if isinstance(before, dict) and before.get("audit_id") == facts["audit_id"]:
                facts["started_at"] = before.get("started_at", started)
    save_plan(plan, config, run, facts)
    return plan


def map_all(
    plan: Plan, config: Config, run: Path, *, tasks: Sequence[Task] | None = None, progress: Progress | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Map every split that is not done; returns the reasons of those that failed, by task key.

    Parameters: meanwhile, what this process does as soon as others have begun to read
    """
    progress = progress or Silent()
    chosen = plan.tasks if tasks is None else tasks
    damaged = drop_damaged(chosen, run)
    for task in chosen:
        if task.key in damaged:
            progress.note(f"{task.shard.name}: {damaged[task.key]}; reading it again")
    wanted = [task for task in chosen if not _complete(run, task)]
    workers = min(crew(config), len(wanted)) if plan.text_bytes > ONE_PROCESS_BYTES else 1
    threads = threads_each(config, max(workers, 1))
    # Largest first: the last task to end should be a small one.
    wanted.sort(key=lambda task: -task.text_bytes)
    progress.stage("reading and measuring", sum(task.text_bytes for task in wanted))
    failed = {}
    for event in _launch(wanted, config, run, workers=workers, threads=threads):
        task = wanted[event.job]
        if event.kind == "progress":
            progress.step(event.documents, event.bytes)
            if meanwhile and workers > 1:
                meanwhile()
                meanwhile = None
        elif event.stop:
            raise StoreError(f"{event.reason}; nothing finished was lost, the same command goes on from here")
        elif event.kind == "failed":
            failed[task.key] = event.reason
            progress.note(f"{named(task)}: {event.reason}")
        elif event.result["error"]:
            progress.note(f"{named(task)}: read in part: {event.result['error']}")
    return failed


def crew(config: Config) -> int:
    """How many processes fit the memory limit."""
    return max(1, min(config.workers, config.memory_bytes // WORKER_BYTES))


def threads_each(config: Config, workers: int) -> int:
    """How many threads each of some processes may have: no more than there are cores, and than fit the memory limit."""
    return max(1, min(config.workers // workers, (config.memory_bytes // workers - FIRST_BYTES) // THREAD_BYTES))


def _launch(tasks: Sequence[Task], config: Config, run: Path, *, workers: int, threads: int) -> Iterator[Event]:
    if config.launcher == "ray":
        from auditor.pipeline.ray import map_on_ray

        return map_on_ray(run, tasks)
    # No more threads than batches: what each of them holds for itself takes a tenth of a second to lay out and add up.
    batch = source_options(config).batch_bytes
    work = [(task, config, run, min(threads, task.text_bytes // batch + 1)) for task in tasks]
    return run_jobs(_map, work, workers=workers, threads=threads, apart=bool(config.memory_limit))


def _map(work: tuple[Task, Config, Path, int], report: Report) -> dict[str, Any]:
    from auditor.pipeline.map import Job, map_split  # by those who do it: see the head of this module

    return map_split(Job(*work), report)


def _warm_up() -> None:
    def load() -> None:
        with suppress(Exception):  # concluding meets it again, and says what it is
            import_module("auditor.pipeline.conclude").warm_up()

    threading.Thread(target=load, daemon=True).start()


def _conclude(plan: Plan, config: Config, run: Path, failed: dict[str, str], progress: Progress) -> Outcome:
    from auditor.pipeline.conclude import conclude

    workers = crew(config) if plan.text_bytes > ONE_PROCESS_BYTES else 1
    return conclude(plan, config, run, failed, workers=workers, progress=progress)


def _on_slurm(config: Config, run: Path, *, fresh: bool, command: str, progress: Progress) -> Outcome:
    """Lay out, submit, wait; the jobs hold the folder themselves."""
    from auditor.pipeline.finalise import Outcome
    from auditor.pipeline.results import read_report
    from auditor.pipeline.slurm import submit, write_scripts

    with locked(run):
        plan = prepare(config, run, fresh=fresh, command=command)
        scripts = write_scripts(run, plan, config)
    code = submit(scripts, say=progress.note)
    if code not in (EXIT_PASS, EXIT_INCOMPLETE):
        raise (
            NothingAudited(f"nothing could be read; see {scripts.folder}")
            if code == EXIT_NOTHING
            else StoreError(f"the last job ended with exit code {code}; see the logs in {scripts.folder}")
        )
    return Outcome(read_report(run), code)


def _complete(run: Path, task: Task) -> bool:
    """Done, and read to its end: what broke in the middle is tried again, for the fault may have passed."""
    marker = done(run, task.key)
    return marker is not None and marker["complete"]


def _refuse_foreign(run: Path) -> None:
    """A folder with other things in it is not overwritten."""
    if run.exists() and not run.is_dir():
        raise ConfigError(f"--out {run} is a file; name a folder")
    if run.is_dir() and not (run / MANIFEST).exists():
        ours = ("lock.json", PARTS, CLUSTERS, "spool", "slurm")
        others = [e.name for e in run.iterdir() if e.name not in ours and not e.name.startswith(f".{MANIFEST}.")]
        if others:
            raise ConfigError(f"--out {run} holds other files ({', '.join(sorted(others)[:3])}); name a new folder")
