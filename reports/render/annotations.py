"""A verdict as annotations of GitHub Actions: lines that its runner shows beside the change.

A step shows at most ten errors, ten warnings and ten notices, and silently drops the rest; so the worst come first and,
if there are more, the last one says how many. Names and messages come from the corpus: a line break in them would begin
a command of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from auditor.reports.model.verdict import Case, Verdict
from auditor.reports.text.clean import clean

MOST, LONGEST = 10, 1000
KINDS = {"fail": "error", "warn": "warning", "inconclusive": "warning"}  # the other verdicts need nobody's attention


def render_annotations(verdict: Verdict) -> str:
    """verdict.json's content as workflow commands, a line each."""
    by_kind: dict[str, list[Case]] = {"error": [], "warning": []}
    for outcome, kind in KINDS.items():
        by_kind[kind] += [case for case in verdict.cases if case.verdict == outcome]
    return "".join(line + "\n" for kind, cases in by_kind.items() for line in _lines(kind, cases))


def _lines(kind: str, cases: Sequence[Case]) -> list[str]:
    shown = cases if len(cases) <= MOST else cases[: MOST - 1]
    lines = [_line(kind, f"{case.rule}: {case.scope_kind} {case.scope}", case.message) for case in shown]
    left = len(cases) - len(shown)
    return [*lines, _line(kind, "More", f"{left:,} more in verdict.json")] if left else lines


def _line(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_property(clean(title, 120))}::{_escaped(clean(message, LONGEST))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
