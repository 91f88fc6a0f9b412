"""The spectra of a run's parts, added up by shard and read ahead on a thread, so one more is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl

from auditor.manifest import CLUSTERS
from auditor.pipeline.run.parts import part_folder
from auditor.pipeline.run.plan import CORPUS, HUMAN, Plan, Task
from auditor.run_columns import TYPE_CAP
from auditor.sketch.types import AT_ONCE, merge

Read = Future[pl.DataFrame]


class Spectra:
    """The type samples (sketch.types) of a run's parts.

    `start` begins to add up those of the reference and of the first shard. That needs no clusters, so it runs beside
    clustering; each further shard is added up while the one before is measured.
    """

    def __init__(self, run: Path, plan: Plan) -> None:
        self._run, self._plan = run, plan
        self._shards: dict[str, list[Task]] = {}
        for task in plan.of_role(CORPUS):
            self._shards.setdefault(task.shard.name, []).append(task)
        self._thread = ThreadPoolExecutor(1, "spectra")
        self._begun: dict[str, Read] = {}

    def start(self) -> None:
        """Begin to read what is needed first."""
        self._reference()
        for name in [*self._shards][:1]:
            self._shard(name)

    def reference(self) -> tuple[pl.DataFrame, bool]:
        """The spectrum of the human reference or, without one, of the corpus' own old documents; and whether one was
        given."""
        return self._reference().result(), bool(self._plan.of_role(HUMAN))

    def corpus(self) -> pl.DataFrame:
        """The spectrum of the whole corpus."""
        return self._added(self._plan.of_role(CORPUS), "types")

    def shards(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The spectra of these shards, in their order."""
        for name, after in zip(names, [*names[1:], None], strict=True):
            reading = self._shard(name)
            if after is not None:
                self._shard(after)
            yield reading.result()
            del self._begun[name]

    def duplicates(self, shard: str | None = None) -> pl.DataFrame | None:
        """The spectrum of the documents that repeat others, of a shard or of all; None where there are none."""
        tasks = self._plan.of_role(CORPUS) if shard is None else self._shards.get(shard, [])
        paths = [self._run / CLUSTERS / f"duplicates-{task.key}.parquet" for task in tasks]
        found = [pl.read_parquet(path) for path in paths if path.exists()]
        return merge(found) if found else None

    def _reference(self) -> Read:
        given = self._plan.of_role(HUMAN)
        return self._read("", *((given, "types") if given else (self._plan.of_role(CORPUS), "dated_types")))

    def _shard(self, name: str) -> Read:
        return self._read(name, self._shards.get(name, []), "types")

    def _read(self, key: str, tasks: Sequence[Task], part: str) -> Read:
        if key not in self._begun:
            self._begun[key] = self._thread.submit(self._added, tasks, part)
        return self._begun[key]

    def _added(self, tasks: Sequence[Task], part: str) -> pl.DataFrame:
        """The spectra of some splits added up; thresholds fall until the sum fits the same bound as each of them."""
        paths = [part_folder(self._run, task.key) / f"{part}.parquet" for task in tasks]
        found = [path for path in paths if path.exists()]
        if len(found) == 1:
            return pl.read_parquet(found[0])
        return merge((pl.read_parquet(path) for path in found), cap=4 * TYPE_CAP)


def add_spectra(spectra: list[pl.DataFrame], more: pl.DataFrame) -> list[pl.DataFrame]:
    """Spectra that wait to be added up, with one more; added up when there are many."""
    waiting = [*spectra, more]
    return waiting if sum(frame.height for frame in waiting) <= AT_ONCE else [added(waiting)]


def added(spectra: list[pl.DataFrame]) -> pl.DataFrame:
    """Spectra as one; the threshold falls until the sum fits the bound of each of them."""
    return spectra[0] if len(spectra) == 1 else merge(spectra, cap=4 * TYPE_CAP)
