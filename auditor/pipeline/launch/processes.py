"""Local processes: each worker takes a task, reports and takes the next; a worker that dies costs only its task.

Processes are spawned, never forked (Polars and numba hold threads). One small job runs in this process: starting
another would cost more than it saves.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

from auditor.errors import AuditError, exhausted, no_room

Report = Callable[[int, int], None]  # documents, bytes since the last call
STALL_SECONDS = 900.0
TRIES = 2
# Libraries read these once, on import, so they are set before a worker starts.
THREADS = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
# Polars' allocator returns pages after half a second, but the next batch reuses those that one frees: 4% of the time.
KEEP_PAGES = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:10000,muzzy_decay_ms:10000"}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a job: kind is progress | done | failed; result is the function's, reason the failure's.

    stop: the run's folder is at fault, not the job (its disk is full), so that going on is useless
    """

    kind: str
    job: int
    documents: int = 0
    bytes: int = 0
    result: Any = None
    reason: str = ""
    stop: bool = False


@dataclass(slots=True)
class _Worker:
    link: Connection
    runner: Any
    job: int | None = None
    heard: float = field(default_factory=time.monotonic)


def run_jobs(
    function: Callable[[Any, Report], Any],
    jobs: Sequence[Any],
    *,
    workers: int,
    threads: int = 1,
    stall: float = STALL_SECONDS,
    apart: bool = False,
) -> Iterator[Event]:
    """Run function(job, report) for every job and yield what happens, in the order in which it happens.

    A job whose worker died or stalled is tried once more in a fresh process, then fails with the reason; an
    AuditError fails its job with its message. After a worker was killed (-9: mostly for lack of memory) there is one
    worker less. function and jobs must be importable and picklable by our own processes (nothing pickled is ever
    read from a file).
    Parameters: threads, of the libraries in each worker; stall, seconds without a sign of life; apart, use another
        process even if one is enough, so that its memory is returned
    """
    if not jobs or ((workers <= 1 or len(jobs) <= 1) and not apart):
        yield from _here(function, jobs, stall)
    else:
        yield from _spawned(function, jobs, max(min(workers, len(jobs)), 1), threads, stall)


def _here(function: Callable[[Any, Report], Any], jobs: Sequence[Any], stall: float) -> Iterator[Event]:
    """In this process, on a thread of its own, so that progress is seen while the job runs, and a hang is too."""
    for number, job in enumerate(jobs):
        # A queue of its own: a job that was given up may still report.
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        threading.Thread(target=run_job, args=(function, number, job, events.put), daemon=True).start()
        event = Event("progress", number)
        while event.kind == "progress":
            try:
                event = events.get(timeout=stall)
            except queue.Empty:
                event = Event("failed", number, reason=_stalled(stall))
            yield event


def _spawned(
    function: Callable[[Any, Report], Any], jobs: Sequence[Any], workers: int, threads: int, stall: float
) -> Iterator[Event]:
    hire = partial(_hire, multiprocessing.get_context("spawn"), function, threads)
    todo, tries = deque(range(len(jobs))), [0] * len(jobs)
    crew = [hire() for _ in range(workers)]
    try:
        while todo or any(worker.job is not None for worker in crew):
            lost: list[tuple[_Worker, str]] = []
            for worker in crew:
                if worker.job is None and todo and not _give(worker, todo, tries, jobs):
                    lost.append((worker, "its worker could not be reached"))
            ready = wait([worker.link for worker in crew], timeout=min(stall / 4, 5))
            for worker in crew:
                if worker.link in ready:
                    try:
                        event = worker.link.recv()
                        worker.heard = time.monotonic()
                        if event.kind != "progress":
                            worker.job = None
                        yield event
                    except (EOFError, OSError):
                        worker.runner.join()
                        lost.append((worker, _killed(worker.runner.exitcode)))
                elif worker.job is not None and time.monotonic() - worker.heard > stall:
                    lost.append((worker, _stalled(stall)))
            for worker, reason in lost:
                if worker not in crew:
                    continue
                crew.remove(worker)
                _dismiss(worker)
                if not crew or worker.runner.exitcode != -signal.SIGKILL or reason == _stalled(stall):
                    crew.append(hire())
                if worker.job is not None and tries[worker.job] < TRIES:
                    todo.appendleft(worker.job)
                elif worker.job is not None:
                    yield Event("failed", worker.job, reason=reason)
    finally:
        for worker in crew:
            _dismiss(worker)


def _give(worker: _Worker, todo: deque[int], tries: list[int], jobs: Sequence[Any]) -> bool:
    worker.job, worker.heard = todo.popleft(), time.monotonic()
    tries[worker.job] += 1
    try:
        worker.link.send((worker.job, jobs[worker.job]))
    except OSError:
        return False
    return True


def _dismiss(worker: _Worker) -> None:
    worker.link.close()
    worker.runner.kill()
    worker.runner.join()


def _killed(exit_code: int | None) -> str:
    cause = "; the kernel does so when memory runs out: give fewer --workers" if exit_code == -signal.SIGKILL else ""
    return f"its worker was killed twice (exit code {exit_code}{cause})"


def _stalled(stall: float) -> str:
    return f"it has not responded for {stall:.0f} s: its storage may hang"


def _hire(context: Any, function: Callable[[Any, Report], Any], threads: int) -> _Worker:
    ours, theirs = context.Pipe()
    settings = dict.fromkeys(THREADS, str(threads)) | {k: os.environ.get(k, v) for k, v in KEEP_PAGES.items()}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    # A spawned process would run the caller's script again, which takes time and fails unless the script has a guard.
    # Nothing in it is needed here.
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        runner = context.Process(target=_work, args=(theirs, function, os.getpid()), daemon=True)
        runner.start()
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()
    return _Worker(ours, runner)


def _work(link: Connection, function: Callable[[Any, Report], Any], parent: int) -> None:
    gc.set_threshold(50_000)  # as in cli.main
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    while True:
        try:
            number, job = link.recv()
        except (EOFError, KeyboardInterrupt):
            return
        run_job(function, number, job, link.send)


def _follow(parent: int) -> None:
    """End with the parent: a killed parent does not close pipes that another worker has inherited."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def run_job(function: Callable[[Any, Report], Any], number: int, job: Any, tell: Callable[[Event], Any]) -> None:
    """Run one job and report how it went; nothing is raised."""
    try:
        result = function(job, lambda documents, size: tell(Event("progress", number, documents, size)))
        tell(Event("done", number, result=result))
    except AuditError as error:
        tell(Event("failed", number, reason=str(error)))
    except OSError as error:
        said = exhausted(error) if no_room(error) else f"{error.strerror or error}: {error.filename or 'RUN'}"
        tell(Event("failed", number, reason=str(said), stop=no_room(error)))
    except BaseException as error:  # also a panic in a library, which is not an Exception: the shard alone fails
        tell(Event("failed", number, reason=exhausted(error) or _internal(error), stop=no_room(error)))
        if os.environ.get("AUDITOR_TRACEBACK"):
            traceback.print_exc()


def _internal(error: BaseException) -> str:
    places = traceback.extract_tb(error.__traceback__)
    where = f" ({os.path.basename(places[-1].filename)}:{places[-1].lineno})" if places else ""
    return f"internal error: {type(error).__name__}: {error}{where}"
