"""The verdict as JUnit XML: a test suite per rule, a case per scope; what a CI server reads."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from auditor.reports.model.verdict import Case, Verdict
from auditor.reports.text.clean import clean, name

# The verdicts that a CI server shows as a failed case, and those that it shows as skipped.
FAILING, SKIPPED = ("fail", "error"), ("inconclusive", "waived", "not_measured")


def render_junit(verdict: Verdict | None) -> str:
    """A verdict as JUnit XML; None (no policy was given) is an empty suite."""
    suites: dict[str, list[Case]] = {}
    for case in verdict.cases if verdict else []:
        suites.setdefault(case.rule, []).append(case)
    every = [case for cases in suites.values() for case in cases]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_counts(every)}>"]
    for rule, cases in suites.items():
        lines.append(f"  <testsuite name={_attribute(rule)} {_counts(cases)}>")
        lines += [_case(rule, case) for case in cases]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _case(rule: str, case: Case) -> str:
    opening = f"    <testcase classname={_attribute(rule)} name={quoteattr(name(case.scope))}"
    message = clean(case.message, 1000)
    if case.verdict in FAILING:
        return f"{opening}><failure message={quoteattr(message)}>{escape(message)}</failure></testcase>"
    if case.verdict in SKIPPED:
        return f"{opening}><skipped message={quoteattr(message)}/></testcase>"
    return f"{opening}/>"


def _counts(cases: list[Case]) -> str:
    failures = sum(case.verdict in FAILING for case in cases)
    skipped = sum(case.verdict in SKIPPED for case in cases)
    return f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'


def _attribute(text: str) -> str:
    return quoteattr(clean(text, 200))
