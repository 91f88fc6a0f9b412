"""The section on duplicates: shards, overlaps between them, sizes of clusters and the largest with their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.redact import redact
from auditor.reports.view import figures

SHOWN = 24


def duplicates(report: dict[str, Any], shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the section on duplicates shows."""
    known = [s for s in shards if numbers.measured(s["duplicate_fraction"])]
    known.sort(key=lambda s: -s["duplicate_fraction"]["value"])
    entries = [(s["shard"], _repeats(s), numbers.estimate(s["duplicate_fraction"])) for s in known[: SHOWN // 2]]
    clusters, corpus = report.get("clusters") or {}, report["corpus"]
    sizes = [
        (
            _sizes(b),
            [(float(b["documents"]), "duplicate")],
            f"{numbers.plural(b['documents'], 'document')} in {numbers.plural(b['clusters'], 'cluster')}",
        )
        for b in clusters.get("sizes", [])
    ]
    return {
        "shards": figures.stacks("Documents that repeat another", entries) if entries else None,
        "facts": [
            (label, numbers.brief(corpus[key]), numbers.doubt(corpus[key]), numbers.why(corpus[key]))
            for key, label in (
                ("duplicate_fraction", "Repeat another document"),
                ("duplicate_fraction_within", "Repeat one of their own shard"),
                ("duplicate_fraction_across", "Repeat one of another shard"),
            )
        ],
        "sizes": figures.stacks("Documents by size of their cluster", sizes, unit="count") if sizes else None,
        "largest": [_cluster(c) for c in clusters.get("largest", [])[:10]],
        "count": numbers.plural(clusters.get("count", 0), "cluster"),
        "heat": figures.heat(report.get("overlaps") or {}),
        "s_curve": figures.s_curve(report.get("near_duplicates")),
        "near": report.get("near_duplicates"),
    }


def _repeats(shard: dict[str, Any]) -> list[tuple[float, str]]:
    within, across = shard["duplicate_fraction_within"], shard["duplicate_fraction_across"]
    if numbers.measured(within) and numbers.measured(across):
        inside = within["value"]
        # A document can repeat one inside and one outside: what lies over the total is drawn once.
        return [(inside, "duplicate"), (max(0.0, shard["duplicate_fraction"]["value"] - inside), "across")]
    return [(shard["duplicate_fraction"]["value"], "duplicate")]


def _sizes(b: dict[str, Any]) -> str:
    if b["size_to"] is None:
        return f"{b['size_from']:,} and more"
    return f"{b['size_from']:,}" if b["size_from"] == b["size_to"] else f"{b['size_from']:,} to {b['size_to']:,}"


def _cluster(c: dict[str, Any]) -> dict[str, Any]:
    places = [c["representative"]] if c.get("representative") else []
    lowest = c.get("jaccard")
    alike = "identical" if lowest == 1 else f"similarity at least {numbers.percent(lowest)}" if lowest else ""
    return {
        "of": _first(places or c.get("members", [])),
        "alike": alike,
        "documents": f"{c['documents']:,}",
        "shards": f"{c['shards']:,}",
        "kind": clean(c.get("kind", ""), 10),
        "members": [
            {
                "shard": name(m["shard"], 60),
                "row": f"{m['row']:,}",
                "doc_id": name(m.get("doc_id", ""), 60),
                "jaccard": numbers.share_or_blank(m.get("jaccard")),
                "excerpt": redact(m.get("excerpt") or ""),
            }
            for m in places + c.get("members", [])[:5]
        ],
    }


def _first(places: Sequence[dict[str, Any]]) -> str:
    """The document that stands for a cluster, by its id and its place."""
    if not places:
        return "a document"
    place = places[0]
    where = f"{name(place['shard'], 40)}, row {place['row']:,}"
    return f"{name(place['doc_id'], 40)} ({where})" if place.get("doc_id") else where
