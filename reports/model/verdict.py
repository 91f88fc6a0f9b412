"""The verdict of a policy: the model of verdict.json, its JSON Schema file, and the Markdown summary.

Run `python -m auditor.reports.model.verdict` after a change: it writes verdict.schema.json beside this module.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from auditor.reports.model.base import Count, Part
from auditor.reports.render.markdown import escape, table
from auditor.reports.text.clean import clean, name

SCHEMA_PATH = Path(__file__).with_name("verdict.schema.json")
CASES = 200  # shown in Markdown; all stand in verdict.json
HEADLINES = {"pass": "Passes the policy", "fail": "Fails the policy", "inconclusive": "Inconclusive under the policy"}
Outcome = Literal["pass", "warn", "fail", "inconclusive", "waived", "not_worse"]


class Judged(Part):
    """The run that was judged, or the baseline."""

    audit_id: str
    corpus: str
    finished_at: str
    complete: bool


class Waived(Part):
    rule: str
    scope: list[str]
    until: str = Field(description="ISO 8601 date, the last day")
    reason: str
    state: Literal["used", "unused", "expired"]
    cases: Count


class Case(Part):
    """One rule and one scope."""

    rule: str
    quantity: str
    scope_kind: str
    scope: str
    verdict: Outcome
    side: Literal["above", "below"] = Field(description="which side of the bound is bad")
    bound: float | None
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    status: Literal["measured", "inconclusive", "not_measured"]
    p_value: float | None = Field(description="one-sided, against: the truth is within the bound")
    message: str


class Verdict(Part):
    """verdict.json."""

    schema_version: str = "1.0"
    verdict: Literal["pass", "fail", "inconclusive"]
    exit_code: int
    policy: str
    policy_hash: str
    strict: bool
    control: str = Field(description="how false alarms are held down, in words")
    run: Judged
    baseline: Judged | None
    counts: dict[Outcome, int]
    cases: list[Case]
    waivers: list[Waived]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of verdict.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Verdict.model_json_schema()}


def write_schema(path: Path = SCHEMA_PATH) -> None:
    path.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def headline(verdict: dict[str, Any]) -> str:
    """The outcome in one line."""
    counts = ", ".join(f"{n:,} {word.replace('_', ' ')}" for word, n in verdict["counts"].items() if n)
    incomplete = "" if verdict["run"]["complete"] else "; the run is incomplete, so nothing here passes"
    return f"{HEADLINES[verdict['verdict']]} {clean(verdict['policy'], 80)}: {counts or 'no cases'}{incomplete}"


def render_markdown(verdict: dict[str, Any]) -> str:
    """A summary for a pull request, far under GitHub's limit of 1 MiB, worst first."""
    shown = [case for case in verdict["cases"] if case["verdict"] != "pass"][:CASES]
    rows = [
        (
            case["verdict"].replace("_", " "),
            clean(case["rule"], 60),
            f"{case['scope_kind']} {name(case['scope'], 80)}",
            clean(case["message"], 400),
        )
        for case in shown
    ]
    parts = [
        f"## {escape(headline(verdict))}",
        escape(f"Audit of {name(verdict['run']['corpus'])}. {verdict['control']}"),
    ]
    if rows:
        parts.append(table(["verdict", "rule", "scope", "why"], rows))
    left = len(verdict["cases"]) - verdict["counts"].get("pass", 0) - len(shown)
    if left > 0:
        parts.append(f"{left:,} more that do not pass, in verdict\\.json\\.")
    told = [f"- {escape(line)}" for line in waiver_lines(verdict)][:50]
    return "\n\n".join([*parts, *(["\n".join(told)] if told else [])]) + "\n"


def waiver_lines(verdict: dict[str, Any]) -> list[str]:
    """What became of the waivers; those that expired first."""
    words = {"expired": "expired, no longer applied", "unused": "excused nothing, remove it", "used": "applied"}
    order = list(words)
    return [
        f"Waiver of {clean(w['rule'], 60)} for {clean(', '.join(w['scope']), 100)} until {w['until']}: "
        f"{words[w['state']]} ({clean(w['reason'], 200)})"
        for w in sorted(verdict["waivers"], key=lambda w: order.index(w["state"]))
    ]


if __name__ == "__main__":
    write_schema()
