"""From report.json to what a page shows: sections of figures and tables, worst first, in words.

The view is plain dicts and strings; strings of the corpus are cleaned here and escaped by the renderer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import QUANTITIES
from auditor.reports.text.redact import redact
from auditor.reports.view import figures, summary, table
from auditor.reports.view.certainty import certainty
from auditor.reports.view.summary import worst_first
from auditor.reports.view.what_to_do import actions

SHOWN, STATIC_ROWS, MOST_STRATA, MOST_FINDINGS, MOST_HOSTS = 24, 50, 8, 40, 20
GROUPS = {
    "language": "By language",
    "topic": "By topic",
    "category": "By category",
    "host": "By host",
    "length": "By length",
}
ORDERS = {"q0": "all types", "q1": "common types", "q2": "very common types"}
LOST = {
    "topic_found": "Topics found in the texts",
    "host": "Hosts",
    "language": "Languages",
    "topic": "Topics",
    "category": "Categories",
}
STAGES = {
    "none": "no sign of collapse",
    "early": "early: the rare words go first",
    "late": "late: common words go too",
    "unclear": "unclear",
}
PARTS = {"from_duplication": "duplication", "from_synthetic": "machine text", "rest": "everything else"}


def view(report: dict[str, Any]) -> dict[str, Any]:
    """Everything the page, the Markdown and the terminal show, section by section."""
    audit, shards = report["audit"], worst_first(report["shards"])
    return {
        "title": clean(audit["corpus"], 100) or "corpus",
        "headline": summary.headline(report),
        "sentences": [clean(s) for s in summary.sentences(report)],
        "cards": summary.cards(report),
        "verdict": summary.verdict(report),
        "estimand": clean(report["estimand"]),
        "findings": summary.findings(report)[:MOST_FINDINGS],
        "more_findings": max(0, len(report.get("findings", [])) - MOST_FINDINGS),
        "day": numbers.day(audit["finished_at"]),
        "took": numbers.duration(audit["started_at"], audit["finished_at"]),
        "synthetic": synthetic(report, shards),
        "duplicates": duplicates(report, shards),
        "diversity": diversity(report),
        "actions": actions(report, [s["shard"] for s in shards]),
        "static": static_rows(report, shards),
        "certainty": certainty(report),
        "method": method(report),
        "reproduce": reproduce(report),
    }


def synthetic(report: dict[str, Any], shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
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
            for key in ("synthetic_fraction", "synthetic_fraction_tokens", "mixed_fraction")
        ],
    }


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


def diversity(report: dict[str, Any]) -> dict[str, Any]:
    """What the section on lost diversity shows."""
    corpus, found = report["corpus"], report.get("profile")
    loss = corpus["diversity_loss"]
    parts = [(f"{label}, {ORDERS[q]}", loss[part][q]) for part, label in PARTS.items() for q in ORDERS]
    tails = [s for s in report["shards"] if numbers.measured(s["diversity"]["tail_retention"])]
    tails.sort(key=lambda s: s["diversity"]["tail_retention"]["upper"])
    levels = [(f"{level}s", e["q0"]) for level, e in loss.get("levels", {}).items() if "q0" in e]
    levels += [("words, against the language at large", loss["general"])] if loss.get("general") else []
    return {
        "facts": _drift(corpus.get("drift") or {}),
        "ground": _ground(report.get("strata", [])),
        "lost": [
            figures.intervals(
                LOST.get(kind, clean(kind, 40)),
                [(m["name"], m["retained"]) for m in rows[:SHOWN]],
                tone="diversity",
                notes=[_shares(m) for m in rows[:SHOWN]],
            )
            for kind, rows in ((found or {}).get("lost") or {}).items()
            if rows
        ],
        "full": _full((found or {}).get("full") or {}),
        "profile": figures.profile(found),
        "reference": clean((found or {}).get("reference", ""), 120),
        "coverage": numbers.percent(found["coverage"]) if found and found.get("coverage") else "",
        "loss": figures.intervals(
            "Diversity lost against the reference",
            [*((label, loss[q]) for q, label in ORDERS.items()), *levels],
            tone="diversity",
        ),
        "parts": figures.intervals("Where it went: change of ln D, in hundredths", parts, unit="log", tone="diversity"),
        "tails": figures.intervals(
            "Shards that keep least of the rare words",
            [(s["shard"], s["diversity"]["tail_retention"]) for s in tails[: SHOWN // 2]],
            tone="diversity",
            along=figures.common_scale([s["diversity"]["tail_retention"] for s in tails[: SHOWN // 2]], zero=False),
        ),
        "missing": [
            (
                name(m["name"], 60),
                *(numbers.count(round(m[k], 1)) for k in ("reference", "corpus")),
                _times(m["reference"], m["corpus"]),
            )
            for m in (found or {}).get("missing", [])[:16]
        ],
    }


def static_rows(report: dict[str, Any], shards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The worst shards for readers without JavaScript; the script replaces them by all shards."""
    planned = {a["shard"]: a["action"] for a in report.get("actions", [])}
    needed = table.needs(report["reservoir"])
    rows = []
    for s in shards[:STATIC_ROWS]:
        estimates = (
            s["synthetic_fraction"],
            s["duplicate_fraction"],
            s["diversity_loss"]["q0"],
            s["diversity"]["tail_retention"],
        )
        values = [numbers.percent(e["value"]) if numbers.measured(e) else "not measured" for e in estimates]
        ranges = [numbers.interval(e) + (" ?" if e["status"] == "inconclusive" else "") for e in estimates]
        rows.append(
            {
                "shard": name(s["shard"]),
                "cells": list(zip(values, ranges, strict=True)),
                "documents": numbers.count(s["documents"]),
                "tokens": numbers.count(s["tokens"]),
                "needed": numbers.count(round(needed.get(s["shard"], 0))) if needed else "",
                "action": planned.get(s["shard"], "keep") if planned else "",
                "flags": clean("; ".join(s["flags"]), 120),
            }
        )
    return rows


def method(report: dict[str, Any]) -> dict[str, Any]:
    passages = [
        {
            "title": clean(p["title"], 100),
            "text": clean(p["text"], 2000),
            "formula": clean(p.get("formula", ""), 300),
            "references": [clean(r, 200) for r in p.get("references", [])],
        }
        for p in report.get("method", [])
    ]
    return {"passages": passages, "citations": [clean(c, 300) for c in report.get("citations", [])]}


def reproduce(report: dict[str, Any]) -> dict[str, Any]:
    audit, made = report["audit"], report.get("provenance") or {}
    facts = [
        ("Audit", audit["id"]),
        ("auditor", audit["version"]),
        ("Configuration hash", audit["config_hash"]),
        ("Seeds", ", ".join(f"{k} {v}" for k, v in audit.get("seeds", {}).items())),
        ("Started", audit["started_at"]),
        ("Finished", audit["finished_at"]),
        ("Hash of the files read", made.get("files_hash", "")),
        ("Packages", ", ".join(f"{k} {v}" for k, v in made.get("packages", {}).items())),
    ]
    return {"command": clean(made.get("command", ""), 1000), "facts": [(k, clean(v, 400)) for k, v in facts if v]}


def _worst_strata(strata: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [s for s in strata if s["kind"] == kind]
    if kind == "length":
        return found[:MOST_STRATA]
    lower = [s["synthetic_fraction"]["lower"] for s in found]
    order = sorted(range(len(found)), key=lambda i: -1.0 if lower[i] is None else lower[i], reverse=True)
    return [found[i] for i in order[:MOST_STRATA]]


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
        "id": clean(c["cluster_id"], 40),
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


def _alternatives(scope: dict[str, Any]) -> str:
    """The same share with other shards' help, and what holds without machine text to compare with."""
    pooled, bound = scope.get("synthetic_fraction_pooled"), scope.get("synthetic_fraction_lower_bound")
    parts = [f"drawn towards like shards {numbers.brief(pooled)}"] if numbers.measured(pooled) else []
    if bound and bound.get("lower"):
        parts.append(f"at least {numbers.percent(bound['lower'])} without machine text to compare with")
    return "; ".join(parts)


def _times(reference: float, corpus: float) -> str:
    return "absent" if corpus == 0 else f"{reference / corpus:.1f} times"


def _drift(drift: dict[str, Any]) -> list[tuple[str, ...]]:
    """Distance from the reference and stage of collapse, with what the stage rests on."""
    divergence, stage = drift.get("divergence"), drift.get("stage")
    facts: list[tuple[str, ...]] = []
    if divergence and numbers.measured(divergence):
        facts.append(
            (
                "Drift from the reference",
                numbers.brief(divergence, "count"),
                numbers.doubt(divergence),
                numbers.why(divergence),
            )
        )
    if stage:
        facts.append(
            ("Stage of collapse", clean(STAGES.get(stage, stage), 60), "", clean(drift.get("stage_evidence", ""), 200))
        )
    return facts


def _shares(lost: dict[str, Any]) -> str:
    return (
        f"{numbers.percent(lost['reference_share'])} of the reference's documents, "
        f"{numbers.percent(lost['corpus_share'])} of the corpus'"
    )


def _ground(strata: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Strata whose share of the documents fell against the reference's, the surest first."""
    fell = [s for s in strata if numbers.measured(s.get("share_retained")) and s["share_retained"]["value"] < 1]
    fell.sort(key=lambda s: s["share_retained"]["upper"])
    entries = [(f"{s['kind']} {s['name']}", s["share_retained"]) for s in fell[: SHOWN // 2]]
    title = "What lost ground: share of the documents against its share of the reference's"
    return figures.intervals(title, entries, tone="diversity") if entries else None


def _full(found: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Measures of word order, corpus beside reference."""
    sides = [found.get(side, {}) for side in ("corpus", "reference")]
    return [(clean(e["method"], 100), *(_plain(side.get(key)) for side in sides)) for key, e in sides[0].items()]


def _plain(e: dict[str, Any] | None) -> str:
    return f"{e['value']:.3g} ({e['lower']:.3g} to {e['upper']:.3g})" if e and numbers.measured(e) else "not measured"
