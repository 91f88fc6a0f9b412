"""What is wrong in a run's folder: leftovers of killed runs, missing and damaged parts, faults of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa

from auditor.errors import AuditError, StoreError, exhausted
from auditor.manifest import CLUSTERS, DONE, SCRATCH
from auditor.pipeline.run.parts import PARTS, damaged, done, part_folder
from auditor.pipeline.run.plan import Plan, Task
from auditor.run_folder import remove, sweep


def unfinished(tasks: Sequence[Task], run: Path) -> dict[str, str]:
    """What is wrong with tasks that are not finished, by shard and split."""
    out = {}
    for task in tasks:
        marker = done(run, task.key)
        if marker is None or marker.error is not None:
            out[named(task)] = "not mapped" if marker is None or marker.error is None else marker.error
    return out


def missing_parts(plan: Plan, run: Path, note: Callable[[str], None]) -> dict[str, str]:
    """Why splits are missing, by task key; each is reported."""
    reasons = drop_damaged(plan.tasks, run)
    for number, task in enumerate(plan.tasks):
        if done(run, task.key) is None:
            reasons[task.key] = (
                f"{reasons.get(task.key, 'not mapped')} (auditor map {run} --shard {number}/{len(plan.tasks)})"
            )
            note(f"{named(task)}: {reasons[task.key]}")
    return reasons


def drop_damaged(tasks: Sequence[Task], run: Path) -> dict[str, str]:
    """Unmark the finished splits with a part that is not as it was written; what is wrong, by task key."""
    out = {}
    for task in tasks:
        name = damaged(run, task.key)
        if name is not None:
            remove(part_folder(run, task.key) / DONE, within=run)
            out[task.key] = f"its part {name} is damaged"
    return out


@contextmanager
def store_faults(run: Path) -> Iterator[None]:
    """Errors of DuckDB, Polars and Arrow about a full disk or a broken file, as one line that names the folder."""
    try:
        yield
    except Exception as wrong:
        import duckdb  # late, see store/database.py

        if not isinstance(wrong, (AuditError, OSError)) and (lacking := exhausted(wrong)):
            said = f"{lacking}; nothing finished was lost, the same command goes on from here"
        elif isinstance(wrong, duckdb.OutOfMemoryException):
            said = f"memory or disk ran out ({first_line(wrong)}); give a larger --memory-limit"
        elif isinstance(wrong, (duckdb.IOException, pl.exceptions.PolarsError, pa.ArrowException)):
            said = f"{first_line(wrong)}; nothing finished was lost, the same command goes on"
        else:
            raise
        raise StoreError(f"{run}: {said}") from None


def first_line(wrong: BaseException) -> str:
    """What an exception says in its first line, or else its type."""
    return (str(wrong).splitlines() or [type(wrong).__name__])[0]


def named(task: Task) -> str:
    """A task for people: its shard, and which split of it where there are several."""
    splits = len(task.shard.splits)
    return task.shard.name if splits == 1 else f"{task.shard.name} (split {task.split.index} of {splits})"


def sweep_run(run: Path) -> None:
    """What killed runs left behind. The lock is held: no audit is at work here."""
    for folder in (run, run / PARTS, run / CLUSTERS, run / "spool"):
        sweep(folder, within=run)
    remove(run / CLUSTERS / SCRATCH, within=run)
