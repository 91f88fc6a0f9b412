"""Reports of a finished run written again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from auditor.errors import ConfigError, nearest
from auditor.manifest import read_json
from auditor.pipeline.run.reopen import read_report
from auditor.records import Json
from auditor.reports.render.write import write_reports

FORMATS = ("html", "md", "json", "junit", "card")


def render_again(run: Path, formats: Sequence[str], out: Path, *, report: Json | None = None) -> list[Path]:
    """Write the named formats from report.json, or from what was made of it; returns the files.

    Raises: ConfigError for an unknown format
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        hint = nearest(unknown[0], FORMATS)
        raise ConfigError(f"--format {', '.join(unknown)}: choose from {', '.join(FORMATS)}{hint}")
    report = read_report(run) if report is None else report
    if report.get("verdict") is None:
        report["verdict"] = _verdict_of(run, report)
    return write_reports(report, out, formats)


def _verdict_of(run: Path, report: Json) -> Json | None:
    """The verdict of `auditor gate` on this audit, None if there is none."""
    path = run / "verdict.json"
    verdict = read_json(path) if path.exists() else {}
    judged, audit = verdict.get("run", {}), report["audit"]
    same = (judged.get("audit_id"), judged.get("finished_at")) == (audit["id"], audit["finished_at"])
    return verdict if same else None
