"""Kill an audit at random moments, let the same command finish it, compare with an undisturbed run.

python -m tests.harness.kill --points 100

A moment is a number of changes seen in the run's folder, so that every stage is struck, however short, or a time.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.pipeline.runs import figures, leftovers, parts, rows, write_corpus

KILLS = 5  # of one folder, before it may finish
LIMIT = 600.0


@dataclass(frozen=True)
class Course:
    """An undisturbed run: its folder, its seconds, and how many changes its folder went through."""

    run: Path
    seconds: float
    changes: int


def start(corpus: Path, run: Path, workers: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "auditor.cli", "audit", str(corpus), "--out", str(run), "--quiet"]
    return subprocess.Popen(
        [*command, "--workers", str(workers)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def watch(child: subprocess.Popen, run: Path, *, changes: float = LIMIT, seconds: float = LIMIT) -> int:
    """Wait until the process ends, or the moment has come; returns the changes seen."""
    seen, before, begun = 0, None, time.monotonic()
    while child.poll() is None and seen < changes and time.monotonic() - begun < seconds:
        now = _listing(run)
        seen, before = seen + (now != before), now
        time.sleep(0.001)
    return seen


def undisturbed(corpus: Path, run: Path, workers: int) -> Course:
    begun = time.monotonic()
    child = start(corpus, run, workers)
    changes = watch(child, run, changes=float("inf"))
    assert child.wait() == 0, child.stderr.read().decode()
    return Course(run, time.monotonic() - begun, changes)


def strike(corpus: Path, run: Path, course: Course, rng: random.Random, workers: int) -> str:
    """Start, kill all processes at a random moment; says where that was."""
    child = start(corpus, run, workers)
    if rng.random() < 0.75:
        watch(child, run, changes=rng.randint(1, course.changes))
    else:
        watch(child, run, seconds=rng.uniform(0, course.seconds))
    with suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stderr.close()
    written = sorted(run.rglob("*"), key=lambda path: path.stat().st_mtime) if run.exists() else []
    return str(written[-1].relative_to(run)) if written else "nothing"


def survives(corpus: Path, run: Path, course: Course, rng: random.Random, *, kills: int, workers: int) -> list[str]:
    """Kill some times, finish, compare; returns where it was struck. Raises: AssertionError at any difference"""
    places = [strike(corpus, run, course, rng, workers) for _ in range(kills)]
    child = start(corpus, run, workers)
    error = child.communicate(timeout=LIMIT)[1].decode()
    assert child.returncode == 0, f"exit code {child.returncode} after {places}: {error}"
    for same in (parts, figures, rows):
        assert same(run) == same(course.run), f"{same.__name__} differ after {places}"
    assert not leftovers(run), f"{leftovers(run)} after {places}"
    return places


def _listing(run: Path) -> list[str]:
    return [os.path.join(folder, name) for folder, _, names in os.walk(run) for name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--documents", type=int, default=400, help="a file")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng, folder = random.Random(asked.seed), Path(tempfile.mkdtemp(prefix="auditor-kill-"))
    try:
        corpus = write_corpus(folder / "corpus", files=asked.files, documents=asked.documents)
        course = undisturbed(corpus, folder / "whole", asked.workers)
        print(f"undisturbed: {course.seconds:.1f} s, {course.changes} changes of the folder", flush=True)
        left = asked.points
        while left:
            kills = min(left, rng.randint(1, KILLS))
            places = survives(corpus, folder / "cut", course, rng, kills=kills, workers=asked.workers)
            left -= kills
            print(f"{asked.points - left} of {asked.points}: the same after {'; '.join(places)}", flush=True)
            shutil.rmtree(folder / "cut")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
