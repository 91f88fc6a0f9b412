"""Duplicate fractions, cluster sizes and overlaps: full counts over verified clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from auditor.pipeline.documents.view import register
from auditor.pipeline.run.plan import CORPUS
from auditor.records import Estimate
from auditor.store.database import query

LARGEST = 20  # clusters shown with their members
MEMBERS = 8  # members shown of each
MATRIX = 24  # shards or sources in the overlap matrix
SIZE_BINS = ((2, 2), (3, 5), (6, 10), (11, 100), (101, 1000), (1001, None))


def duplicate_fractions(connection: Any) -> dict[str, dict[str, Estimate]]:
    """duplicate_fraction, _within and _across of every shard and, under "", of the corpus.

    A duplicate is a member of a cluster that is not its representative. It counts as within where the shard holds
    another member that comes first, as across where the representative stands in another shard; the two add up.
    """
    rows = query(
        connection,
        """WITH groups AS (
               SELECT shard, cluster_id, count(*) AS members, bool_or(representative) AS home
               FROM docs WHERE role = ? AND cluster_id IS NOT NULL GROUP BY ALL),
           found AS (
               SELECT shard, sum(members - 1)::BIGINT AS within_shard,
                      count(*) FILTER (NOT home)::BIGINT AS across_shards
               FROM groups GROUP BY shard),
           sizes AS (SELECT shard, count(*) AS documents FROM docs WHERE role = ? GROUP BY shard)
           SELECT shard, documents, coalesce(within_shard, 0) AS within_shard,
                  coalesce(across_shards, 0) AS across_shards
           FROM sizes LEFT JOIN found USING (shard) ORDER BY shard""",
        [CORPUS, CORPUS],
    )
    out = {row["shard"]: fractions(row) for row in rows.to_dicts()}
    out[""] = fractions(rows.select(pl.col(pl.Int64).sum()).to_dicts()[0] if rows.height else {"documents": 0})
    return out


def fractions(row: dict[str, int]) -> dict[str, Estimate]:
    """The three fractions from counts of documents, within_shard and across_shards."""
    names = ("duplicate_fraction", "duplicate_fraction_within", "duplicate_fraction_across")
    n = row["documents"]
    if not n:
        return {name: Estimate.not_measured("it holds no document", method="census") for name in names}
    within, across = row["within_shard"], row["across_shards"]
    return {name: Estimate.census(k / n, n) for name, k in zip(names, (within + across, within, across), strict=True)}


def cluster_sizes(connection: Any) -> dict[str, tuple[list[int], list[int]]]:
    """(sizes, how many clusters have each) within every shard and, under "", within the corpus."""
    out: dict[str, tuple[list[int], list[int]]] = {}
    for name in ("shard", "''"):
        rows = query(
            connection,
            f"""SELECT scope, members, count(*) AS clusters FROM (
                    SELECT {name} AS scope, count(*) AS members FROM docs
                    WHERE role = ? AND cluster_id IS NOT NULL GROUP BY {name}, cluster_id)
                GROUP BY ALL ORDER BY ALL""",
            [CORPUS],
        )
        for scope, members, clusters in rows.iter_rows():
            sizes, numbers = out.setdefault(scope, ([], []))
            sizes.append(members)
            numbers.append(clusters)
    return out


def overlap_rows(connection: Any, kind: str) -> pl.DataFrame:
    """For shards or sources a, b: documents of a that have a near-duplicate in b, and their share of a.

    a and b the same: documents that repeat another of their own, one of each cluster left out, so that the diagonal
    is `duplicate_fraction_within`.
    """
    return query(
        connection,
        f"""WITH members AS (
               SELECT DISTINCT {kind} AS name, cluster_id FROM docs
               WHERE role = ? AND cluster_id IS NOT NULL AND {kind} IS NOT NULL),
           inside AS (
               SELECT {kind} AS name, cluster_id, count(*) AS n FROM docs
               WHERE role = ? AND cluster_id IS NOT NULL AND {kind} IS NOT NULL GROUP BY ALL),
           sizes AS (SELECT {kind} AS name, count(*) AS documents FROM docs WHERE role = ? GROUP BY ALL)
           SELECT a.name AS a, b.name AS b, sum(a.n - (a.name = b.name)::BIGINT)::BIGINT AS documents,
                  sum(a.n - (a.name = b.name)::BIGINT) / any_value(s.documents) AS share
           FROM inside a JOIN members b ON a.cluster_id = b.cluster_id AND (a.name <> b.name OR a.n > 1)
           JOIN sizes s ON s.name = a.name
           GROUP BY a.name, b.name ORDER BY a, b""",
        [CORPUS, CORPUS, CORPUS],
    ).select(pl.lit(kind).alias("kind"), "a", "b", "documents", "share")


def overlap_matrix(rows: pl.DataFrame, kind: str) -> dict[str, Any]:
    """The report's matrix: the names that overlap most, both directions of each pair."""
    if not rows.height:
        return {"kind": kind, "names": [], "cells": [], "left_out": 0}
    weight = rows.group_by("a").agg(pl.col("documents").sum()).sort(["documents", "a"], descending=[True, False])
    names = weight["a"].head(MATRIX).to_list()
    share = {(row["a"], row["b"]): row for row in rows.to_dicts()}
    cells = []
    for (a, b), row in share.items():
        if a in names and b in names and a <= b:
            other = share.get((b, a))
            cells.append(
                {
                    "a": a,
                    "b": b,
                    "documents": row["documents"],
                    "share_of_a": row["share"],
                    "share_of_b": other["share"] if other else None,
                }
            )
    return {"kind": kind, "names": names, "cells": cells, "left_out": weight.height - len(names)}


def cluster_summary(connection: Any) -> dict[str, Any]:
    """How many clusters of which size, and the largest ones with members."""
    sizes = query(
        connection,
        """SELECT cluster_id, count(*) AS documents, count(DISTINCT shard) AS shards,
                  bool_and(copy_kind = 'exact' OR representative) AS exact, min(jaccard) AS jaccard
           FROM docs WHERE role = ? AND cluster_id IS NOT NULL GROUP BY cluster_id
           ORDER BY documents DESC, cluster_id""",
        [CORPUS],
    )
    bins = []
    for first, last in SIZE_BINS:
        inside = sizes.filter((pl.col("documents") >= first) & (pl.col("documents") <= (last or 2**62)))
        if inside.height:
            bins.append(
                {
                    "size_from": first,
                    "size_to": last,
                    "clusters": inside.height,
                    "documents": int(inside["documents"].sum()),
                }
            )
    return {
        "count": sizes.height,
        "documents": int(sizes["documents"].sum()),
        "sizes": bins,
        "largest": [_cluster(row, members) for row, members in _largest(connection, sizes.head(LARGEST))],
    }


def _largest(connection: Any, clusters: pl.DataFrame) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each of some clusters with its first members."""
    register(connection, "largest", clusters.select("cluster_id"))
    members = query(
        connection,
        """SELECT cluster_id, shard, row, coalesce(doc_id, '') AS doc_id, representative, jaccard, copy_kind AS kind
           FROM docs JOIN largest USING (cluster_id) WHERE role = ?
           QUALIFY row_number() OVER (PARTITION BY cluster_id ORDER BY representative DESC, shard, row) <= ?
           ORDER BY cluster_id, representative DESC, shard, row""",
        [CORPUS, MEMBERS],
    ).partition_by("cluster_id", as_dict=True)
    for row in clusters.to_dicts():
        yield row, members[row["cluster_id"],].to_dicts()


def _cluster(row: dict[str, Any], members: list[dict[str, Any]]) -> dict[str, Any]:
    places = [{key: member[key] for key in ("shard", "row", "doc_id")} for member in members]
    return {
        "cluster_id": str(row["cluster_id"]),
        "documents": row["documents"],
        "shards": row["shards"],
        "kind": "exact" if row["exact"] else "near",
        "jaccard": row["jaccard"],
        "representative": places[0],
        "members": [
            place | {"jaccard": member["jaccard"], "kind": member["kind"] or "near"}
            for place, member in zip(places[1:], members[1:], strict=True)
        ],
    }
