"""Candidate edges to verified clusters: the whole of near-duplicate detection after the bands.

    edges   = [stars(partition, without=copies) for each band partition]    (reduce, partition by partition)
    found   = gather_candidates(edges, signature batches, lsh, ...)         (one pass over the signatures)
    wanted  = found.to_read                                                 (documents whose shingles must decide)
    clusters = settle(found, exact_duplicates(content), exact=store.jaccards)

The second pass over the text comes in between: the caller adds the shingle set of every wanted document to a
ShingleStore.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from auditor.neardup.components import components
from auditor.neardup.greedy import ROUNDS, Assignment, KnownJaccards, Lsh, Rule, assign, buckets, empty_assignment
from auditor.neardup.spill import Batches, Gathered, Slice, gather

CLUSTERS = pl.Schema(
    {
        "document": pl.UInt64(),
        "cluster": pl.UInt64(),  # the smallest stable id of the cluster, so it depends on no order
        "representative": pl.UInt64(),  # the same document
        "jaccard": pl.Float32(),  # to the representative
        "kind": pl.Enum(["exact", "near"]),  # exact: a text equal to that of a smaller id; a representative: near if
        "estimated": pl.Boolean(),  # it has any near member.        estimated: by signature, not from the shingles
    }
)
MEMORY = 2 << 30
Exact = Callable[[np.ndarray, np.ndarray], np.ndarray]  # ids (p,), ids (p,) -> Jaccards (p,), nan where not known


@dataclass(frozen=True, slots=True)
class Statistics:
    """What clustering did. edges: star edges over all bands; candidates: documents sharing a bucket; components of
    them; compared, rejected: pairs; measured: pairs decided by their shingles; rounds of that (the most of any slice);
    split: components that did not become one cluster; left_over: documents left alone because no star or round
    remained;
    exact, near: duplicates beside the representatives; clusters of two or more.
    """

    edges: int = 0
    candidates: int = 0
    components: int = 0
    compared: int = 0
    rejected: int = 0
    measured: int = 0
    rounds: int = 0
    split: int = 0
    left_over: int = 0
    exact: int = 0
    near: int = 0
    clusters: int = 0

    def __add__(self, other: Statistics) -> Statistics:
        """Counts add up; rounds take the maximum."""
        total = {key: value + asdict(other)[key] for key, value in asdict(self).items()}
        return Statistics(**total | {"rounds": max(self.rounds, other.rounds)})


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """frame: the columns CLUSTERS, ordered by cluster and document, only clusters of two or more; its statistics."""

    frame: pl.DataFrame
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class Found:
    """Candidates with their signatures, before anything was verified."""

    gathered: Gathered
    lsh: Lsh

    @cached_property
    def to_read(self) -> np.ndarray:
        """(w,) uint64 sorted: all documents of the components in which a signature alone does not decide."""
        wanted = [np.empty(0, np.uint64)]
        for part in self.gathered.slices():
            out = _first_round(part, self.lsh)[1]
            doubtful = np.logical_or.reduceat(out.doubtful, part.starts[:-1])
            wanted.append(part.documents[np.repeat(doubtful, np.diff(part.starts))])
        return np.sort(np.concatenate(wanted))


def gather_candidates(
    edges: Sequence[pl.LazyFrame],
    signatures: Batches,
    lsh: Lsh,
    *,
    limit: int = MEMORY,
    scratch: Path | None = None,
) -> Found:
    """Components of the edges and, in one pass, the signatures of their documents.

    Parameters: edges from `stars`, one frame a partition; signatures (documents, rows) of all documents, in batches of
        any order; limit bytes for signatures at once; scratch folder for what does not fit (see `gather`)
    """
    return Found(gather(components(edges), signatures, lsh.permutations, limit=limit, scratch=scratch), lsh)


def settle(found: Found, duplicates: pl.DataFrame, *, exact: Exact | None = None) -> Clusters:
    """Verified clusters: each member resembles its representative (no transitive-only members).

    Parameters: duplicates (document, centre) from `exact_duplicates`; exact gives the Jaccard of pairs by their
        shingles. Without it the signatures decide alone, and every figure is estimated.
    Returns: Clusters, the same to the byte for any order, partition or memory limit
    """
    parts, total = [], Statistics(edges=found.gathered.components.edges)
    for part in found.gathered.slices():
        members, statistics = _settle_slice(part, found.lsh, exact)
        parts.append(members)
        total += statistics
    near = pl.concat([_members(np.empty(0, np.uint64)), *parts])
    frame = _with_copies(near, duplicates)
    alone = pl.col("document") == pl.col("representative")
    kinds = frame.filter(~alone)["kind"].value_counts()
    counted = dict(kinds.iter_rows())
    total += Statistics(
        exact=counted.get("exact", 0), near=counted.get("near", 0), clusters=frame["cluster"].n_unique()
    )
    return Clusters(frame, total)


def _first_round(part: Slice, lsh: Lsh, *, exact: bool = True) -> tuple[np.ndarray, Assignment]:
    numbers, out = buckets(part.signatures, lsh), empty_assignment(part)
    assign(part, numbers, Rule.of(lsh, exact=exact), KnownJaccards.nothing(len(part.documents)), out)
    return numbers, out


def _settle_slice(part: Slice, lsh: Lsh, exact: Exact | None) -> tuple[pl.DataFrame, Statistics]:
    """Rounds of assigning and measuring until no pair is in doubt; after the last, doubt means refusal."""
    numbers, out = _first_round(part, lsh, exact=exact is not None)
    rule, rounds, known = Rule.of(lsh, exact=True), 0, KnownJaccards.nothing(len(part.documents))
    while exact is not None and out.doubtful.any():
        doubtful = np.flatnonzero(out.doubtful)
        again = np.unique(np.searchsorted(part.starts, doubtful, "right") - 1)
        if rounds == ROUNDS:
            assign(part, numbers, rule._replace(assume=False), known, out, chosen=again)
            break
        rounds += 1
        pair = out.representative[doubtful]
        known = known.with_pairs(doubtful, pair, exact(part.documents[doubtful], part.documents[pair]))
        assign(part, numbers, rule, known, out, chosen=again)
    return _result(part, out, Statistics(measured=int(np.isfinite(known.jaccards).sum()), rounds=rounds))


def _result(part: Slice, out: Assignment, measured: Statistics) -> tuple[pl.DataFrame, Statistics]:
    """The members of a slice and what was counted on the way."""
    size = len(part.documents)
    firsts = np.repeat(part.starts[:-1], np.diff(part.starts))
    split = np.logical_or.reduceat(out.representative != firsts, part.starts[:-1]) if size else np.empty(0, bool)
    statistics = Statistics(
        candidates=size,
        components=len(part.starts) - 1,
        compared=int(out.compared.sum()),
        rejected=int(out.rejected.sum()),
        split=int(split.sum()),
        left_over=int(out.left.sum()),
    )
    joined = np.flatnonzero(out.representative != np.arange(size))
    frame = _members(
        part.documents[joined],
        part.documents[out.representative[joined]],
        out.jaccard[joined],
        out.estimated[joined],
    )
    return frame, statistics + measured


def _members(documents: np.ndarray, *columns: np.ndarray) -> pl.DataFrame:
    """Members (not representatives): document, representative, jaccard, estimated."""
    names = ("representative", "jaccard", "estimated")
    filled = columns or (np.empty(0, np.uint64), np.empty(0), np.empty(0, bool))
    frame = pl.DataFrame({"document": documents, **dict(zip(names, filled, strict=True))})
    return frame.with_columns(pl.col("jaccard").cast(pl.Float32))


def _with_copies(near: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """Clusters of near members, exact copies and representatives. A copy has its original's place in the cluster."""
    copies = (
        duplicates.join(near.rename({"document": "centre"}), on="centre", how="left")
        .with_columns(
            pl.coalesce("representative", "centre").alias("representative"),
            pl.col("jaccard").fill_null(1.0),
            pl.col("estimated").fill_null(False),
            pl.lit("exact").alias("kind"),
        )
        .drop("centre")
    )
    members = pl.concat(
        [near.with_columns(pl.lit("near").alias("kind")), copies.select(*near.columns, "kind")], how="vertical"
    )
    heads = members.group_by("representative").agg(
        pl.when((pl.col("kind") == "near").any()).then(pl.lit("near")).otherwise(pl.lit("exact")).alias("kind")
    )
    heads = heads.select(
        pl.col("representative").alias("document"),
        "representative",
        pl.lit(1.0, pl.Float32).alias("jaccard"),
        pl.lit(False).alias("estimated"),
        "kind",
    )
    return (
        pl.concat([members, heads])
        .with_columns(pl.col("representative").alias("cluster"))
        .select(pl.col(name).cast(kind) for name, kind in CLUSTERS.items())
        .sort("cluster", "document")
    )
