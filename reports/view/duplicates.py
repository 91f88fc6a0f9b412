"""The section on duplicates: shards, overlaps between them, sizes of clusters and the largest with their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.reports.model.base import Place
from auditor.reports.model.duplicates import Cluster, Member, SizeBin
from auditor.reports.model.schema import Report, Shard
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.redact import redact
from auditor.reports.view import charts, figures
from auditor.reports.view.charts import Chart
from auditor.reports.view.figures import Heat, Rows

SHOWN = 24


@dataclass(frozen=True, slots=True)
class MemberShown:
    """A document of a cluster."""

    shard: str
    row: str
    doc_id: str
    jaccard: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class ClusterShown:
    """A cluster by its representative, with the first of its documents."""

    of: str
    alike: str
    documents: str
    shards: str
    kind: str
    members: list[MemberShown]


@dataclass(frozen=True, slots=True)
class DuplicatesSection:
    """What the section on duplicates shows."""

    shards: Rows | None
    facts: list[tuple[str, ...]]
    sizes: Rows | None
    largest: list[ClusterShown]
    count: str
    heat: Heat | None
    s_curve: Chart | None


def duplicates(report: Report, shards: Sequence[Shard]) -> DuplicatesSection:
    """The section's content."""
    corpus, clusters = report.corpus, report.clusters
    facts = (
        ("Repeat another document", corpus.duplicate_fraction),
        ("Repeat one of their own shard", corpus.duplicate_fraction_within),
        ("Repeat one of another shard", corpus.duplicate_fraction_across),
    )
    return DuplicatesSection(
        shards=_shards(shards),
        facts=[(label, numbers.brief(e), numbers.doubt(e), numbers.why(e)) for label, e in facts],
        sizes=_by_size(clusters.sizes),
        largest=[_cluster(c) for c in clusters.largest[:10]],
        count=numbers.plural(clusters.count, "cluster"),
        heat=figures.heat(report.overlaps),
        s_curve=charts.s_curve(report.near_duplicates),
    )


def _shards(shards: Sequence[Shard]) -> Rows | None:
    """The shards that repeat most; those without a repeat are left out."""
    known = [(s, e) for s in shards for e in [s.duplicate_fraction] if numbers.measured(e) and e.value > 0]
    known.sort(key=lambda row: -row[1].value)
    entries = [(s.shard, _repeats(s, e.value), numbers.estimate(e)) for s, e in known[: SHOWN // 2]]
    return figures.stacks("Documents that repeat another", entries) if entries else None


def _repeats(shard: Shard, share: float) -> list[tuple[float, str]]:
    within = shard.duplicate_fraction_within
    if numbers.measured(within) and numbers.measured(shard.duplicate_fraction_across):
        # A document can repeat one inside and one outside its shard: the overlap is drawn once.
        return [(within.value, "duplicate"), (max(0.0, share - within.value), "across")]
    return [(share, "duplicate")]


def _by_size(bins: Sequence[SizeBin]) -> Rows | None:
    rows = [
        (
            _sizes(b),
            [(float(b.documents), "duplicate")],
            f"{numbers.plural(b.documents, 'document')} in {numbers.plural(b.clusters, 'cluster')}",
        )
        for b in bins
    ]
    return figures.stacks("Documents by size of their cluster", rows, unit="count") if rows else None


def _sizes(b: SizeBin) -> str:
    if b.size_to is None:
        return f"{b.size_from:,} and more"
    return f"{b.size_from:,}" if b.size_from == b.size_to else f"{b.size_from:,} to {b.size_to:,}"


def _cluster(c: Cluster) -> ClusterShown:
    lowest = c.jaccard
    places: list[Place] = [c.representative] if c.representative else []
    return ClusterShown(
        of=_first(places or c.members),
        alike="identical" if lowest == 1 else f"similarity at least {numbers.percent(lowest)}" if lowest else "",
        documents=f"{c.documents:,}",
        shards=f"{c.shards:,}",
        kind=clean(c.kind, 10),
        members=[_member(m) for m in [*places, *c.members[:5]]],
    )


def _member(m: Place) -> MemberShown:
    return MemberShown(
        shard=name(m.shard, 60),
        row=f"{m.row:,}",
        doc_id=name(m.doc_id, 60),
        jaccard=numbers.share_or_blank(m.jaccard) if isinstance(m, Member) else "",
        excerpt=redact(m.excerpt or ""),
    )


def _first(places: Sequence[Place]) -> str:
    """The representative of a cluster, by its id and its place."""
    if not places:
        return "a document"
    place = places[0]
    where = f"{name(place.shard, 40)}, row {place.row:,}"
    return f"{name(place.doc_id, 40)} ({where})" if place.doc_id else where
