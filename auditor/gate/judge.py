"""Judging: every rule on every scope it covers; pass, fail or inconclusive, with few false alarms over many scopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from auditor.errors import (
    EXIT_FAIL,
    EXIT_INCOMPLETE,
    EXIT_INCONCLUSIVE,
    EXIT_PASS,
    ConfigError,
    worst,
)
from auditor.gate.policy import Policy, Rule, Waiver, matches
from auditor.gate.significance import difference, exceedance
from auditor.records import Estimate, Json, Status
from auditor.statistics.multiplicity import benjamini_hochberg

PASS, WARN, FAIL, INCONCLUSIVE, WAIVED, NOT_WORSE = "pass", "warn", "fail", "inconclusive", "waived", "not_worse"
VERDICTS = (FAIL, INCONCLUSIVE, WARN, WAIVED, NOT_WORSE, PASS)
# (scope kind, scope) -> quantity -> estimate
Figures = Mapping[tuple[str, str], Mapping[str, Estimate]]


@dataclass(frozen=True, slots=True)
class Case:
    """One rule applied to one scope.

    verdict: one of VERDICTS; bound: what the estimate was judged by; side: `above` or `below`, where it is bad
    p_value: one-sided, against "the truth is within the bound"; message: why, for people
    """

    rule: str
    quantity: str
    scope_kind: str
    scope: str
    verdict: str
    bound: float | None
    side: str
    estimate: Estimate
    p_value: float | None
    message: str

    def as_json(self) -> Json:
        """The case as verdict.json has it, with the estimate's own fields beside the others."""
        e = self.estimate
        return {
            "rule": self.rule,
            "quantity": self.quantity,
            "scope_kind": self.scope_kind,
            "scope": self.scope,
            "verdict": self.verdict,
            "side": self.side,
            "bound": self.bound,
            "value": e.value,
            "lower": e.lower,
            "upper": e.upper,
            "level": e.level,
            "status": str(e.status),
            "p_value": self.p_value,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """What became of a waiver; state: `used`, `unused` or `expired`; cases: how many it covers."""

    waiver: Waiver
    state: str
    cases: int

    def as_json(self) -> Json:
        """The waiver as verdict.json has it."""
        own = self.waiver
        return {
            "rule": own.rule,
            "scope": own.scope,
            "until": own.until.isoformat(),
            "reason": own.reason,
            "state": self.state,
            "cases": self.cases,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """All cases, worst first, and what became of the waivers."""

    cases: tuple[Case, ...]
    waivers: tuple[WaiverUse, ...]
    verdict: str
    exit_code: int

    def counts(self) -> dict[str, int]:
        """How many cases have each verdict, zeros included."""
        return {name: sum(case.verdict == name for case in self.cases) for name in VERDICTS}


def judge(
    policy: Policy, figures: Figures, *, today: date, complete: bool = True, baseline: Figures | None = None
) -> Judgement:
    """Judge a run by a policy.

    Fail: the figure is `measured`, its whole interval lies beyond the error bound, and it still does after
    Benjamini-Hochberg over all scopes of the rule. Pass: the figure is `measured` and its whole interval lies within
    the bound, uncorrected, because that all scopes pass is an intersection-union test. Everything else is inconclusive:
    only a `measured` interval is guaranteed to cover the truth at its level. With a baseline, a scope that is not worse
    than there by more than noise does not fail.

    Raises: ConfigError where a rule matches no scope, or asks for a quantity that this run has not
    References: Benjamini & Hochberg 1995, eq. 1; Berger 1982 (intersection-union)
    """
    cases = [case for rule in policy.rules for case in _judge_rule(rule, figures, policy)]
    if baseline is not None:
        cases = [_against(case, baseline) for case in cases]
    if policy.strict:
        cases = [_strict(case) for case in cases]
    cases, waivers = _waive(cases, policy.waivers, today)
    found = {case.verdict for case in cases}
    codes = [EXIT_PASS, *(() if complete else (EXIT_INCOMPLETE,))]
    codes += [code for verdict, code in ((FAIL, EXIT_FAIL), (INCONCLUSIVE, EXIT_INCONCLUSIVE)) if verdict in found]
    verdict = FAIL if FAIL in found else INCONCLUSIVE if INCONCLUSIVE in found or not complete else PASS
    order = {name: place for place, name in enumerate(VERDICTS)}
    cases.sort(key=lambda c: (order[c.verdict], c.rule, 1 if c.p_value is None else c.p_value, c.scope))
    return Judgement(tuple(cases), tuple(waivers), verdict, worst(codes))


def _strict(case: Case) -> Case:
    if case.verdict != INCONCLUSIVE:
        return case
    return replace(case, verdict=FAIL, message=f"{case.message} (strict: inconclusive fails)")


def _judge_rule(rule: Rule, figures: Figures, policy: Policy) -> list[Case]:
    scopes = [(kind, name) for kind, name in figures if kind == rule.scope and rule.covers(name)]
    if not scopes:
        if rule.optional:
            return []
        there = [name for kind, name in figures if kind == rule.scope][:3]
        said = f"there are {', '.join(there)} …" if there else f"this run has no {rule.scope}"
        raise ConfigError(
            f"rule {rule.name}: it matches no {rule.scope} ({said}); correct match, or set optional = true"
        )
    if not any(rule.quantity in figures[scope] for scope in scopes):
        raise ConfigError(f"rule {rule.name}: this run has no {rule.quantity} for any {rule.scope}")
    absent = Estimate.not_measured(f"{rule.quantity} is not in this run")
    estimates = [figures[scope].get(rule.quantity, absent) for scope in scopes]
    beyond = {
        level: _beyond(estimates, rule, bound, policy.false_discovery_rate)
        for level, bound in ((FAIL, rule.error), (WARN, rule.warn))
        if bound is not None
    }
    return [
        _case(rule, scope, estimate, {level: (stands[i], p[i]) for level, (stands, p) in beyond.items()})
        for i, (scope, estimate) in enumerate(zip(scopes, estimates, strict=True))
    ]


def _beyond(estimates: Sequence[Estimate], rule: Rule, bound: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Which measured figures lie beyond a bound with their whole interval, and their p-values."""
    measured = [e.status == Status.MEASURED for e in estimates]
    p = np.array(
        [
            exceedance(e, bound, above=rule.above) if known else np.nan
            for e, known in zip(estimates, measured, strict=True)
        ]
    )
    clear = np.array([_clear_of(e, bound, rule.above) for e in estimates], bool) & measured
    return clear & benjamini_hochberg(p, rate=rate), p


def _clear_of(estimate: Estimate, bound: float, above: bool) -> bool:
    if estimate.lower is None or estimate.upper is None:
        return False
    return estimate.lower > bound if above else estimate.upper < bound


def _within(estimate: Estimate, bound: float, above: bool) -> bool:
    """Whether the whole interval lies within the bound."""
    if estimate.lower is None or estimate.upper is None:
        return False
    return estimate.upper <= bound if above else estimate.lower >= bound


def _case(rule: Rule, scope: tuple[str, str], estimate: Estimate, beyond: Mapping[str, tuple[bool, float]]) -> Case:
    bound, p = _first_bound(rule, beyond)
    verdict, words = _outcome(rule, estimate, bound, {level: stands for level, (stands, _) in beyond.items()})
    if verdict == WARN:
        bound, p = rule.warn or bound, beyond[WARN][1]
    message = f"{_words(rule.quantity, estimate)}; {words}"
    known_p = None if not np.isfinite(p) else float(p)
    side = "above" if rule.above else "below"
    return Case(rule.name, rule.quantity, *scope, verdict, bound, side, estimate, known_p, message)


def _first_bound(rule: Rule, beyond: Mapping[str, tuple[bool, float]]) -> tuple[float, float]:
    """The bound that blocks, or the warn bound of a rule that only warns, with its p-value."""
    bound = rule.error if rule.error is not None else rule.warn
    assert bound is not None
    return bound, beyond[FAIL if rule.error is not None else WARN][1]


def _outcome(rule: Rule, estimate: Estimate, bound: float, beyond: Mapping[str, bool]) -> tuple[str, str]:
    """Verdict of one scope, and why.

    bound: the one that blocks; beyond: for each level (fail, warn) whether the figure surely lies beyond its bound
    """
    side = "above" if rule.above else "below"
    if not estimate.is_number:
        return rule.not_measured, f"not measured: {estimate.reason}"
    if estimate.status != Status.MEASURED:
        return _unpromised(rule, estimate, bound)
    if beyond.get(FAIL):
        return FAIL, f"the whole interval lies {side} {bound:g}"
    if beyond.get(WARN):
        words = f"the whole interval lies {side} {rule.warn:g}"
        if rule.error is not None and not _within(estimate, rule.error, rule.above):
            return INCONCLUSIVE, f"{words}, but it crosses the error bound {rule.error:g}"
        return WARN, words
    if _within(estimate, bound, rule.above):
        words = f"the whole interval lies within {bound:g}"
        if rule.warn is not None and not _within(estimate, rule.warn, rule.above):
            words += f"; it crosses the warn bound {rule.warn:g}"
        return PASS, words
    if rule.error is None:
        return PASS, f"the interval crosses {bound:g}; this rule only warns, and blocks nothing while it is unsure"
    if _clear_of(estimate, bound, rule.above):
        return INCONCLUSIVE, f"{side} {bound:g} by its own interval, but not after correction for the number of scopes"
    return INCONCLUSIVE, f"the interval crosses {bound:g}"


def _unpromised(rule: Rule, estimate: Estimate, bound: float) -> tuple[str, str]:
    """An inconclusive figure neither fails nor passes: its interval may not cover the truth."""
    words = f"the figure is inconclusive, so it is not judged against {bound:g}: {estimate.reason}"
    return (PASS if rule.error is None else INCONCLUSIVE), words


def _against(case: Case, baseline: Figures) -> Case:
    """With a baseline, only what is worse than in the baseline fails; new scopes are judged as they are."""
    before = baseline.get((case.scope_kind, case.scope), {}).get(case.quantity)
    if case.verdict not in (FAIL, INCONCLUSIVE, WARN):
        return case
    if before is None or not before.is_number or not case.estimate.is_number:
        return replace(case, message=f"{case.message}; nothing to compare with in the baseline")
    change = difference(case.estimate, before)
    assert change.lower is not None and change.upper is not None
    span = f"{change.value:+.4g} ({change.lower:+.4g} to {change.upper:+.4g})"
    words = f"{case.message}; baseline {before.value:.4g}, change {span}"
    worse = change.lower > 0 if case.side == "above" else change.upper < 0
    if worse:
        return replace(case, message=f"{words}: worse by more than noise")
    return replace(case, verdict=NOT_WORSE, message=f"{words}: not worse by more than noise")


def _waive(cases: Sequence[Case], waivers: Sequence[Waiver], today: date) -> tuple[list[Case], list[WaiverUse]]:
    """The cases with those excused that a waiver covers, and what became of each waiver."""
    out, told = list(cases), []
    for waiver in waivers:
        state, excused = "expired" if waiver.until < today else "unused", 0
        for place, case in enumerate(out):
            hit = case.rule == waiver.rule and matches(case.scope, waiver.scope)
            if hit and case.verdict in (FAIL, INCONCLUSIVE, WARN):
                excused += 1
                if state == "expired":
                    out[place] = replace(case, message=f"{case.message}; its waiver expired on {waiver.until}")
                else:
                    words = f"{case.message}; waived until {waiver.until}: {waiver.reason}"
                    out[place] = replace(case, verdict=WAIVED, message=words)
        if state == "unused" and excused:
            state = "used"
        told.append(WaiverUse(waiver, state, excused))
    return out, told


def _words(quantity: str, estimate: Estimate) -> str:
    if estimate.value is None:
        return quantity
    if estimate.lower == estimate.upper:
        return f"{quantity} {estimate.value:.4g}"
    return f"{quantity} {estimate.value:.4g} ({estimate.lower:.4g} to {estimate.upper:.4g})"
