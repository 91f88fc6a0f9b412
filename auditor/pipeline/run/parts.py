"""The parts of one split on disk: written in a folder aside, renamed into place whole, read lazily."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.errors import StoreError
from auditor.manifest import DONE, digest_of, key_of, read_json, write_json
from auditor.pipeline.run.markers import Marker
from auditor.pipeline.run.plan import Task
from auditor.run_folder import make_aside, move, new_file, remove

PARTS = "parts"
RETAINED = ("sample.parquet", "words.parquet")  # parts that hold text of the corpus, or its words in order
ROW_GROUP = 1 << 14  # held in memory until it is full, a few copies of it while it is written
TRIES = 5


def part_folder(run: Path, key: str) -> Path:
    """Where the parts of the split with this key stand."""
    return run / PARTS / key


def done(run: Path, key: str) -> Marker | None:
    """The marker of a finished split, None where it is not finished or the marker cannot be read."""
    path = part_folder(run, key) / DONE
    try:
        return Marker.of_json(read_json(path)) if path.exists() else None
    except StoreError:
        return None


def damaged(run: Path, key: str) -> str | None:
    """The name of the first part of a finished split that is not as it was written; reads every byte of them."""
    folder = part_folder(run, key)
    marker = done(run, key)
    for name, written in sorted((marker.files or {}).items() if marker else ()):
        if marker and name in marker.forgotten:
            continue
        path = folder / name
        if not path.is_file() or digest_of(path) != written:
            return name
    return None


def state(run: Path, keys: Iterable[str]) -> list[str]:
    """What clusters depend on: each mapped split's key with the content of its parts."""
    markers = ((key, done(run, key)) for key in keys)
    return [key_of(key, marker.files if marker else None) for key, marker in markers]


def scan(
    run: Path, tasks: Iterable[Task], name: str, schema: Mapping[str, pl.DataType | type[pl.DataType]]
) -> pl.LazyFrame:
    """One kind of part over many splits; `part` is the position of a row's split among the tasks, `shard` its shard."""
    frames = []
    for number, task in enumerate(tasks):
        path = part_folder(run, task.key) / f"{name}.parquet"
        if path.exists():
            placed = {"part": pl.lit(number, pl.UInt32), "shard": pl.lit(task.shard.name, pl.String)}
            frames.append(pl.scan_parquet(path).with_columns(**placed))
    if not frames:
        return pl.LazyFrame(schema={**schema, "part": pl.UInt32, "shard": pl.String})
    return pl.concat(frames, how="diagonal_relaxed")


def signature_table(ids: np.ndarray, signatures: np.ndarray) -> pa.Table:
    """Signatures (n, k) uint32 with the stable ids of their documents (n,), as the part of that name keeps them.

    The numbers of a signature are one binary value: a list of them takes six times as long to read.
    """
    raw = pa.py_buffer(np.ascontiguousarray(signatures, "<u4"))
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4 * signatures.shape[1]), len(ids), [None, raw])
    # Through Polars: pa.array of a numpy array imports pandas if it is installed, which takes a third of a second.
    return pa.table({"stable_id": pl.Series(ids).to_arrow(), "signature": column})


def signature_rows(batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """(stable ids (n,), signatures (n, k)) of a batch of that part."""
    column = batch.column("signature")
    size = column.type.byte_width
    raw = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * size : (column.offset + len(column)) * size]
    return pl.Series(batch.column("stable_id")).to_numpy(), raw.view("<u4").reshape(-1, size // 4)


class PartWriter:
    """Writes the parts of one split; leaves nothing behind unless `finish` was reached.

    Row groups are of one size whatever the batches were, so that the bytes do not depend on them.
    """

    def __init__(self, run: Path, key: str) -> None:
        self._run, self._final = run, part_folder(run, key)
        self._open: dict[str, pq.ParquetWriter] = {}
        self._held: dict[str, list[pa.Table]] = {}

    def __enter__(self) -> PartWriter:
        self._aside = make_aside(self._final, within=self._run)
        return self

    def add(self, name: str, table: pa.Table) -> None:
        """Append rows to one kind of part."""
        if name not in self._open:
            # pyarrow, not Polars: its bytes do not depend on the number of threads.
            path = self._aside / f"{name}.parquet"
            if path.name in RETAINED:  # readable by its owner alone from the first byte on
                new_file(path, within=self._aside).close()
            hashes = name in ("signatures", "bands")  # random bits: compressing them costs time and saves nothing
            self._open[name] = pq.ParquetWriter(
                path,
                table.schema,
                compression="none" if hashes else "zstd",
                use_dictionary=not hashes,
            )
        held = self._held.setdefault(name, [])
        held.append(table)
        if sum(part.num_rows for part in held) >= ROW_GROUP:
            rows = pa.concat_tables(held)
            whole = rows.num_rows - rows.num_rows % ROW_GROUP
            self._write(name, rows.slice(0, whole))
            self._held[name] = [rows.slice(whole)]

    def finish(self, marker: Marker) -> Marker:
        """Close the files, write the marker with their digests, move the folder into place; returns the marker."""
        for name, held in self._held.items():
            self._write(name, pa.concat_tables(held))
        self._close()
        files = {path.name: digest_of(path) for path in sorted(self._aside.iterdir())}
        marker = marker.of_files(files)
        write_json(self._aside / DONE, marker.as_json())
        self._place()
        return marker

    def _write(self, name: str, rows: pa.Table) -> None:
        # One chunk: otherwise page boundaries would follow the batches.
        for start in range(0, rows.num_rows, ROW_GROUP):
            self._open[name].write_table(rows.slice(start, ROW_GROUP).combine_chunks(), row_group_size=ROW_GROUP)

    def _place(self) -> None:
        """Rename into place; two processes that write the same split (a retry of a task thought lost) may meet here."""
        for _ in range(TRIES):
            with suppress(OSError):
                move(self._aside, self._final, within=self._run)
                return
            old = make_aside(self._final, within=self._run)
            with suppress(OSError):
                move(self._final, old / "old", within=self._run)
            remove(old, within=self._run)
        move(self._aside, self._final, within=self._run)

    def _close(self) -> None:
        for writer in self._open.values():
            writer.close()
        self._open.clear()
        self._held.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with suppress(OSError) if error else nullcontext():  # a full disk has been reported already
                self._close()
        finally:
            remove(self._aside, within=self._run)
