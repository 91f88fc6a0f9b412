"""Reduce and finalise: what an audit does once every split has been mapped."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.config import Config
from auditor.manifest import CLUSTERS, MANIFEST, read_json
from auditor.pipeline.audit import Progress
from auditor.pipeline.finalise import Outcome, finalise
from auditor.pipeline.launch import Event
from auditor.pipeline.plan import Plan, save_plan
from auditor.pipeline.recovery import first_line
from auditor.pipeline.reduce import cluster
from auditor.pipeline.spectra import Spectra
from auditor.text.tokens import tokenise


def warm_up() -> None:
    """Load what takes its time when it is first used: libraries, and what numba and the tokeniser need for any kernel.

    On a thread, while others read: after the last split it would take a second.
    """
    import_module("wordfreq")
    tokenise(np.frombuffer(b"a", np.uint8), np.array([0, 1]))


def conclude(
    plan: Plan, config: Config, run: Path, failed: dict[str, str], *, workers: int, progress: Progress
) -> Outcome:
    """Cluster, estimate, write tables and reports.

    Parameters: failed, why splits could not be mapped, by task key; workers, processes that may read again
    """
    spectra = Spectra(run, plan)
    spectra.start()
    failed = failed | _reduce(plan, config, run, workers, progress)
    return finalise(run, failed=failed, spectra=spectra, say=progress.note)


def _reduce(plan: Plan, config: Config, run: Path, workers: int, progress: Progress) -> dict[str, str]:
    """Cluster, and keep the statistics in the manifest; returns why splits could not be read again."""
    progress.stage("clustering near-duplicates", 0)

    def listen(stage: str, event: Event) -> None:
        if event.kind == "failed":
            progress.note(f"{stage}: {event.reason}")

    try:
        found = cluster(run, plan, config, workers=workers, listen=listen)
    except (pl.exceptions.PolarsError, pa.ArrowException) as wrong:
        progress.note(f"a file of {run / CLUSTERS} is broken ({first_line(wrong)}): made again")
        shutil.rmtree(run / CLUSTERS, ignore_errors=True)
        found = cluster(run, plan, config, workers=workers, listen=listen)
    manifest = read_json(run / MANIFEST)
    save_plan(plan, config, run, {key: manifest[key] for key in ("audit_id", "started_at", "command")}
              | {"near_duplicates": found.statistics})  # fmt: skip
    return found.failed
