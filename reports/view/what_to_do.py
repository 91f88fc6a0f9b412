"""What to do, for a page: human text to acquire and how that moves, shards to leave out, filters side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import CONSTRAINTS, QUANTITIES, REGIMES, UNMOVED, VARIED, spoken
from auditor.reports.view import figures, summary

SHOWN = 24
BANDS = ("optimistic", "central", "pessimistic")
ACTIONS = {
    "drop": "leave out",
    "quarantine": "keep apart until checked",
    "review": "have a sample labelled",
    "filter": "keep the documents that pass",
    "keep": "keep",
}


def actions(report: dict[str, Any], worst: Sequence[str]) -> dict[str, Any]:
    """The section's content; worst: names of all shards, the worst first."""
    reservoir, planned = report["reservoir"], report.get("actions", [])
    bands = [(label, [(band["tokens"] or 0.0, "human")], _band(band)) for label in BANDS for band in [reservoir[label]]]
    floors = [
        (
            f"floor {numbers.percent(f['human_share'])}: {clean(f['source'], 80)}",
            [(f["tokens"] or 0.0, "floor")],
            numbers.count(f["tokens"]) if f["tokens"] is not None else "not sized",
        )
        for f in reservoir.get("policy", [])
    ]
    order = {shard: place for place, shard in enumerate(worst)}
    gravity = list(ACTIONS)
    ranked = sorted(planned, key=lambda a: (gravity.index(a["action"]), order.get(a["shard"], len(order))))
    moves, unmoved = _sensitivity(reservoir.get("sensitivity", []))
    return {
        "bands": figures.stacks("Human word tokens still to acquire", bands, unit="count"),
        "floors": figures.stacks("The same under floors on the human share", floors, unit="count") if floors else None,
        "regimes": [_assumptions(label, reservoir[label]) for label in BANDS],
        "notes": sorted(
            {
                clean(note.removeprefix("corpus: "), 400).capitalize()
                for label in BANDS
                for note in reservoir[label].get("notes", [])
            }
        ),
        "sized": any(reservoir[label]["tokens"] is not None for label in BANDS),
        "words": clean(reservoir.get("words", ""), 2000),
        "narrower": clean(reservoir.get("narrower", ""), 300),
        "sensitivity": moves,
        "unmoved": unmoved,
        "strata": _strata(reservoir.get("strata", [])),
        "declared": [
            (
                name(d["shard"]),
                numbers.count_or_blank(d["tokens"]),
                "admitted" if d["admitted"] else "not admitted",
                clean(d.get("verifier", ""), 80),
                clean(d["reason"], 200),
            )
            for d in reservoir.get("declared", [])
        ],
        "horizon": reservoir["horizon"],
        "tolerance": numbers.setting(reservoir["tolerance"]),
        "priorities": [
            (
                name(f"{p['name']}", 60),
                clean(p["kind"], 20),
                numbers.count_or_blank(p.get("gain")),
                numbers.count_or_blank(p.get("tokens")),
                clean(p.get("words", ""), 120),
            )
            for p in reservoir.get("priorities", [])[:10]
        ],
        "counts": [
            (label, sum(a["action"] == key for a in planned))
            for key, label in ACTIONS.items()
            if any(a["action"] == key for a in planned)
        ],
        "shards": [
            (name(a["shard"]), ACTIONS[a["action"]], clean(a["why"], 200), numbers.count_or_blank(a.get("documents")))
            for a in ranked[:SHOWN]
        ],
        "more": max(0, len(planned) - SHOWN),
        "filtering": _filtering(report.get("filtering", [])),
    }


def _filtering(found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The ways to filter side by side: what each keeps, and each quantity before and after."""
    if not found:
        return None
    keys = dict.fromkeys(key for f in found for key in f.get("after", {}))
    before = {key: f["before"][key] for f in reversed(found) for key in keys if key in f.get("before", {})}
    kept = [
        (
            clean(f["name"], 80),
            *(numbers.count_or_blank(f.get(key)) for key in ("documents_kept", "documents_dropped", "tokens_kept")),
            clean(f.get("words", ""), 300),
        )
        for f in found
    ]
    compared = []
    for key in keys:
        entries = [("as it is", before[key])] if key in before else []
        entries += [(clean(f["name"], 80), f["after"][key]) for f in found if key in f.get("after", {})]
        unit, tone = "share", "diversity" if key.startswith(("diversity", "tail")) else "synthetic"
        if key.endswith("retention"):
            unit, entries = "less", [(label, numbers.change_of_ratio(e)) for label, e in entries]
        elif key.startswith("diversity_loss"):
            unit, entries = "fewer", [(label, numbers.change_of_loss(e)) for label, e in entries]
        compared.append(figures.intervals(QUANTITIES.get(key, clean(key, 60)), entries, unit=unit, tone=tone))
    return {"kept": kept, "quantities": compared}


def _assumptions(label: str, band: dict[str, Any]) -> tuple[str, ...]:
    binding = clean(spoken(band["binding_constraint"], CONSTRAINTS), 120)
    return (
        label,
        clean(spoken(band["regime"], REGIMES), 120),
        binding,
        numbers.share_or_blank(band.get("required_share")),
        numbers.share_or_blank(band["human_share"]),
    )


def _sensitivity(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """How the reservoir moves with one thing changed, and what does not move it.

    The central band is the value, the outer bands are the ends of its line.
    """
    settings: dict[tuple[str, float], dict[str, Any]] = {}
    for row in rows:
        settings.setdefault((row["varied"], row["setting"]), {})[row["band"]] = row
    out, unmoved = [], []
    for varied in dict.fromkeys(kind for kind, _ in settings):
        entries = [(_setting(kind, at), _bands(bands)) for (kind, at), bands in settings.items() if kind == varied]
        if len({tuple(e.get(key) for key in ("value", "lower", "upper")) for _, e in entries}) == 1:
            unmoved.append(clean(spoken(varied, UNMOVED), 80))
        else:
            out.append(figures.intervals(clean(spoken(varied, VARIED), 80), entries, unit="count", tone="human"))
    return out, unmoved


def _strata(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Human text to acquire, stratum by stratum, the most first."""
    known = sorted(rows, key=lambda row: -((row.get("central") or {}).get("tokens") or 0))[:SHOWN]
    entries = [(f"{row['kind']} {row['name']}", _bands({b: row.get(b) or {} for b in BANDS})) for row in known]
    title = "By stratum: human word tokens still to acquire"
    return figures.intervals(title, entries, unit="count", tone="human") if entries else None


def _setting(varied: str, at: float) -> str:
    if varied == "width":
        return "no interval at all" if at == 0 else "as measured" if at == 1 else f"{at:g} times as wide"
    return f"{at:,.0f}" if varied == "horizon" else numbers.percent(at)


def _bands(bands: dict[str, dict[str, Any]]) -> dict[str, Any]:
    central = bands.get("central", {})
    found = [bands.get(band, {}).get("tokens") for band in BANDS]
    tokens = [float(count) for count in found if count is not None]
    if len(tokens) < len(BANDS):
        reason = central.get("reason") or next((b["reason"] for b in bands.values() if b.get("reason")), None)
        return {"value": None, "status": "not_measured", "reason": clean(reason or "a band could not be sized", 120)}
    return {
        "value": tokens[1],
        "lower": min(tokens),
        "upper": max(tokens),
        "status": "measured",
        "level": 1,
        "method": f"{spoken(central.get('binding_constraint') or '', CONSTRAINTS)} (binds in the central band)",
    }


def _band(band: dict[str, Any]) -> str:
    return summary.tokens(band) + (f": {clean(band['reason'], 120)}" if band.get("reason") else "")
