"""A verdict in words: its headline, and a summary in Markdown for a pull request."""

from __future__ import annotations

from auditor.reports.model.verdict import Verdict
from auditor.reports.render.markdown import escape, table
from auditor.reports.text.clean import clean, name

CASES = 200  # shown in Markdown; verdict.json has all of them
HEADLINES = {"pass": "Passes the policy", "fail": "Fails the policy", "inconclusive": "Inconclusive under the policy"}


def headline(verdict: Verdict) -> str:
    """The outcome in one line."""
    counts = ", ".join(f"{n:,} {word.replace('_', ' ')}" for word, n in verdict.counts.items() if n)
    incomplete = "" if verdict.run.complete else "; the run is incomplete, so nothing here passes"
    return f"{HEADLINES[verdict.verdict]} {clean(verdict.policy, 80)}: {counts or 'no cases'}{incomplete}"


def render_markdown(verdict: Verdict) -> str:
    """A summary for a pull request, far under GitHub's limit of 1 MiB, worst first."""
    shown = [case for case in verdict.cases if case.verdict != "pass"][:CASES]
    rows = [
        (
            case.verdict.replace("_", " "),
            clean(case.rule, 60),
            f"{case.scope_kind} {name(case.scope, 80)}",
            clean(case.message, 400),
        )
        for case in shown
    ]
    parts = [
        f"## {escape(headline(verdict))}",
        escape(f"Audit of {name(verdict.run.corpus)}. {verdict.control}"),
    ]
    if rows:
        parts.append(table(["verdict", "rule", "scope", "why"], rows))
    left = len(verdict.cases) - verdict.counts.get("pass", 0) - len(shown)
    if left > 0:
        parts.append(f"{left:,} more that do not pass, in verdict\\.json\\.")
    told = [f"- {escape(line)}" for line in waiver_lines(verdict)][:50]
    return "\n\n".join([*parts, *(["\n".join(told)] if told else [])]) + "\n"


def waiver_lines(verdict: Verdict) -> list[str]:
    """What became of the waivers; those that expired first."""
    words = {"expired": "expired, no longer applied", "unused": "excused nothing, remove it", "used": "applied"}
    order = list(words)
    return [
        f"Waiver of {clean(w.rule, 60)} for {clean(', '.join(w.scope), 100)} until {w.until}: "
        f"{words[w.state]} ({clean(w.reason, 200)})"
        for w in sorted(verdict.waivers, key=lambda w: order.index(w.state))
    ]
