"""What was seen before: earlier runs, references that stand in the corpus, and runs joined to one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from auditor.columns import BANDS
from auditor.config import MAP_FIELDS, Config
from auditor.errors import ConfigError, StoreError
from auditor.manifest import key_of
from auditor.neardup.earlier import against, comparable
from auditor.pipeline.parts import PARTS, done, part_folder, scan
from auditor.pipeline.plan import CORPUS, Plan, Task, load_plan, save_plan
from auditor.pipeline.reduce import signature_batches
from auditor.sketch.bands import parameters
from auditor.sketch.minhash import permutations
from auditor.sources.interface import Corpus

SEEN = pl.Schema({"document": pl.UInt64, "seen_in": pl.String})


def seen_before(run: Path, plan: Plan, config: Config) -> pl.DataFrame:
    """Documents of the corpus that an earlier run (--against) held, or nearly, by signature: document, seen_in.

    Raises: ConfigError where an earlier run was made with other parameters; StoreError where it is unfinished
    """
    found = [pl.DataFrame(schema=SEEN)]
    for name in config.against:
        earlier = Path(name)
        their_plan, their_config, _ = load_plan(earlier)
        comparable(_sketch(config), _sketch(their_config), f"--against {name}")
        near = _resembling(run, plan.of_role(CORPUS), earlier, their_plan.of_role(CORPUS), config)
        found.append(near.select("document", pl.lit(earlier.name).alias("seen_in")))
    return pl.concat(found).unique("document", keep="first", maintain_order=True)


def references_in_corpus(run: Path, plan: Plan, config: Config) -> pl.DataFrame:
    """Documents of the references that stand in the corpus, or nearly: one column, document."""
    references = [task for task in plan.tasks if task.role != CORPUS]
    near = _resembling(run, references, run, plan.of_role(CORPUS), config)
    return near.select("document").unique()


def merge_runs(runs: Sequence[Path], out: Path) -> None:
    """Lay several finished runs out as one in a new folder; reducing and finalising it gives the joint figures.

    Parts are linked, not copied, where the file system can.
    Raises: ConfigError where the runs were made with other settings or name their shards alike
    """
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"--out {out} is not empty; name a new folder")
    loaded = [load_plan(run) for run in runs]
    first = loaded[0][1]
    for run, (_, config, _) in zip(runs, loaded, strict=True):
        if config.key(MAP_FIELDS) != first.key(MAP_FIELDS):
            raise ConfigError(f"{run} was audited with other settings than {runs[0]}: audit one of them again")
    corpora: dict[str, Corpus] = {}
    tasks: list[Task] = []
    for run, (plan, _, _) in zip(runs, loaded, strict=True):
        for role, corpus in plan.corpora.items():
            corpora[role] = _joined(corpora.get(role), corpus, run)
        for task in plan.tasks:
            if done(run, task.key) is None:
                raise StoreError(f"{run}: {task.shard.name} has not been mapped; finish that run first")
            if all(task.key != other.key for other in tasks):
                tasks.append(task)
                _link(part_folder(run, task.key), out / PARTS / task.key)
    roots = tuple(path for _, config, _ in loaded for path in config.corpus)
    # The first run's store holds that run; the joint one goes where it is told to.
    config = first.model_copy(update={"corpus": roots, "store": None})
    facts = {
        "audit_id": key_of(config.hash, [task.key for task in tasks]),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "auditor merge " + " ".join(str(run) for run in runs),
    }
    save_plan(Plan(corpora, tuple(tasks)), config, out, facts)


def _resembling(run: Path, tasks: Sequence[Task], other: Path, theirs: Sequence[Task], config: Config) -> pl.DataFrame:
    if not tasks or not theirs:
        return pl.DataFrame(schema={"document": pl.UInt64})
    lsh = parameters(config.near_dup_threshold, config.permutations)

    def partitions() -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        for band in range(lsh.bands):
            yield tuple(  # type: ignore[misc]
                scan(folder, [task.key for task in some], "bands", BANDS)
                .filter(pl.col("band") == band).drop("part").collect()
                for folder, some in ((run, tasks), (other, theirs))
            )  # fmt: skip

    with tempfile.TemporaryDirectory(dir=run, prefix=".earlier-") as scratch:
        return against(
            partitions(),
            signature_batches(run, tasks),
            signature_batches(other, theirs),
            lsh.threshold,
            scratch=Path(scratch),
        )


def _sketch(config: Config) -> dict[str, object]:
    """What must be equal for signatures and bands to be comparable."""
    lsh = parameters(config.near_dup_threshold, config.permutations)
    return {**permutations(config.permutations).as_dict(), **lsh.as_dict()}


def _joined(before: Corpus | None, corpus: Corpus, run: Path) -> Corpus:
    if before is None:
        return corpus
    held = {shard.name: shard for shard in before.shards}
    for shard in corpus.shards:
        if shard.name in held and held[shard.name].fingerprint != shard.fingerprint:
            raise ConfigError(f"{run}: another run has a shard {shard.name} too; audit them from a common folder")
    fresh = tuple(shard for shard in corpus.shards if shard.name not in held)
    names = dict.fromkeys([*before.name.split("+"), corpus.name])
    return Corpus(
        "+".join(names),
        before.roots + corpus.roots,
        before.shards + fresh,
        before.failed + corpus.failed,
        before.ignored + corpus.ignored,
    )


def _link(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        try:
            os.link(path, target / path.name)
        except OSError:
            shutil.copy2(path, target / path.name)
