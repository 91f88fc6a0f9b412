"""From buckets to edges: each bucket becomes a star around its smallest stable id, never all pairs."""

from __future__ import annotations

import numpy as np
import polars as pl

from auditor.neardup.components import search

EDGES = pl.Schema({"document": pl.UInt64, "centre": pl.UInt64})
CONTENT = pl.Schema({"content_1": pl.UInt64, "content_2": pl.UInt64, "document": pl.UInt64})


def stars(bands: pl.DataFrame, *, without: np.ndarray | None = None) -> pl.DataFrame:
    """The edges of one band partition: whole buckets in any order, of one band or of several.

    Parameters:
        bands: (band UInt8, hash UInt64, document UInt64); a bucket (band, hash) must not be cut by the partition
        without: (e,) uint64 sorted ids that stay out: exact duplicates, which their original represents
    Returns: (document, centre), size - 1 rows per bucket, ordered: the same for any order of the input
    """
    parts = [_stars([part["hash"]], part["document"], without) for part in bands.partition_by("band")]
    return pl.concat([pl.DataFrame(schema=EDGES), *parts]).sort("document", "centre")


def exact_duplicates(content: pl.DataFrame) -> pl.DataFrame:
    """Documents of equal text: (document, centre), the centre being the smallest id of that text.

    Parameters: content (content_1, content_2, document), all UInt64: both halves of the content hash; a partition by
        content_1 may be given alone. Leave out empty documents, or they count as copies of each other.
    """
    return _stars([content["content_1"], content["content_2"]], content["document"], None).sort("document")


def _stars(keys: list[pl.Series], documents: pl.Series, without: np.ndarray | None) -> pl.DataFrame:
    """The stars of the runs of equal keys. Repeated rows of a document are no edge."""
    arrays, ids = [key.to_numpy() for key in keys], documents.to_numpy()
    order = np.argsort(arrays[0])
    first, shared = _runs([array[order] for array in arrays[:1]])
    order, first = order[shared], first[shared]
    if len(arrays) > 1:  # the few rows that agree in the first key are ordered by all of them
        order = order[np.lexsort([array[order] for array in reversed(arrays)])]
        first, shared = _runs([array[order] for array in arrays])
        order, first = order[shared], first[shared]
    ids = ids[order]
    if without is not None and len(without):
        keep = ~_among(ids, without)
        bucket = np.cumsum(first)[keep]
        ids, first = ids[keep], np.diff(bucket, prepend=0) != 0
    starts = np.flatnonzero(first)
    if not len(starts):
        return pl.DataFrame(schema=EDGES)
    centres = np.repeat(np.minimum.reduceat(ids, starts), np.diff(starts, append=len(ids)))
    edge = ids != centres
    found = {"document": ids[edge], "centre": centres[edge], "bucket": np.cumsum(first)[edge]}
    return pl.DataFrame(found).unique().select(EDGES.names())


def _runs(ordered: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of rows in order of their keys: which are the first of their run, and which share it with others."""
    first = np.ones(len(ordered[0]) + 1, bool)
    first[1:-1] = np.logical_or.reduce([array[1:] != array[:-1] for array in ordered])
    return first[:-1], ~(first[:-1] & first[1:])


def _among(ids: np.ndarray, sorted_ids: np.ndarray) -> np.ndarray:
    """Which ids stand in sorted_ids."""
    place = np.minimum(search(sorted_ids, ids), len(sorted_ids) - 1)
    return sorted_ids[place] == ids
