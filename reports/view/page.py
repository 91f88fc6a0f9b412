"""From report.json to what a page shows: sections of figures and tables, worst first, in words.

The view is plain dicts and strings; strings of the corpus are cleaned here and escaped by the renderer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.glossary import GLOSSARY
from auditor.reports.view import first_screen, human_text, summary, table
from auditor.reports.view.certainty import certainty
from auditor.reports.view.diversity import diversity
from auditor.reports.view.duplicates import duplicates
from auditor.reports.view.machine_written import machine_written
from auditor.reports.view.summary import worst_first
from auditor.reports.view.what_to_do import actions

STATIC_ROWS, MOST_FINDINGS = 50, 40
UNITS = ("share", "share", "fewer", "less")  # of the estimates in the table of shards


def view(report: dict[str, Any]) -> dict[str, Any]:
    """Everything the page, the Markdown and the terminal show, section by section."""
    audit, shards = report["audit"], worst_first(report["shards"])
    return {
        "title": clean(audit["corpus"], 100) or "corpus",
        "headline": summary.headline(report),
        "not_covered": [clean(text) for text in summary.not_covered(report)],
        "sentences": [clean(text) for text in summary.sentences(report)[len(summary.not_covered(report)) :]],
        "cards": first_screen.cards(report),
        "steps": first_screen.steps(report),
        "glossary": GLOSSARY,
        "verdict": summary.verdict(report),
        "estimand": clean(report["estimand"]),
        "findings": summary.findings(report)[:MOST_FINDINGS],
        "more_findings": max(0, len(report.get("findings", [])) - MOST_FINDINGS),
        "day": numbers.day(audit["finished_at"]),
        "took": numbers.duration(audit["started_at"], audit["finished_at"]),
        "synthetic": machine_written(report, shards),
        "duplicates": duplicates(report, shards),
        "diversity": diversity(report),
        "kept": human_text.kept(report["reservoir"]),
        "coverage": human_text.coverage(report["reservoir"]),
        "actions": actions(report, [s["shard"] for s in shards]),
        "static": static_rows(report, shards),
        "certainty": certainty(report),
        "method": method(report),
        "reproduce": reproduce(report),
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
            numbers.change_of_loss(s["diversity_loss"]["q0"]),
            numbers.change_of_ratio(s["diversity"]["tail_retention"]),
        )
        values = [
            numbers.FORMS[unit][0](e["value"]) if numbers.measured(e) else "not measured"
            for e, unit in zip(estimates, UNITS, strict=True)
        ]
        ranges = [
            numbers.interval(e, unit) + (" ?" if e["status"] == "inconclusive" else "")
            for e, unit in zip(estimates, UNITS, strict=True)
        ]
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
