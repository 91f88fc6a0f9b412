"""Exports of a run: lists of documents kept and left out, and a copy of the corpus without the latter."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.config import Config
from auditor.errors import AuditError, ConfigError, SourceError, StoreError, nearest
from auditor.gate.selection import Choice, decisions
from auditor.pipeline.report.filters import PROTECTED, WEIGHTS
from auditor.pipeline.report.forecast import Forecast, forecast, forecast_weights
from auditor.pipeline.report.tail import Tail
from auditor.pipeline.reservoir.recommend import reservoir_options, resize
from auditor.pipeline.run.plan import Plan, source_options
from auditor.pipeline.run.reopen import open_database, read_report
from auditor.pipeline.run.run import load_run, need_corpus
from auditor.records import Estimate, Json, estimates_of_json
from auditor.run_folder import whole_file
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.interface import Shard
from auditor.sources.write.filtered import write_filtered
from auditor.sources.write.selection import Written
from auditor.store.database import query

COLUMNS = pa.schema([("id", pa.string()), ("shard", pa.string()), ("row", pa.int64()), ("reason", pa.string())])
BATCH = 1 << 16


@dataclass(frozen=True, slots=True)
class ShardExport:
    """One shard written again: the records that the audit counted in it, and what became of them."""

    shard: str
    records: int
    written: Written | None  # None: it could not be written
    problem: str = ""

    @property
    def counts(self) -> Written:
        """Records kept, left out and unread; none where the shard could not be written."""
        return self.written or Written()

    @property
    def not_written(self) -> int:
        """Records that are lost because the shard could not be written."""
        return 0 if self.written else self.records

    def as_json(self) -> Json:
        """The counts of the shard in one object."""
        found = self.counts
        counts = {"kept": found.kept, "left_out": found.left_out, "unread": found.unread}
        return {
            "shard": self.shard,
            "records": self.records,
            **counts,
            "not_written": self.not_written,
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class Manifests:
    """Lists that were written of the documents kept and left out."""

    kept: int
    dropped: int
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Filtered:
    """A corpus that was written again, in all and shard by shard.

    unread: records that were never documents; not_written: those of shards that could not be written whole
    kept + dropped + unread + not_written are all records of the corpus. unread_kept: whether unread records were copied
    problems: what went wrong, each naming its shard
    """

    kept: int
    dropped: int
    unread: int
    not_written: int
    unread_kept: bool
    shards: tuple[ShardExport, ...]
    files: tuple[Path, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MixPlan:
    """The mix plan that was written."""

    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a selection would keep and lose, and the machine-written share before and after it."""

    counts: Forecast
    fraction_after: Estimate | None
    fraction_before: Estimate

    def as_json(self) -> Json:
        """The counts and both shares in one object."""
        return self.counts.as_json() | {"fraction_after": self.fraction_after, "fraction_before": self.fraction_before}


def write_manifests(run: Path, choice: Choice, *, keep: Path | None = None, drop: Path | None = None) -> Manifests:
    """Write keep and drop lists as Parquet (id, shard, row, reason), streaming, in order of shard and row.

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
    return Manifests(counts[True], counts[False], files)


def write_corpus(
    run: Path, choice: Choice, folder: Path, *, keep_unread: bool = True, corpus: Sequence[str] = ()
) -> Filtered:
    """Write every shard again without what is left out: same names, format and compression, kept records byte for byte.

    Records that could not be read stay as they are, unless keep_unread is False. A shard that cannot be written whole
    is named, and no part of it is left.

    Raises: ConfigError where the folder is not empty or a shard has changed since the audit; nothing is written then
    """
    opened = load_run(run, corpus)
    plan, config = opened.plan, opened.config
    _empty(folder, plan)
    unchanged(plan, config)
    targets = {shard.name: _target(folder, shard) for shard in plan.corpus.shards}
    if len(set(targets.values())) < len(targets):
        raise ConfigError("two shards would be written to one file; audit them from a common folder")
    decided, records = _decided_rows(run, choice), _records(run)
    options = source_options(config, run)

    def write(shard: Shard) -> ShardExport:
        rows, keep = decided.get(shard.name, (np.zeros(0, np.int64), np.zeros(0, bool)))
        try:
            written = write_filtered(shard, rows, keep, targets[shard.name], options, keep_unread=keep_unread)
        except SourceError as error:
            return ShardExport(shard.name, records.get(shard.name, 0), None, f"{shard.name}: not written: {error}")
        problem = ""
        if written.records != records.get(shard.name, 0):
            problem = f"{shard.name}: {written.records:,} records found, {records.get(shard.name, 0):,} were audited"
        return ShardExport(shard.name, records.get(shard.name, 0), written, problem)

    # Threads: compression, decompression and Arrow's work release the interpreter's lock.
    with ThreadPoolExecutor(max(1, config.workers)) as pool:
        done = list(pool.map(write, sorted(plan.corpus.shards, key=lambda shard: -shard.bytes)))
    total = sum((shard.written for shard in done if shard.written), Written())
    shards = tuple(sorted(done, key=lambda shard: shard.shard))
    return Filtered(
        total.kept,
        total.left_out,
        total.unread,
        sum(shard.not_written for shard in shards),
        keep_unread,
        shards,
        tuple(targets[shard.shard] for shard in shards if shard.written),
        (*(shard.problem for shard in done if shard.problem), *_unread_files(plan)),
    )


def _unread_files(plan: Plan) -> tuple[str, ...]:
    """Files of the corpus that were not read at all, and so are not written either."""
    return tuple(f"{unread.name}: not written: it could not be read ({unread.reason})" for unread in plan.corpus.failed)


def forecast_choice(run: Path, choice: Choice) -> Foretold:
    """What a choice would keep and lose, without writing anything; shards that are dropped must be of the run.

    Raises: ConfigError, StoreError where there is no finished run
    """
    plan = load_run(run).plan
    known = {shard.name for shard in plan.corpus.shards}
    if strange := [name for name in choice.shards if name not in known]:
        raise ConfigError(
            f"--drop-shard {strange[0]}: no shard of this run{nearest(strange[0], known)}; its shards are "
            f"{', '.join(sorted(known)[:5])}"
        )
    fraction = estimates_of_json(read_report(run)["corpus"])["synthetic_fraction"]
    with open_database(run) as connection:
        found = forecast(connection, choice, fraction, Tail.of_run(connection, run, plan))
    return Foretold(found, found.fraction_after, fraction)


def forecast_by_weights(run: Path) -> dict[str, Foretold]:
    """What drawing documents by weights would keep and lose, by the weights' names in the report.

    The fraction afterwards is the report's, because only the report has the joint draws for it.
    Raises: ConfigError, StoreError where there is no finished run
    """
    plan = load_run(run).plan
    report = read_report(run)
    before = estimates_of_json(report["corpus"]["synthetic_fraction"])
    after = {row["name"]: row["after"].get("synthetic_fraction") for row in estimates_of_json(report["filtering"])}
    out = {}
    with open_database(run) as connection:
        tail = Tail.of_run(connection, run, plan)
        for name in (WEIGHTS, PROTECTED):
            found = forecast_weights(connection, tail, protected=name == PROTECTED)
            if found is not None:
                out[name] = Foretold(found, after.get(name), before)
    return out


def unchanged(plan: Plan, config: Config) -> None:
    """Raises: ConfigError that names shards whose file is not the one that was audited."""
    need_corpus(plan)
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


def write_mix(run: Path, path: Path) -> MixPlan:
    """Write the reservoir's mix plan as TOML, with the run's own settings."""
    config = load_run(run).config
    resize(run, reservoir_options(config), mix=path)
    return MixPlan((path,))


def _decided(run: Path, choice: Choice, where: str = "") -> Iterator[pa.RecordBatch]:
    with open_database(run) as connection:
        yield from connection.sql(f"SELECT * FROM ({decisions(choice)}) {where}").to_arrow_reader(BATCH)


def _decided_rows(run: Path, choice: Choice) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The rows of each shard's documents, ascending, and whether they stay; 9 bytes a document in memory."""
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for batch in _decided(run, choice):
        frame = pl.DataFrame(pa.Table.from_batches([batch.select(["shard", "row", "keep"])]))
        for (shard,), part in frame.group_by("shard", maintain_order=True):
            found.setdefault(str(shard), []).append((part["row"].to_numpy(), part["keep"].to_numpy()))
    return {
        shard: (np.concatenate([rows for rows, _ in parts]), np.concatenate([keep for _, keep in parts]))
        for shard, parts in found.items()
    }


def _records(run: Path) -> dict[str, int]:
    """How many records the audit counted in each shard: documents, and records that were skipped."""
    with open_database(run) as connection:
        frame = query(connection, "SELECT shard, documents + skipped AS records FROM shards")
    return dict(frame.select("shard", "records").iter_rows())


def _empty(folder: Path, plan: Plan) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"--filtered {folder} is not empty; name a new folder")
    for shard in plan.corpus.shards:
        inside = os.path.abspath(folder)
        if "://" not in shard.path and os.path.commonpath([inside, os.path.dirname(shard.path)]) == inside:
            raise ConfigError(f"--filtered {folder} holds the corpus itself; name a new folder")


def _target(folder: Path, shard: Shard) -> Path:
    """Where a shard is written: under its own name, and never outside the folder."""
    parts = PurePosixPath(shard.name).parts
    if not parts or PurePosixPath(shard.name).is_absolute() or ".." in parts:
        raise StoreError(f"the shard {shard.name!r} would be written outside {folder}; audit from a folder above it")
    return folder.joinpath(*parts)
