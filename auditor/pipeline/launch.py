"""Local processes: each worker takes a task, reports, takes the next; a worker that dies costs its task only.

Processes are spawned, never forked (Polars and numba hold threads). One small job runs in this process: starting
another would cost more than it saves.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from auditor.errors import AuditError

Report = Callable[[int, int], None]  # documents, bytes since the last call
STALL_SECONDS = 900.0
TRIES = 2


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a job: kind is progress | done | failed; result is the function's, reason the failure's."""

    kind: str
    job: int
    documents: int = 0
    bytes: int = 0
    result: Any = None
    reason: str = ""


@dataclass(slots=True)
class _Worker:
    link: Connection
    runner: Any
    job: int | None = None
    heard: float = field(default_factory=time.monotonic)


def run_jobs(
    function: Callable[[Any, Report], Any], jobs: Sequence[Any], *, workers: int, stall: float = STALL_SECONDS
) -> Iterator[Event]:
    """Run function(job, report) for every job and yield what happens, in the order in which it happens.

    A job whose worker died or stalled is tried once more in a fresh process, then fails with the reason; an
    AuditError fails its job with its message. function and jobs must be importable and picklable by our own
    processes (nothing pickled is ever read from a file).
    """
    if workers <= 1 or len(jobs) <= 1:
        yield from _here(function, jobs)
    else:
        yield from _spawned(function, jobs, min(workers, len(jobs)), stall)


def _here(function: Callable[[Any, Report], Any], jobs: Sequence[Any]) -> Iterator[Event]:
    """In this process, on a thread of its own, so that progress is seen while the job runs."""
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    for number, job in enumerate(jobs):
        threading.Thread(target=_run, args=(function, number, job, events.put), daemon=True).start()
        event = Event("progress", number)
        while event.kind == "progress":
            event = events.get()
            yield event


def _spawned(
    function: Callable[[Any, Report], Any], jobs: Sequence[Any], workers: int, stall: float
) -> Iterator[Event]:
    context = multiprocessing.get_context("spawn")
    todo, tries = deque(range(len(jobs))), [0] * len(jobs)
    crew = [_hire(context, function) for _ in range(workers)]
    try:
        while todo or any(worker.job is not None for worker in crew):
            for worker in crew:
                if worker.job is None and todo:
                    worker.job, worker.heard = todo.popleft(), time.monotonic()
                    tries[worker.job] += 1
                    worker.link.send((worker.job, jobs[worker.job]))
            ready = wait([worker.link for worker in crew], timeout=min(stall / 4, 5))
            for place, worker in enumerate(crew):
                lost = ""
                if worker.link in ready:
                    try:
                        event = worker.link.recv()
                        worker.heard = time.monotonic()
                        if event.kind != "progress":
                            worker.job = None
                        yield event
                    except (EOFError, OSError):
                        worker.runner.join()
                        lost = (
                            f"its worker was killed (exit code {worker.runner.exitcode}; -9 is mostly lack of memory)"
                        )
                elif worker.job is not None and time.monotonic() - worker.heard > stall:
                    worker.runner.kill()
                    worker.runner.join()
                    lost = f"nothing was heard of it for {stall:.0f} s"
                if lost:
                    crew[place] = _hire(context, function)
                    if worker.job is not None and tries[worker.job] < TRIES:
                        todo.appendleft(worker.job)
                    elif worker.job is not None:
                        yield Event("failed", worker.job, reason=lost)
    finally:
        for worker in crew:
            worker.link.close()
            worker.runner.kill()
            worker.runner.join()


def _hire(context: Any, function: Callable[[Any, Report], Any]) -> _Worker:
    ours, theirs = context.Pipe()
    runner = context.Process(target=_work, args=(theirs, function, os.getpid()), daemon=True)
    runner.start()
    theirs.close()
    return _Worker(ours, runner)


def _work(link: Connection, function: Callable[[Any, Report], Any], parent: int) -> None:
    while os.getppid() == parent:
        try:
            number, job = link.recv()
        except (EOFError, KeyboardInterrupt):
            return
        _run(function, number, job, link.send)


def _run(function: Callable[[Any, Report], Any], number: int, job: Any, tell: Callable[[Event], None]) -> None:
    try:
        result = function(job, lambda documents, size: tell(Event("progress", number, documents, size)))
        tell(Event("done", number, result=result))
    except AuditError as error:
        tell(Event("failed", number, reason=str(error)))
    except Exception as error:  # our own bug: the shard fails by name, the others go on
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}:{place.lineno}"
        tell(Event("failed", number, reason=f"internal error: {type(error).__name__}: {error} ({where})"))
        if os.environ.get("AUDITOR_TRACEBACK"):
            traceback.print_exc()
