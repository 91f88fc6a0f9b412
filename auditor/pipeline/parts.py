"""The parts of one split on disk: written in a folder aside, renamed into place whole, read lazily."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.manifest import DONE, read_json, write_json

PARTS = "parts"
ROW_GROUP = 1 << 16


def part_folder(run: Path, key: str) -> Path:
    return run / PARTS / key


def done(run: Path, key: str) -> dict[str, Any] | None:
    """The marker of a finished split, None where it is not finished."""
    marker = part_folder(run, key) / DONE
    return read_json(marker) if marker.exists() else None


def scan(run: Path, keys: Iterable[str], name: str, schema: dict[str, Any]) -> pl.LazyFrame:
    """One kind of part over many splits, each row with the position of its split in `keys` as `part`."""
    frames = []
    for number, key in enumerate(keys):
        path = part_folder(run, key) / f"{name}.parquet"
        if path.exists():
            frames.append(pl.scan_parquet(path).with_columns(part=pl.lit(number, pl.UInt32)))
    if not frames:
        return pl.LazyFrame(schema={**schema, "part": pl.UInt32})
    return pl.concat(frames, how="diagonal_relaxed")


class PartWriter:
    """Writes the parts of one split; leaves nothing behind unless `finish` was reached."""

    def __init__(self, run: Path, key: str) -> None:
        self._final = part_folder(run, key)
        self._aside = self._final.with_name(f".{key}.{os.getpid()}")
        self._open: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> PartWriter:
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(parents=True)
        return self

    def add(self, name: str, table: pa.Table) -> None:
        """Append rows to one kind of part, as row groups of their own."""
        if name not in self._open:
            # pyarrow, not Polars: its bytes do not depend on the number of threads.
            hashes = name in ("signatures", "bands")  # random bits: compressing them costs time and saves nothing
            self._open[name] = pq.ParquetWriter(
                self._aside / f"{name}.parquet",
                table.schema,
                compression="none" if hashes else "zstd",
                use_dictionary=not hashes,
            )
        if table.num_rows:
            self._open[name].write_table(table, row_group_size=ROW_GROUP)

    def finish(self, marker: dict[str, Any]) -> None:
        """Close the files, write the marker, move the folder into place."""
        self._close()
        write_json(self._aside / DONE, marker)
        shutil.rmtree(self._final, ignore_errors=True)
        os.replace(self._aside, self._final)

    def _close(self) -> None:
        for writer in self._open.values():
            writer.close()
        self._open.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close()
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)
