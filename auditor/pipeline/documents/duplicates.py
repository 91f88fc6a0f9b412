"""Duplicate fractions, cluster sizes and overlaps: full counts over verified clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from auditor.pipeline.documents.view import register
from auditor.pipeline.run.plan import CORPUS
from auditor.records import Estimate, Json
from auditor.store.database import query

LARGEST = 20  # clusters shown with their members
MEMBERS = 8  # members shown of each
MATRIX = 24  # shards or sources in the overlap matrix
SIZE_BINS = ((2, 2), (3, 5), (6, 10), (11, 100), (101, 1000), (1001, None))


@dataclass(frozen=True, slots=True)
class Duplication:
    """The share of documents that repeat another one: in all, within their shard, across shards."""

    duplicate_fraction: Estimate
    duplicate_fraction_within: Estimate
    duplicate_fraction_across: Estimate

    @classmethod
    def of(cls, documents: int, within: int = 0, across: int = 0) -> Duplication:
        """From numbers of documents; full counts, so the intervals are the values."""
        if not documents:
            nothing = Estimate.not_measured("it holds no document", method="census")
            return cls(nothing, nothing, nothing)
        return cls(*(Estimate.census(k / documents, documents) for k in (within + across, within, across)))


@dataclass(frozen=True, slots=True)
class Overlap:
    """Documents of a that have a near-duplicate in b, as a share of either side."""

    a: str
    b: str
    documents: int
    share_of_a: float
    share_of_b: float | None


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The shards or sources that overlap most, each pair once; left_out: how many others overlap too."""

    kind: str
    names: list[str]
    cells: list[Overlap]
    left_out: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is; doc_id: the source's own."""

    shard: str
    row: int
    doc_id: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A document of a cluster beside its representative, with its similarity to it."""

    place: Place
    jaccard: float | None
    kind: str

    def as_json(self) -> Json:
        """A row of `members` in report.json."""
        return {**asdict(self.place), "jaccard": self.jaccard, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Documents that nearly equal one of them, the representative; jaccard: the lowest similarity to it."""

    cluster_id: str
    documents: int
    shards: int
    kind: str
    jaccard: float | None
    representative: Place
    members: list[Member]


@dataclass(frozen=True, slots=True)
class ClusterSizes:
    """How many clusters have between `size_from` and `size_to` documents (None: no limit), and their documents."""

    size_from: int
    size_to: int | None
    clusters: int
    documents: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """All clusters of the corpus: how many, with how many documents, by size, and the largest."""

    count: int
    documents: int
    sizes: list[ClusterSizes]
    largest: list[Cluster]


def duplicate_fractions(connection: Any) -> dict[str, Duplication]:
    """The duplicates of every shard and, under "", of the corpus.

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
    out = {shard: Duplication.of(*numbers) for shard, *numbers in rows.iter_rows()}
    return out | {"": Duplication.of(*rows.select("documents", "within_shard", "across_shards").sum().row(0))}


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


def overlap_matrix(rows: pl.DataFrame, kind: str) -> Overlaps:
    """The report's matrix: the names that overlap most, both directions of each pair."""
    if not rows.height:
        return Overlaps(kind, [], [], 0)
    weight = rows.group_by("a").agg(pl.col("documents").sum()).sort(["documents", "a"], descending=[True, False])
    names = weight["a"].head(MATRIX).to_list()
    share = {(row["a"], row["b"]): row for row in rows.to_dicts()}
    cells = []
    for (a, b), row in share.items():
        if a in names and b in names and a <= b:
            other = share.get((b, a))
            cells.append(Overlap(a, b, row["documents"], row["share"], other["share"] if other else None))
    return Overlaps(kind, names, cells, weight.height - len(names))


def cluster_summary(connection: Any) -> Clusters:
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
            bins.append(ClusterSizes(first, last, inside.height, int(inside["documents"].sum())))
    largest = list(_largest(connection, sizes.head(LARGEST)))
    return Clusters(sizes.height, int(sizes["documents"].sum()), bins, largest)


def _largest(connection: Any, clusters: pl.DataFrame) -> Iterator[Cluster]:
    """Some clusters with their first members."""
    register(connection, "largest", clusters.select("cluster_id"))
    members = query(
        connection,
        """SELECT cluster_id, shard, row, coalesce(doc_id, '') AS doc_id, representative, jaccard, copy_kind AS kind
           FROM docs JOIN largest USING (cluster_id) WHERE role = ?
           QUALIFY row_number() OVER (PARTITION BY cluster_id ORDER BY representative DESC, shard, row) <= ?
           ORDER BY cluster_id, representative DESC, shard, row""",
        [CORPUS, MEMBERS],
    ).partition_by("cluster_id", as_dict=True)
    for cluster, documents, shards, exact, jaccard in clusters.iter_rows():
        kind = "exact" if exact else "near"
        yield Cluster(str(cluster), documents, shards, kind, jaccard, *_members(members[cluster,]))


def _members(rows: pl.DataFrame) -> tuple[Place, list[Member]]:
    """The representative, which comes first, and the others."""
    found = [
        Member(Place(row["shard"], row["row"], row["doc_id"]), row["jaccard"], row["kind"] or "near")
        for row in rows.iter_rows(named=True)
    ]
    return found[0].place, found[1:]
