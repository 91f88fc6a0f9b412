"""A finished run read again: its report, its tables, and the removal of retained text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError, StoreError
from auditor.manifest import read_json
from auditor.pipeline.parts import PARTS
from auditor.records import Estimate, Status
from auditor.reports.render import write_reports
from auditor.store.database import DATABASE, check_version, connect

RETAINED = ("sample.parquet", "words.parquet")
FORMATS = ("html", "md", "json", "junit")


def open_database(run: Path) -> Any:
    """The run's tables, read-only and without access to anything else.

    Raises: ConfigError where there is no run; StoreError where it is unfinished, damaged or of another version
    """
    if not run.exists():
        raise ConfigError(f"there is no run {run}")
    path = run / DATABASE if run.is_dir() else run
    if not path.exists():
        raise StoreError(f"{run} holds no {DATABASE}: the audit has not been finished; run the same command again")
    connection = connect(path, read_only=True)
    check_version(connection, path)
    return connection


def read_report(run: Path) -> dict[str, Any]:
    """report.json of a run, checked."""
    from auditor.reports.schema import check

    if not run.is_dir():
        raise ConfigError(f"there is no run {run}")
    path = run / "report.json"
    if not path.exists():
        raise StoreError(f"{run} holds no report.json: the audit has not been finished; run the same command again")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read ({error}); `auditor finalise {run}` writes it again") from None
    if not isinstance(report, dict):
        raise StoreError(f"{path} is no report; `auditor finalise {run}` writes it again")
    check(report)
    return report


def with_estimates(node: Any) -> Any:
    """A part of report.json with each E as an Estimate again."""
    if isinstance(node, dict) and {"value", "lower", "upper", "status"} <= node.keys():
        names = ("value", "lower", "upper", "level", "method", "n", "reason")
        return Estimate(**{name: node[name] for name in names}, status=Status(node["status"]))
    if isinstance(node, dict):
        return {key: with_estimates(value) for key, value in node.items()}
    if isinstance(node, list):
        return [with_estimates(value) for value in node]
    return node


def render_again(run: Path, formats: Sequence[str], out: Path, *, report: dict[str, Any] | None = None) -> list[Path]:
    """Write the named formats from report.json, or from what was made of it; returns the files.

    Raises: ConfigError for an unknown format
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise ConfigError(f"--format {', '.join(unknown)}: choose from {', '.join(FORMATS)}")
    report = read_report(run) if report is None else report
    if report.get("verdict") is None:
        report["verdict"] = _verdict_of(run, report)
    return write_reports(report, out, formats)


def _verdict_of(run: Path, report: dict[str, Any]) -> dict[str, Any] | None:
    """What `auditor gate` found in this very audit, None where it did not judge it."""
    path = run / "verdict.json"
    verdict = read_json(path) if path.exists() else {}
    judged, audit = verdict.get("run", {}), report["audit"]
    same = (judged.get("audit_id"), judged.get("finished_at")) == (audit["id"], audit["finished_at"])
    return verdict if same else None


def forget_texts(run: Path) -> int:
    """Remove retained text and spooled input; the figures stay. Returns the number of files removed."""
    removed = 0
    for path in [*run.glob(f"{PARTS}/*/*"), *run.glob("spool/*")]:
        if path.is_file() and (path.name in RETAINED or path.parent.name == "spool"):
            path.unlink()
            removed += 1
    return removed
