"""The section on machine-written text: shards, years, groups, hosts, scores of the worst shards, anchors by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import QUANTITIES
from auditor.reports.view import figures

SHOWN, MOST_STRATA, MOST_HOSTS = 24, 8, 20
GROUPS = {
    "kind": "By kind of text",
    "language": "By language",
    "source": "By source",
    "topic": "By topic",
    "category": "By category",
    "host": "By host",
    "length": "By length",
}


def machine_written(report: dict[str, Any], shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the section on machine-written text shows."""
    strata = report.get("strata", [])
    every = len(shards) <= SHOWN
    caption = "Machine-written share of each shard" if every else f"The {SHOWN} worst shards of {len(shards):,}"
    groups = {kind: _worst_strata(strata, kind) for kind in GROUPS}
    along = figures.common_scale(s["synthetic_fraction"] for group in groups.values() for s in group)
    corpus = report["corpus"]
    return {
        "shards": figures.intervals(
            caption,
            [(s["shard"], s["synthetic_fraction"]) for s in shards[:SHOWN]],
            notes=[_alternatives(s) for s in shards[:SHOWN]],
        ),
        "ranked": None if every else figures.ranked(shards),
        "years": figures.years(strata),
        "groups": [
            figures.intervals(
                GROUPS[kind],
                [(s["name"], s["synthetic_fraction"]) for s in group],
                along=along,
                notes=[_alternatives(s) for s in group],
            )
            | {"more": sum(s["kind"] == kind for s in strata) - len(group)}
            for kind, group in groups.items()
            if len(group) > 1
        ],
        "hosts": [
            (
                name(h["host"], 60),
                f"{h['documents']:,}",
                numbers.count(h["tokens"]),
                numbers.estimate(h["synthetic_fraction"]) if h.get("synthetic_fraction") else "",
            )
            for h in report.get("hosts", [])[:MOST_HOSTS]
        ],
        "facts": [
            (QUANTITIES[key], numbers.brief(corpus[key]), numbers.doubt(corpus[key]), numbers.why(corpus[key]))
            for key in ("synthetic_fraction", "synthetic_fraction_tokens", "mixed_fraction", "touched_fraction")
            if corpus.get(key)
        ],
        "histograms": figures.histograms((report.get("sensitivity") or {}).get("histograms", [])),
        "coverage": coverage(report),
    }


def coverage(report: dict[str, Any]) -> dict[str, Any] | None:
    """Which kinds of text are covered by human anchors, and which shards rest on few; None where it is not known."""
    corpus, shards = report["corpus"].get("anchor_coverage"), report["shards"]
    if not corpus or not corpus.get("kinds"):
        return None
    kinds = sorted(corpus["kinds"], key=lambda row: (row["anchors"], -row["documents"]))
    least = [s for s in shards if (s.get("anchor_coverage") or {}).get("share") is not None]
    least.sort(key=lambda s: s["anchor_coverage"]["share"])
    return {
        "share": numbers.share_or_blank(corpus.get("share")),
        "kinds": [
            (clean(row["kind"], 80), f"{row['documents']:,}", f"{row['anchors']:,}", _trust(row.get("trust")))
            for row in kinds[:SHOWN]
        ],
        "shards": [(name(s["shard"]), numbers.percent(s["anchor_coverage"]["share"])) for s in least[: SHOWN // 2]],
    }


def _trust(trust: Any) -> str:
    return numbers.percent(trust) if isinstance(trust, float) else clean(trust, 60) if trust is not None else ""


def _worst_strata(strata: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [s for s in strata if s["kind"] == kind]
    if kind == "length":
        return found[:MOST_STRATA]
    lower = [s["synthetic_fraction"]["lower"] for s in found]
    order = sorted(range(len(found)), key=lambda i: -1.0 if lower[i] is None else lower[i], reverse=True)
    return [found[i] for i in order[:MOST_STRATA]]


def _alternatives(scope: dict[str, Any]) -> str:
    """The same share with other shards' help, and what holds without machine text to compare with."""
    pooled, bound = scope.get("synthetic_fraction_pooled"), scope.get("synthetic_fraction_lower_bound")
    parts = [f"drawn towards like shards {numbers.brief(pooled)}"] if numbers.measured(pooled) else []
    if bound and bound.get("lower"):
        parts.append(f"at least {numbers.percent(bound['lower'])} without machine text to compare with")
    return "; ".join(parts)
