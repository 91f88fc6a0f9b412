"""How sure the figures are, for a page: placebo, cross-checks, fit, anchors, detectors and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import CHECKS, ORIGINS, REASONS, spoken
from auditor.reports.view import figures

SHOWN, MOST_SKIPS = 24, 40


def certainty(report: dict[str, Any]) -> dict[str, Any]:
    """What the section on certainty shows: anchors, placebo, other estimators, fit."""
    sure = report.get("sensitivity") or {}
    placebo, checks, fit = sure.get("placebo", []), sure.get("cross_checks", []), sure.get("fit")
    missed = [p for p in placebo if not p["covers_zero"]]
    skips = report.get("skips", [])
    return {
        "placebo": figures.intervals(
            "Held-out text from before November 2022: must cover 0",
            [(p["name"], p["estimate"]) for p in placebo[:SHOWN]],
        )
        if placebo
        else None,
        "placebo_words": _placebo_words(len(placebo), [clean(p["name"], 60) for p in missed]) if placebo else "",
        "checks": figures.intervals(
            "The same share by other methods and choices", [(spoken(c["name"], CHECKS), c["estimate"]) for c in checks]
        )
        if checks
        else None,
        "fit": figures.fit(fit),
        "fit_words": _fit_words(fit),
        "anchors": _anchors(report.get("anchors", [])),
        "detectors": [_detector(d) for d in report.get("detectors", [])],
        "skips": skipped(skips)[:MOST_SKIPS],
        "limits": [clean(text, 400) for text in report.get("limits", [])],
    }


def _anchors(rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Kind, origin, scope, numbers and what is to be said of them; sets that agree in all words as one row."""
    joined: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        key = (
            "machine" if row["kind"] == "ai" else row["kind"],
            clean(spoken(row["origin"], ORIGINS), 120),
            clean(row.get("scope", ""), 60),
            clean(row.get("reason") or "", 120),
        )
        numbers = joined.setdefault(key, [0, 0, 0])
        for i, field in enumerate(("documents", "used", "dropped")):
            numbers[i] += row[field]
    return [(*key[:3], *(f"{number:,}" for number in numbers), key[3]) for key, numbers in joined.items()]


def skipped(rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Reason by reason: what was done, records, shards and where it came first; the commonest first."""
    joined: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        detail = row.get("detail", "")
        effect = {"counted as a document, not eligible": "counted, not judged", "kept, repaired": "kept, repaired"}
        entry = joined.setdefault((row["reason"], effect.get(detail, "left out")), {"n": 0, "shards": set()})
        entry["n"] += row.get("documents", 1)
        entry["shards"].add(row["shard"])
        entry.setdefault("first", _place(row, "" if detail in effect else detail))
    found = sorted(joined.items(), key=lambda item: (-item[1]["n"], item[0]))
    return [
        (clean(spoken(reason, REASONS), 120), effect, f"{entry['n']:,}", f"{len(entry['shards']):,}", entry["first"])
        for (reason, effect), entry in found
    ]


def _place(row: dict[str, Any], detail: str) -> str:
    at = "" if row.get("row") is None else f", row {row['row']:,}"
    return name(row["shard"], 60) + at + (f": {clean(detail, 120)}" if detail else "")


def _detector(d: dict[str, Any]) -> tuple[str, str, str, str, str]:
    reach, seen = d.get("reach", ""), d.get("accuracy") or {}
    if isinstance(reach, dict):
        share = f"; scored {numbers.percent(reach['share'])} of the documents" if reach.get("share") is not None else ""
        reach = f"{reach.get('words', '')}{share}"
    accuracy = [f"AUROC {seen['auroc']:.3f}"] if seen.get("auroc") is not None else []
    if seen.get("tpr") is not None and seen.get("fpr") is not None:
        accuracy.append(f"finds {numbers.percent(seen['tpr'])} at {numbers.percent(seen['fpr'])} false alarms")
    if accuracy and seen.get("measured_on"):
        accuracy.append(str(seen["measured_on"]))
    weight = "" if d.get("weight") is None else f"{d['weight']:.2f}"
    return (
        clean(d["name"], 60),
        clean(f"{d['version']} {d.get('revision', '')}", 40),
        weight,
        clean(reach, 200),
        clean("; ".join(accuracy), 200),
    )


def _placebo_words(slices: int, missed: list[str]) -> str:
    if not missed:
        return f"All {slices} slices cover 0, as they must."
    named = ", ".join(missed[:5])
    return f"{len(missed)} of {slices} slices do not cover 0: {named}. Read the estimates as too high there."


def _fit_words(fit: dict[str, Any] | None) -> str:
    if fit and fit.get("distance") is None and fit.get("excess") is not None:
        return f"Misfit of the scores: {numbers.percent(fit['excess'])} ({clean(fit.get('words', ''), 300)})."
    if not fit or fit.get("distance") is None:
        return "The fit of the mixture was not measured."
    text = f"The observed scores lie {numbers.percent(fit['distance'])} (total variation) from the fitted mixture"
    if fit.get("anchors_distance") is not None:
        text += f"; the anchors' own domains lie {numbers.percent(fit['anchors_distance'])} from each other"
    return text + ". " + clean(fit.get("words", ""), 300)
