"""How the splits of a run are distributed over processes, threads and launchers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from auditor.config import Config
from auditor.errors import StoreError
from auditor.pipeline.launch.processes import Event, Report, run_jobs
from auditor.pipeline.run.markers import Marker
from auditor.pipeline.run.parts import done
from auditor.pipeline.run.plan import Plan, Task, source_options
from auditor.pipeline.run.progress import Progress, Silent
from auditor.pipeline.run.recovery import drop_damaged, named

# Below this much text a second process costs more than it saves.
ONE_PROCESS_BYTES = 64 << 20
WORKER_BYTES = 1 << 30  # peak memory of one process, roughly (docs/scale.md)
FIRST_BYTES, THREAD_BYTES = 512 << 20, 192 << 20  # of it: whatever the threads; more for each of them


def map_all(
    plan: Plan,
    config: Config,
    run: Path,
    *,
    tasks: Sequence[Task] | None = None,
    progress: Progress | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> dict[str, str]:
    """Map every split that is not done; returns the reasons of those that failed, by task key.

    Parameters: meanwhile, what this process does as soon as others have begun to read
    """
    progress = progress or Silent()
    chosen = plan.tasks if tasks is None else tasks
    damaged = drop_damaged(chosen, run)
    for task in chosen:
        if task.key in damaged:
            progress.note(f"{task.shard.name}: {damaged[task.key]}; reading it again")
    wanted = [task for task in chosen if not complete(run, task)]
    workers = min(crew(config), len(wanted)) if plan.text_bytes > ONE_PROCESS_BYTES else 1
    threads = threads_each(config, max(workers, 1))
    # Largest first: the last task to end should be a small one.
    wanted.sort(key=lambda task: -task.text_bytes)
    progress.stage(
        "reading the corpus: scores, fingerprints and words of every document", sum(task.text_bytes for task in wanted)
    )
    failed = {}
    for event in launch(wanted, config, run, workers=workers, threads=threads):
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
        elif event.result.error:
            progress.note(f"{named(task)}: read in part: {event.result.error}")
    return failed


def crew(config: Config) -> int:
    """The number of processes that fit the memory limit."""
    return max(1, min(config.workers, config.memory_bytes // WORKER_BYTES))


def threads_each(config: Config, workers: int) -> int:
    """The number of threads for each process: no more than there are cores, and no more than fit the memory limit."""
    return max(1, min(config.workers // workers, (config.memory_bytes // workers - FIRST_BYTES) // THREAD_BYTES))


def launch(tasks: Sequence[Task], config: Config, run: Path, *, workers: int, threads: int) -> Iterator[Event]:
    """Start the tasks in local processes or on a Ray cluster, and yield what happens to them."""
    if config.launcher == "ray":
        from auditor.pipeline.map.on_ray import map_on_ray

        return map_on_ray(run, tasks)
    # No more threads than batches: the tables that each one holds take a tenth of a second to allocate and add up.
    batch = source_options(config).batch_bytes
    work = [(task, config, run, min(threads, task.text_bytes // batch + 1)) for task in tasks]
    return run_jobs(map_one, work, workers=workers, threads=threads, apart=bool(config.memory_limit))


def map_one(work: tuple[Task, Config, Path, int], report: Report) -> Marker:
    """Map one split in a worker, which alone imports what measuring needs."""
    from auditor.pipeline.map.split import Job, map_split

    return map_split(Job(*work), report)


def complete(run: Path, task: Task) -> bool:
    """Done, and read to its end: a split that broke in the middle is tried again, since the fault may have passed."""
    marker = done(run, task.key)
    return marker is not None and marker.complete
