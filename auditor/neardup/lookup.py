"""Is this text, or nearly, in the corpus? Answered by datasketch's own index over the signatures of a run."""

from __future__ import annotations

import numpy as np
import polars as pl
from datasketch import LeanMinHash, MinHashLSH

from auditor.neardup.earlier import shared_buckets
from auditor.neardup.greedy import Lsh
from auditor.neardup.spill import Batches

MATCHES = pl.Schema({"query": pl.UInt64, "document": pl.UInt64, "jaccard": pl.Float32})
SCHEME = "affine32"


def sketch_of(signature: np.ndarray, seed: int) -> LeanMinHash:
    """A signature (k,) uint32 as datasketch's sketch, for any of its indexes."""
    return LeanMinHash(seed=seed, hashvalues=signature, scheme=SCHEME)


def index_of(documents: np.ndarray, signatures: np.ndarray, lsh: Lsh, *, seed: int) -> MinHashLSH:
    """A datasketch index of documents (n,) with signatures (n, k).

    It lives in memory at some 5 KB a document: for a large run give it only the candidates (see `matches`).
    """
    index = MinHashLSH(num_perm=lsh.permutations, params=(lsh.bands, lsh.rows))
    for document, row in zip(documents.tolist(), signatures, strict=True):
        index.insert(document, sketch_of(row, seed), check_duplication=False)
    return index


def candidates(queries: pl.DataFrame, bands: pl.LazyFrame) -> np.ndarray:
    """Documents of a run that share a bucket with a query, sorted: both given as (band, hash, document)."""
    wanted = queries.lazy().select("band", "hash").unique()
    near = bands.join(wanted, on=["band", "hash"], how="semi").collect()
    return shared_buckets(queries, near, most=None)["earlier"].unique().sort().to_numpy()


def matches(queries: np.ndarray, wanted: np.ndarray, signatures: Batches, lsh: Lsh, *, seed: int) -> pl.DataFrame:
    """What a run holds of each query: (query, document, jaccard), best first.

    Parameters: queries (q, k) uint32 signatures, numbered by their row; wanted from `candidates`; signatures of the
        run in batches; seed of its permutations
    Returns: documents whose estimated Jaccard reaches the threshold less one standard deviation of the estimate
    """
    ids, rows = [np.empty(0, np.uint64)], [np.empty((0, queries.shape[1]), np.uint32)]
    for documents, batch in signatures if len(wanted) else ():
        mine = np.isin(documents, wanted)
        ids.append(documents[mine])
        rows.append(batch[mine])
    documents, kept = np.concatenate(ids), np.concatenate(rows)
    place = {int(document): i for i, document in enumerate(documents)}
    index = index_of(documents, kept, lsh, seed=seed)
    found = []
    for number, row in enumerate(queries):
        for document in index.query(sketch_of(row, seed)):
            found.append((number, document, float((kept[place[document]] == row).mean())))
    frame = pl.DataFrame(found, schema=MATCHES, orient="row")
    least = lsh.threshold - lsh.deviation
    order = ["query", "jaccard", "document"]
    return frame.filter(pl.col("jaccard") >= least).sort(order, descending=[False, True, False])
