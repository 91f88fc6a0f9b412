"""Exports of a run: manifests of what stays and what goes, and the corpus again without what goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.config import Config
from auditor.errors import AuditError, ConfigError, SourceError, StoreError
from auditor.gate.selection import Choice, decisions
from auditor.manifest import whole_file
from auditor.pipeline.reservoir.recommend import reservoir_options, resize
from auditor.pipeline.run.plan import Plan, load_plan, source_options
from auditor.pipeline.run.reopen import open_database
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.interface import Shard
from auditor.sources.write import write_filtered
from auditor.store.database import query

COLUMNS = pa.schema([("id", pa.string()), ("shard", pa.string()), ("row", pa.int64()), ("reason", pa.string())])
BATCH = 1 << 16


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: documents kept and left out, the files, and what went wrong with a shard."""

    kept: int
    dropped: int
    files: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def write_manifests(run: Path, choice: Choice, *, keep: Path | None = None, drop: Path | None = None) -> Exported:
    """Write keep and drop lists as Parquet (id, shard, row, reason), streaming, in the order of shards and rows.

    Raises: ConfigError, StoreError where there is no finished run
    """
    counts = {True: 0, False: 0}
    with ExitStack() as stack:
        writers = {}
        for kept, path in ((True, keep), (False, drop)):
            if path is not None:
                partial = stack.enter_context(whole_file(path))
                writers[kept] = stack.enter_context(pq.ParquetWriter(partial, COLUMNS, compression="zstd"))
        for batch in _decided(run, choice):
            mask = np.asarray(batch["keep"])
            for kept in (True, False):
                chosen = mask if kept else ~mask
                counts[kept] += int(chosen.sum())
                if kept in writers and chosen.any():
                    table = pa.Table.from_batches([batch]).filter(pa.array(chosen))
                    writers[kept].write_table(table.select(COLUMNS.names).cast(COLUMNS))
    files = tuple(path for path in (keep, drop) if path is not None)
    return Exported(counts[True], counts[False], files)


def write_corpus(run: Path, choice: Choice, folder: Path) -> Exported:
    """Write every shard again without what is left out: same names, format and compression, kept records byte for byte.

    Raises: ConfigError where the folder is not empty or a shard has changed since the audit; nothing is written then
    """
    plan, config, _ = load_plan(run)
    _empty(folder, plan)
    unchanged(plan, config)
    targets = {shard.name: _target(folder, shard) for shard in plan.corpus.shards}
    if len(set(targets.values())) < len(targets):
        raise ConfigError("two shards would be written to one file; audit them from a common folder")
    rows = _kept_rows(run, choice)
    options = source_options(config, run)

    def write(shard: Shard) -> tuple[int, str | None]:
        try:
            return write_filtered(shard, rows(shard.name), targets[shard.name], options), None
        except SourceError as error:
            return len(rows(shard.name)), f"{shard.name}: {error}"

    # Threads: compression, decompression and Arrow's work release the interpreter's lock.
    with ThreadPoolExecutor(max(1, config.workers)) as pool:
        results = list(pool.map(write, sorted(plan.corpus.shards, key=lambda shard: -shard.bytes)))
    with open_database(run) as connection:
        total = query(connection, "SELECT count(*) FROM documents").item()
    kept = sum(count for count, _ in results)
    problems = tuple(problem for _, problem in results if problem)
    return Exported(kept, total - kept, tuple(targets[shard.name] for shard in plan.corpus.shards), problems)


def unchanged(plan: Plan, config: Config) -> None:
    """Raises: ConfigError that names shards whose file is not the one that was audited."""
    try:
        options = source_options(config)
        found = plan_corpus(plan.corpus.roots, options, sample=config.shards_sample, seed=config.seed)
        now = {shard.name: shard.fingerprint for shard in found.shards}
    except AuditError as error:
        raise ConfigError(f"the corpus can no longer be read: {error}") from None
    changed = [shard.name for shard in plan.corpus.shards if now.get(shard.name) != shard.fingerprint]
    if changed:
        raise ConfigError(
            f"changed since the audit: {', '.join(changed[:5])}{' …' if len(changed) > 5 else ''}; "
            "rows may have moved, audit again first"
        )


def write_mix(run: Path, path: Path) -> None:
    """The reservoir's mix plan as TOML, with the run's own settings."""
    _, config, _ = load_plan(run)
    resize(run, reservoir_options(config), mix=path)


def _decided(run: Path, choice: Choice, where: str = "") -> Iterator[pa.RecordBatch]:
    with open_database(run) as connection:
        yield from connection.sql(f"SELECT * FROM ({decisions(choice)}) {where}").to_arrow_reader(BATCH)


def _kept_rows(run: Path, choice: Choice) -> Any:
    """A function from a shard's name to its kept rows, rising; 8 bytes a document in memory."""
    kept: dict[str, list[np.ndarray]] = {}
    for batch in _decided(run, choice, "WHERE keep"):
        frame = pl.DataFrame(pa.Table.from_batches([batch.select(["shard", "row"])]))
        for (shard,), part in frame.group_by("shard", maintain_order=True):
            kept.setdefault(str(shard), []).append(part["row"].to_numpy())
    return lambda name: np.concatenate(kept[name]) if name in kept else np.zeros(0, np.int64)


def _empty(folder: Path, plan: Plan) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"--filtered {folder} is not empty; name a new folder")
    for shard in plan.corpus.shards:
        inside = os.path.abspath(folder)
        if "://" not in shard.path and os.path.commonpath([inside, os.path.dirname(shard.path)]) == inside:
            raise ConfigError(f"--filtered {folder} holds the corpus itself; name a new folder")


def _target(folder: Path, shard: Shard) -> Path:
    """Where a shard goes: its own name below the folder, and never outside it."""
    parts = PurePosixPath(shard.name).parts
    if not parts or PurePosixPath(shard.name).is_absolute() or ".." in parts:
        raise StoreError(f"the shard {shard.name!r} would be written outside {folder}; audit from a folder above it")
    return folder.joinpath(*parts)
