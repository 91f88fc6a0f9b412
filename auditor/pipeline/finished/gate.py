"""The gate: a run's report judged by a policy, and the verdict written for machines and for CI servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from auditor.config import Config
from auditor.errors import ConfigError, worst
from auditor.gate.judge import Case, WaiverUse, judge
from auditor.gate.policy import Policy
from auditor.gate.quantities import figures
from auditor.manifest import write_text
from auditor.pipeline.run.bucket import results_of
from auditor.pipeline.run.progress import Outcome
from auditor.pipeline.run.reopen import read_report
from auditor.records import Estimate, estimates_of_json, plain
from auditor.reports.model.schema import to_json
from auditor.reports.model.verdict import Verdict
from auditor.reports.render.junit import render_junit
from auditor.reports.render.write import write_reports

CONTROL = (
    "Only a measured figure can pass or fail. A fail needs the whole interval beyond the error bound and, among all "
    "scopes of its rule, Benjamini-Hochberg on one-sided p-values at a false-discovery rate of {rate:g}. A pass needs "
    "the whole interval within the bound, uncorrected, for every scope."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The run that was judged, or the baseline; complete: whether all of its corpus could be read."""

    audit_id: str
    corpus: str
    finished_at: str
    complete: bool

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Judged:
        """The run of a report.json."""
        audit = report["audit"]
        return cls(audit["id"], audit["corpus"], audit["finished_at"], audit.get("complete", True))


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a policy concludes about a run; `plain` of it is verdict.json, which reports.model.verdict describes."""

    schema_version: str = field(default="1.0", init=False)
    verdict: str
    exit_code: int
    policy: str
    policy_hash: str
    strict: bool
    control: str
    run: Judged
    baseline: Judged | None
    counts: Mapping[str, int]
    cases: tuple[Case, ...]
    waivers: tuple[WaiverUse, ...]

    def checked(self) -> Verdict:
        """The ruling as the model that reports are made from."""
        return Verdict.model_validate(plain(self))


def gate(run: Path, policy: Policy, *, baseline: Path | None = None, today: date | None = None) -> Ruling:
    """Judge a finished run and write RUN/verdict.json and RUN/junit.xml, in a bucket too.

    Raises: ConfigError where a rule matches nothing, or the baseline cannot be compared with
    """
    before = None
    if baseline is not None:
        with results_of(baseline) as (there, _):
            before = read_report(there)
    with results_of(run) as (folder, _):
        report = read_report(folder)
        if before is not None and baseline is not None:
            _comparable(report, before, baseline)
        ruling = judge_report(report, policy, baseline=before, today=today)
        write_verdict(folder, ruling)
    return ruling


def judge_report(
    report: Mapping[str, Any], policy: Policy, *, baseline: Mapping[str, Any] | None = None, today: date | None = None
) -> Ruling:
    """Judge the content of a report.json.

    Parameters: today, the date by which waivers expire, by default in UTC
    Raises: ConfigError where a rule matches nothing
    """
    judgement = judge(
        policy,
        figures_of(report),
        today=today or datetime.now(UTC).date(),
        complete=report["audit"].get("complete", True),
        baseline=None if baseline is None else figures_of(baseline),
    )
    return Ruling(
        verdict=judgement.verdict,
        exit_code=judgement.exit_code,
        policy=policy.name,
        policy_hash=policy.digest,
        strict=policy.strict,
        control=CONTROL.format(rate=policy.false_discovery_rate),
        run=Judged.of(report),
        baseline=None if baseline is None else Judged.of(baseline),
        counts=judgement.counts(),
        cases=judgement.cases,
        waivers=judgement.waivers,
    )


def write_verdict(run: Path, ruling: Ruling) -> None:
    """Write RUN/verdict.json, and RUN/junit.xml for CI servers."""
    verdict = ruling.checked()
    write_text(run / "verdict.json", to_json(plain(ruling)))
    write_text(run / "junit.xml", render_junit(verdict))


def gate_audit(outcome: Outcome, run: Path, config: Config, policy: Policy) -> Outcome:
    """Judge an audit that has just ended, and put the verdict into its reports too."""
    report = dict(outcome.report)
    ruling = judge_report(report, policy)
    write_verdict(run, ruling)
    report["verdict"] = plain(ruling)
    write_reports(report, run, config.formats)
    return Outcome(report, worst([outcome.exit_code, ruling.exit_code]))


def figures_of(report: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Estimate]]:
    """Every quantity of every scope of a report."""
    out = {("corpus", "corpus"): figures(estimates_of_json(report["corpus"])) | _of_whole(report)}
    for shard in report["shards"]:
        out["shard", shard["shard"]] = figures(estimates_of_json(shard))
    for stratum in report.get("strata", []):
        out[stratum["kind"], stratum["name"]] = figures(estimates_of_json(stratum))
    return out


def _of_whole(report: Mapping[str, Any]) -> dict[str, Estimate]:
    """Quantities counted only for the whole audit."""
    findings = [finding["severity"] for finding in report.get("findings", [])]
    unread = sum(skip["reason"] == "unreadable_file" for skip in report.get("skips", []))
    partly = sum(not shard.get("complete", True) for shard in report["shards"])
    counts = {
        "findings.error": findings.count("error"),
        "findings.warning": findings.count("warning"),
        "unreadable_files": unread + partly,
    }
    found = {name: Estimate.census(count, 1) for name, count in counts.items()}
    return found | {f"reservoir.{name}": e for name, e in figures(estimates_of_json(report["reservoir"])).items()}


def _comparable(report: Mapping[str, Any], before: Mapping[str, Any], baseline: Path) -> None:
    """Raises: ConfigError where the two reports measure different things."""
    if calibration_of(report) != calibration_of(before):
        raise ConfigError(
            f"--baseline {baseline} was measured with other detectors or another calibration; audit it again with "
            "this version (the same command with --fresh), or leave the baseline out"
        )
    names, others = ({shard["shard"] for shard in r["shards"]} for r in (report, before))
    if report["audit"]["corpus"] != before["audit"]["corpus"] and not names & others:
        raise ConfigError(
            f"--baseline {baseline} is of another corpus ({before['audit']['corpus']}, this is "
            f"{report['audit']['corpus']}) and shares no shard with this one"
        )


def calibration_of(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What must be equal for scores to be comparable: each detector with version and revision."""
    return sorted((d["name"], d["version"], d.get("revision", "")) for d in report.get("detectors", []))
