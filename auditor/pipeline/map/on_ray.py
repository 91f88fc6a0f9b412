"""Ray: the same map, one task a split. A task carries a path and a key; no document enters the object store."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from auditor.distribution import install_command
from auditor.errors import ConfigError
from auditor.pipeline.launch.processes import STALL_SECONDS, Event, run_job
from auditor.pipeline.map.split import Job, map_split
from auditor.pipeline.run.markers import Counts
from auditor.pipeline.run.plan import Task
from auditor.pipeline.run.run import load_run

RETRIES = 3  # of a task whose node or worker was lost


def map_on_ray(run: Path, tasks: Sequence[Task]) -> Iterator[Event]:
    """Map splits on a Ray cluster (RAY_ADDRESS, else the one this machine is part of, else one of this machine alone).

    The run's folder must be on storage that all nodes see under the same path.
    Raises: ConfigError without Ray
    """
    try:
        import ray
    except ImportError:
        raise ConfigError(f"--launcher ray needs Ray: {install_command('ray')}") from None
    started = not ray.is_initialized()
    if started:
        ray.init(address=os.environ.get("RAY_ADDRESS"), log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield from _map(ray, run.resolve(), tasks)
    finally:
        if started:
            ray.shutdown()


def map_one(run: str, key: str) -> Event:
    """On a node: map the split of that key, and report the outcome."""
    opened = load_run(Path(run), trusted=True)  # the process that started this one has checked it
    plan, config = opened.plan, opened.config
    task = next(task for task in plan.tasks if task.key == key)
    told: list[Event] = []
    run_job(map_split, 0, Job(task, config, Path(run), 1), told.append)
    return told[-1]


def _map(ray: Any, run: Path, tasks: Sequence[Task]) -> Iterator[Event]:
    remote = ray.remote(num_cpus=1, max_retries=RETRIES)(map_one)
    waiting = {remote.remote(str(run), task.key): number for number, task in enumerate(tasks)}
    while waiting:
        ready, _ = ray.wait(list(waiting), timeout=STALL_SECONDS)
        if not ready:
            for reference, number in waiting.items():
                ray.cancel(reference, force=True)
                yield Event("failed", number, reason=f"nothing was heard of Ray for {STALL_SECONDS:.0f} s")
            return
        for reference in ready:
            number = waiting.pop(reference)
            try:
                event = ray.get(reference)
            except ray.exceptions.RayError as error:
                reason = f"lost {RETRIES + 1} times on the cluster ({str(error).splitlines()[0]})"
                event = Event("failed", number, reason=reason)
            read = event.result.counts if event.result else Counts()
            yield Event("progress", number, read.documents, read.bytes)
            yield Event(event.kind, number, result=event.result, reason=event.reason, stop=event.stop)
