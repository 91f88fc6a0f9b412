"""The whole audit: plan, map, reduce, finalise into one run's folder; a second call resumes.

Imports that only measuring or concluding needs are made there, so that workers start before them and read meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import numpy as np

from auditor.config import Config
from auditor.errors import EXIT_INCOMPLETE, EXIT_NOTHING, EXIT_PASS, AuditError, ConfigError, NothingAudited, StoreError
from auditor.manifest import CLUSTERS, MANIFEST, key_of, locked, read_json
from auditor.pipeline.map.crew import ONE_PROCESS_BYTES, crew, map_all
from auditor.pipeline.run.parts import PARTS
from auditor.pipeline.run.plan import Plan, make_plan
from auditor.pipeline.run.preconditions import check_detectors, refuse_replacing
from auditor.pipeline.run.progress import Outcome, Progress, Silent
from auditor.pipeline.run.recovery import missing_parts, store_faults, sweep_run
from auditor.pipeline.run.retained import FORGOTTEN, SPOOL
from auditor.pipeline.run.run import Facts, load_run, save_plan
from auditor.run_folder import remove
from auditor.store.database import DATABASE
from auditor.store.shared import check_store, copy_audit


def audit(
    config: Config, run: Path, *, fresh: bool = False, command: str = "", progress: Progress | None = None
) -> Outcome:
    """Audit a corpus into a run's folder, and copy its figures into the shared store where one is named.

    Raises: ConfigError before anything is read; NothingAudited; StoreError where another audit holds the folder, its
    disk is full, a file of it is broken, or the shared store cannot take the figures
    """
    progress = progress or Silent()
    config = _placed(config)
    _check(config)
    if config.launcher == "slurm":
        return _on_slurm(config, run, fresh=fresh, command=command, progress=progress)
    with locked(run), store_faults(run):
        if not fresh and _is_foreign(run):
            progress.note(
                f"{run} was made by another user or on another machine: its finished parts are taken as they are; "
                "--fresh reads everything again"
            )
        plan = prepare(config, run, fresh=fresh, command=command)
        failed = map_all(plan, config, run, progress=progress, meanwhile=_warm_up)
        return _shared(_conclude(plan, config, run, failed, progress), run, config.store)


def lay_out(config: Config, run: Path, *, command: str = "") -> Plan:
    """Plan into a run's folder, for steps that run elsewhere.

    Raises: what `audit` raises before it reads, so that a mistake is met once and not by every job
    """
    _check(config)
    with locked(run):
        return prepare(_placed(config), run, command=command)


def finish(
    run: Path, *, corpus: Sequence[str] = (), store: str | None = None, progress: Progress | None = None
) -> Outcome:
    """Reduce and finalise what `auditor map` has left in a run's folder; missing and damaged parts are named.

    The run's figures are replaced in the shared store named here, else in the one it was audited with; a note says so
    if that one is gone.
    Raises: StoreError
    """
    progress = progress or Silent()
    load_run(run)  # before the lock, which would make the folder
    if store is not None:
        check_store(Path(store))
    with locked(run), store_faults(run):
        opened = load_run(run, corpus)
        plan, config = opened.plan, opened.config
        if plan.foreign:
            progress.note(
                f"{run} was made by another user or on another machine: the store, policy, earlier runs and models "
                "that it names are left alone"
            )
        if store is not None:
            config = _placed(config.model_copy(update={"store": store}))
        sweep_run(run)
        outcome = _conclude(plan, config, run, missing_parts(plan, run, progress.note), progress)
        kept = config.store
        if kept and store is None:
            try:
                check_store(Path(kept))
            except (ConfigError, StoreError) as gone:
                progress.note(f"the shared store was not brought up to date: {gone}")
                kept = None
        return _shared(outcome, run, kept)


def _check(config: Config) -> None:
    """Check in advance what would otherwise fail after the corpus was read.

    Raises: ConfigError, DetectorError, StoreError
    """
    check_detectors(config)
    if config.store:
        check_store(Path(config.store))
    if config.against:
        from auditor.pipeline.reduce.resembling import earlier_runs

        earlier_runs(config)


def _placed(config: Config) -> Config:
    """The configuration with the absolute path of the shared store: `auditor label` and `finalise` may look for it from
    anywhere."""
    return config.model_copy(update={"store": os.path.abspath(config.store)}) if config.store else config


def _shared(outcome: Outcome, run: Path, store: str | None) -> Outcome:
    """The outcome, its figures copied into the shared store, where they replace those of the same audit."""
    if store:
        copy_audit(run / DATABASE, Path(store))
    return outcome


def prepare(config: Config, run: Path, *, fresh: bool = False, command: str = "") -> Plan:
    """Plan and write the manifest; parts of other inputs or settings stay until no manifest names them."""
    sweep_run(run)
    if fresh:
        for name in (PARTS, CLUSTERS, SPOOL, FORGOTTEN):
            remove(run / name, within=run)
    _refuse_other_files(run)
    if not fresh:
        refuse_replacing(run, config)
    plan = make_plan(config, run)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    audit_id = key_of(config.hash, [task.key for task in plan.tasks])
    if (run / MANIFEST).exists() and not fresh:
        with suppress(StoreError):  # a broken one is written again
            before = read_json(run / MANIFEST)
            if isinstance(before, dict) and before.get("audit_id") == audit_id:
                started = before.get("started_at", started)
    save_plan(plan, config, run, Facts(audit_id, started, command))
    return plan


def warm_up() -> None:
    """Load what is slow on first use: libraries, and what numba and the tokeniser need for any kernel. Runs on a thread
    while others read; after the last split it would cost a second.
    """
    from auditor.text.tokens import tokenise

    for module in ("wordfreq", "auditor.pipeline.finalise"):
        import_module(module)
    tokenise(np.frombuffer(b"a", np.uint8), np.array([0, 1]))


def _warm_up() -> None:
    def load() -> None:
        with suppress(Exception):  # concluding meets the same error and reports it
            warm_up()

    threading.Thread(target=load, daemon=True).start()


def _conclude(plan: Plan, config: Config, run: Path, failed: dict[str, str], progress: Progress) -> Outcome:
    """Cluster, estimate, write tables and reports; `failed` says why splits could not be mapped, by task key."""
    from auditor.pipeline.diversity.spectra import Spectra
    from auditor.pipeline.finalise import finalise
    from auditor.pipeline.reduce.cluster import cluster_run

    spectra = Spectra(run, plan)
    spectra.start()
    workers = crew(config) if plan.text_bytes > ONE_PROCESS_BYTES else 1
    failed = failed | cluster_run(plan, config, run, workers, progress)
    return finalise(run, failed=failed, spectra=spectra, say=progress.note)


def _on_slurm(config: Config, run: Path, *, fresh: bool, command: str, progress: Progress) -> Outcome:
    """Lay out, submit, wait; the jobs hold the folder themselves."""
    from auditor.pipeline.launch.slurm import submit, write_scripts
    from auditor.pipeline.run.reopen import read_report

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


def _is_foreign(run: Path) -> bool:
    try:
        return (run / MANIFEST).exists() and load_run(run).plan.foreign
    except AuditError:
        return False  # laid out by another version, or broken: the caller replaces or refuses it


def _refuse_other_files(run: Path) -> None:
    """A folder with other things in it is not overwritten."""
    if run.exists() and not run.is_dir():
        raise ConfigError(f"--out {run} is a file; name a folder")
    if run.is_dir() and not (run / MANIFEST).exists():
        ours = ("lock.json", PARTS, CLUSTERS, SPOOL, "slurm")
        others = [e.name for e in run.iterdir() if e.name not in ours and not e.name.startswith(f".{MANIFEST}.")]
        if others:
            raise ConfigError(f"--out {run} holds other files ({', '.join(sorted(others)[:3])}); name a new folder")
