"""Pydantic models of report.json's near-duplicates: clusters, overlaps between sources, and the search behind them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.reports.model.base import Count, Part, Place


class Member(Place):
    """A document of a cluster and its verified Jaccard similarity to the representative."""

    jaccard: float | None = None
    kind: str = "near"


class Cluster(Part):
    """Documents that repeat one another, and the one that stands for them."""

    cluster_id: int | str
    documents: Count
    shards: Count
    kind: str = "near"
    jaccard: float | None = Field(default=None, description="lowest verified similarity to the representative")
    representative: Place | None = None
    members: list[Member] = []


class SizeBin(Part):
    """Clusters of size `size_from` to `size_to` documents, both included."""

    size_from: Count
    size_to: Count | None
    clusters: Count
    documents: Count


class Clusters(Part):
    """All clusters of the corpus: how many, how large, the largest."""

    count: Count = 0
    documents: Count = 0
    largest: list[Cluster] = []
    sizes: list[SizeBin] = []


class Overlap(Part):
    """Documents of `a` that have a near-duplicate in `b`, and the other way round. a == b: within the source."""

    a: str
    b: str
    documents: Count
    share_of_a: float | None = None
    share_of_b: float | None = None


class Overlaps(Part):
    """Which shards, sources, hosts or topics share documents."""

    kind: Literal["shard", "source", "host", "topic"] = "shard"
    names: list[str] = Field(default=[], description="the sources in the matrix, most overlapping first")
    cells: list[Overlap] = []
    left_out: Count = Field(default=0, description="sources that are not in the matrix")


class NearDuplicates(Part):
    """The parameters behind the duplicate fraction; the S-curve is 1 - (1 - J**rows)**bands."""

    permutations: Count
    bands: Count
    rows: Count
    threshold: float
    shingle_words: Count = 5
    verified: str = ""
    candidates: Count | None = None
    rejected: Count | None = None
    leftover: Count | None = None
    exact: Count | None = Field(default=None, description="members of clusters whose text is the same")
    near: Count | None = Field(default=None, description="members of clusters whose text is nearly the same")
    split: Count | None = Field(default=None, description="groups of candidates that are not one cluster")
    recall: float | None = Field(default=None, description="expected of pairs one sd above the threshold")
