"""What was seen before: documents of earlier runs, and references that occur in the corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from auditor.config import Config
from auditor.neardup.earlier import against, comparable
from auditor.pipeline.reduce.cluster import signature_batches
from auditor.pipeline.run.parts import scan
from auditor.pipeline.run.plan import CORPUS, Plan, Task, lsh_of
from auditor.pipeline.run.run import load_run
from auditor.run_columns import BANDS
from auditor.run_folder import make_aside, remove
from auditor.sketch.minhash import permutations

SEEN = pl.Schema({"document": pl.UInt64, "seen_in": pl.String})


def seen_before(run: Path, plan: Plan, config: Config) -> pl.DataFrame:
    """Documents of the corpus that an earlier run (--against) held, or nearly, by signature: document, seen_in.

    Raises: ConfigError where an earlier run was made with other parameters; StoreError where it is unfinished
    """
    found = [pl.DataFrame(schema=SEEN)]
    for earlier, theirs in earlier_runs(config):
        near = _resembling(run, plan.of_role(CORPUS), earlier, theirs.of_role(CORPUS), config)
        found.append(near.select("document", pl.lit(earlier.name).alias("seen_in")))
    return pl.concat(found).unique("document", keep="first", maintain_order=True)


def earlier_runs(config: Config) -> list[tuple[Path, Plan]]:
    """The runs that --against names, with their plans.

    Raises: ConfigError where there is none, or it was made with other parameters; StoreError where it is unfinished
    """
    found = []
    for name in config.against:
        theirs = load_run(Path(name))
        comparable(_sketch(config), _sketch(theirs.config), f"--against {name}")
        found.append((Path(name), theirs.plan))
    return found


def references_in_corpus(run: Path, plan: Plan, config: Config) -> pl.DataFrame:
    """Documents of the references that stand in the corpus, or nearly: one column, document."""
    references = [task for task in plan.tasks if task.role != CORPUS]
    near = _resembling(run, references, run, plan.of_role(CORPUS), config)
    return near.select("document").unique()


def _resembling(run: Path, tasks: Sequence[Task], other: Path, theirs: Sequence[Task], config: Config) -> pl.DataFrame:
    if not tasks or not theirs:
        return pl.DataFrame(schema={"document": pl.UInt64})
    lsh = lsh_of(config)

    def partitions() -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        for band in range(lsh.bands):
            yield tuple(  # type: ignore[misc]
                scan(folder, some, "bands", BANDS).filter(pl.col("band") == band).select(*BANDS).collect()
                for folder, some in ((run, tasks), (other, theirs))
            )

    scratch = make_aside(run / "earlier", within=run)
    try:
        return against(
            partitions(),
            signature_batches(run, tasks),
            signature_batches(other, theirs),
            lsh.threshold,
            scratch=scratch,
        )
    finally:
        remove(scratch, within=run)


def _sketch(config: Config) -> dict[str, object]:
    """What must be equal for signatures and bands to be comparable."""
    lsh = lsh_of(config)
    return {**permutations(config.permutations).as_dict(), **lsh.as_dict()}
