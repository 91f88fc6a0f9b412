"""Read a keep list (`auditor export run --keep keep.parquet`) in Polars and in datatrove."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl


def kept(corpus: Path, keep: Path, shard: str) -> pl.LazyFrame:
    """The documents of one Parquet shard that stay; rows are counted from 0 as they stand in the file."""
    rows = pl.scan_parquet(keep).filter(pl.col("shard") == shard).select(pl.col("row").cast(pl.UInt32))
    return pl.scan_parquet(corpus / shard).with_row_index("row").join(rows, on="row", how="semi").drop("row")


def keep_step(keep: Path, shard: str) -> Callable[..., Iterator[Any]]:
    """A step for a datatrove pipeline: it takes any function of (documents, rank, world_size).

    Put it right after the reader of the shard: [ParquetReader(...), keep_step(keep, shard), JsonlWriter(...)]
    """
    rows = pl.read_parquet(keep).filter(pl.col("shard") == shard)["row"].to_list()

    def step(documents: Iterable[Any], rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        wanted = set(rows)
        return (document for row, document in enumerate(documents) if row in wanted)

    return step
