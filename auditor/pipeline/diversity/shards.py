"""Diversity of many shards: lots of a fixed number of shards, distributed among processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from auditor import streams
from auditor.errors import StoreError
from auditor.estimate.diversity.spectrum import Body
from auditor.estimate.fraction.prevalence import ScopePrevalence
from auditor.manifest import CLUSTERS, SCRATCH
from auditor.pipeline.diversity.reference import Reference
from auditor.pipeline.diversity.scope import Richness, bin_probabilities, compare
from auditor.pipeline.diversity.spectra import Spectra, add_spectra, added
from auditor.pipeline.launch.processes import Report, run_jobs
from auditor.pipeline.run.run import Run
from auditor.run_folder import make_empty, remove, whole_file

DRAWS = 2  # of the human documents, combined by Rubin's rules; each costs as much as the loss itself
MANY = 16  # shards from which on the reference is measured once for all of them
LOT = 64  # shards whose spectra are added up together, so that the order of the sum does not depend on processes


@dataclass(frozen=True, slots=True, eq=False)
class _Shard:
    """What a shard is measured with; place, among all shards; reference, a position in the job's references."""

    name: str
    place: int
    synthetic: np.ndarray | None
    reference: int


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """The lots of one process, by number; sums of their spectra go to the folder."""

    run: Run
    references: tuple[Reference, ...]
    lots: dict[int, list[_Shard]]
    many: bool
    folder: Path


def measure_shards(
    run: Run, spectra: Spectra, prevalence: ScopePrevalence, match: Callable[[str], Reference], *, workers: int
) -> tuple[list[Richness], pl.DataFrame]:
    """Diversity of each shard, in the order of the estimates, and the sum of their spectra.

    Parameters: match, the reference that a shard is compared with
    """
    references, shards = _matched(prevalence, match)
    many = len(shards) >= MANY
    lots = {start // LOT: shards[start : start + LOT] for start in range(0, len(shards), LOT)}
    if workers <= 1 or len(lots) <= 1:
        measured: list[Richness] = []
        waiting: list[pl.DataFrame] = []
        for lot in lots.values():
            found, total = _measure_lot(run, spectra, lot, references, many=many)
            measured += found
            waiting = add_spectra(waiting, total)
        return measured, added(waiting)
    folder = make_empty(run.folder / CLUSTERS / SCRATCH, within=run.folder)
    try:
        jobs = [
            _Job(run, references, {n: lots[n] for n in range(i, len(lots), workers)}, many, folder)
            for i in range(min(workers, len(lots)))
        ]
        results: dict[int, list[Richness]] = {}
        for event in run_jobs(_measure_job, jobs, workers=workers):
            if event.kind == "failed":
                raise StoreError(f"the diversity of shards could not be measured: {event.reason}")
            if event.kind == "done":
                results |= event.result
        waiting = []
        for number in lots:
            waiting = add_spectra(waiting, pl.read_parquet(_sum_of(folder, number)))
        return [found for number in lots for found in results[number]], added(waiting)
    finally:
        remove(folder, within=run.folder)


def _matched(
    prevalence: ScopePrevalence, match: Callable[[str], Reference]
) -> tuple[tuple[Reference, ...], list[_Shard]]:
    """The references of all shards, each once, and the shards."""
    references: list[Reference] = []
    known: dict[tuple[str, int, int], int] = {}
    shards = []
    for place, name in enumerate(prevalence.scopes):
        own = match(name)
        at = known.setdefault((own.origin, id(own.text), id(own.law)), len(references))
        if at == len(references):
            references.append(own)
        shards.append(_Shard(name, place, bin_probabilities(prevalence, place, DRAWS), at))
    return tuple(references), shards


def _measure_job(job: _Job, report: Report) -> dict[int, list[Richness]]:
    """Compute the figures of the job's lots, in a process of its own."""
    spectra, out = Spectra(job.run.folder, job.run.plan), {}
    for number, lot in job.lots.items():
        out[number], total = _measure_lot(job.run, spectra, lot, job.references, many=job.many)
        with whole_file(_sum_of(job.folder, number), within=job.run.folder) as partial:
            total.write_parquet(partial)
        report(0, 0)
    return out


def _measure_lot(
    run: Run, spectra: Spectra, lot: Sequence[_Shard], references: Sequence[Reference], *, many: bool
) -> tuple[list[Richness], pl.DataFrame]:
    """The figures of some shards, and their spectra added up; one spectrum at a time is in memory."""
    config, found = run.config, []
    waiting: list[pl.DataFrame] = []
    for shard, frame in zip(lot, spectra.shards([shard.name for shard in lot]), strict=True):
        waiting = add_spectra(waiting, frame)
        rng = streams.rng(config.seed, "diversity of shards", shard.place)
        extra, reference = spectra.duplicates(shard.name), references[shard.reference]
        found.append(compare(Body(frame), extra, reference, shard.synthetic, rng, config.level, many=many))
    return found, added(waiting)


def _sum_of(folder: Path, number: int) -> Path:
    return folder / f"spectrum-{number}.parquet"
