"""Documents already seen in an earlier audit, by signature alone: its text is never read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.errors import ConfigError
from auditor.neardup.spill import Batches
from auditor.text.jit import kernel

SEEN = pl.Schema({"document": pl.UInt64, "earlier": pl.UInt64, "jaccard": pl.Float32})
PAIRS = pl.Schema({"document": pl.UInt64, "earlier": pl.UInt64})
MOST = 8  # earlier documents compared in one bucket, as clustering has eight stars


def comparable(ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str) -> None:
    """Refuse an earlier run whose signatures or bands mean something else.

    Parameters: the sketch parameters of both runs, as their manifests hold them; name of the earlier run
    Raises: ConfigError that says which parameters differ, and how
    """
    differing = [key for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]
    if differing:
        told = ", ".join(f"{key} is {theirs.get(key)} there and {ours.get(key)} here" for key in differing)
        raise ConfigError(f"{name} cannot be compared with this run: {told}. Audit one of them again with the other's")


def against(
    partitions: Iterable[tuple[pl.DataFrame, pl.DataFrame]],
    signatures: Batches,
    earlier: Batches,
    threshold: float,
    *,
    scratch: Path | None = None,
) -> pl.DataFrame:
    """Documents that resemble one of an earlier run, by estimated Jaccard.

    Parameters:
        partitions: (bands of this run, bands of the earlier one) of the same partition, one after the other
        signatures, earlier: all signatures of this run and of the earlier one, in batches of any order
        threshold: least estimated Jaccard; scratch: a folder for the earlier signatures needed, else in memory
    Returns: (document, earlier, jaccard), one row a document, the best one (the smaller id on ties), by document.
        Ids of the two runs may be equal: the columns say whose they are.
    """
    pairs = pl.concat([pl.DataFrame(schema=PAIRS), *(shared_buckets(*part) for part in partitions)]).unique()
    best = estimates(pairs, signatures, earlier, scratch=scratch).filter(pl.col("jaccard") >= threshold)
    order = ["document", "jaccard", "earlier"]
    return best.sort(order, descending=[False, True, False]).unique("document", keep="first", maintain_order=True)


def shared_buckets(bands: pl.DataFrame, earlier: pl.DataFrame, *, most: int | None = MOST) -> pl.DataFrame:
    """Pairs (document, earlier) that share a bucket: of each bucket the `most` smallest ids of the earlier run."""
    theirs = earlier.join(bands.select("band", "hash").unique(), on=["band", "hash"], how="semi").unique()
    if most is not None:
        theirs = theirs.filter(pl.col("document").rank("ordinal").over("band", "hash") <= most)
    pairs = bands.join(theirs.rename({"document": "earlier"}), on=["band", "hash"], how="inner")
    return pairs.select(PAIRS.names()).unique()


def estimates(pairs: pl.DataFrame, signatures: Batches, earlier: Batches, *, scratch: Path | None) -> pl.DataFrame:
    """Estimated Jaccard of pairs (document, earlier): two sequential passes, one over each run's signatures."""
    wanted = pairs["earlier"].unique().sort().to_numpy()
    kept = _keep(wanted, earlier, scratch)
    pairs = pairs.sort("document", "earlier")
    documents, others = pairs["document"].to_numpy(), np.searchsorted(wanted, pairs["earlier"].to_numpy())
    jaccards = np.full(len(pairs), np.nan, np.float32)
    for ids, rows in signatures:
        first, last = np.searchsorted(documents, ids, "left"), np.searchsorted(documents, ids, "right")
        some = np.flatnonzero(last > first)
        if kept is not None and len(some):
            _estimates(np.ascontiguousarray(rows), some, first, last, kept, others, jaccards)
    return pairs.with_columns(pl.Series("jaccard", jaccards)).select(pl.col(n).cast(t) for n, t in SEEN.items())


def _keep(wanted: np.ndarray, batches: Batches, scratch: Path | None) -> np.ndarray | None:
    """The signatures of the wanted documents (w,) sorted, in that order; None when there are none."""
    kept: np.ndarray | None = None
    for ids, rows in batches if len(wanted) else ():
        if kept is None:
            shape = (len(wanted), rows.shape[1])
            kept = np.zeros(shape, np.uint32) if scratch is None else _file(scratch, shape)
        place = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
        mine = wanted[place] == ids
        kept[place[mine]] = rows[mine]
    return kept


def _file(scratch: Path, shape: tuple[int, int]) -> np.ndarray:
    return np.memmap(scratch / "earlier.u32", np.uint32, "w+", shape=shape)


@kernel
def _estimates(rows, some, first, last, kept, others, out):
    """rows (n, k), some (s,) of them, whose pairs are first[i] to last[i]; kept (w, k), others (p,) -> out (p,)."""
    for i in some:
        for p in range(first[i], last[i]):
            same = 0
            for k in range(rows.shape[1]):
                same += rows[i, k] == kept[others[p], k]
            out[p] = same / rows.shape[1]
