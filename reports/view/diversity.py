"""The section on diversity: every figure is a change against the human reference, fewer or more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.view import figures

SHOWN = 24
ORDERS = {"q0": "all types", "q1": "common types", "q2": "very common types"}
LOST = {
    "topic_found": "Topics found in the texts: share of the documents, against the reference's",
    "host": "Hosts: share of the documents, against the reference's",
    "language": "Languages: share of the documents, against the reference's",
    "topic": "Topics: share of the documents, against the reference's",
    "category": "Categories: share of the documents, against the reference's",
}
STAGES = {
    "none": "no sign of collapse",
    "early": "early: rare words are being lost",
    "late": "late: common words are being lost too",
    "unclear": "unclear",
}
PARTS = {"from_duplication": "duplication", "from_synthetic": "machine text", "rest": "everything else"}


def diversity(report: dict[str, Any]) -> dict[str, Any]:
    """What the section on lost diversity shows."""
    corpus, found = report["corpus"], report.get("profile")
    loss = corpus["diversity_loss"]
    parts = [(f"{label}, {ORDERS[q]}", loss[part][q]) for part, label in PARTS.items() for q in ORDERS]
    tails = [s for s in report["shards"] if numbers.measured(s["diversity"]["tail_retention"])]
    tails.sort(key=lambda s: s["diversity"]["tail_retention"]["upper"])
    levels = [(f"{level}s", _change(e["q0"])) for level, e in loss.get("levels", {}).items() if "q0" in e]
    levels += [("words, against the language at large", _change(loss["general"]))] if loss.get("general") else []
    kept = [(s["shard"], numbers.change_of_ratio(s["diversity"]["tail_retention"])) for s in tails[: SHOWN // 2]]
    return {
        "facts": _drift(corpus.get("drift") or {}),
        "ground": _ground(report.get("strata", [])),
        "lost": [
            figures.intervals(
                LOST.get(kind, clean(kind, 40)),
                [(m["name"], numbers.change_of_ratio(m["retained"])) for m in rows[:SHOWN]],
                unit="less",
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
            "Types, against the human reference at equal coverage",
            [*((label, _change(loss[q])) for q, label in ORDERS.items()), *levels],
            unit="fewer",
            tone="diversity",
        ),
        "parts": figures.intervals("Where the change comes from, in log points", parts, unit="log", tone="diversity"),
        "tails": figures.intervals(
            "Shards with the least rare words, against the human reference", kept, unit="less", tone="diversity"
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


def _change(loss: dict[str, Any]) -> dict[str, Any] | None:
    return numbers.change_of_loss(loss)


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
    entries = [(f"{s['kind']} {s['name']}", numbers.change_of_ratio(s["share_retained"])) for s in fell[: SHOWN // 2]]
    title = "What became rarer: share of the documents, against its share of the reference's documents"
    return figures.intervals(title, entries, unit="less", tone="diversity") if entries else None


def _full(found: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Measures of word order, corpus beside reference."""
    sides = [found.get(side, {}) for side in ("corpus", "reference")]
    return [(clean(e["method"], 100), *(_plain(side.get(key)) for side in sides)) for key, e in sides[0].items()]


def _plain(e: dict[str, Any] | None) -> str:
    return f"{e['value']:.3g} ({e['lower']:.3g} to {e['upper']:.3g})" if e and numbers.measured(e) else "not measured"
