"""A finished run read again: its report and its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError, StoreError
from auditor.records import Json
from auditor.run_folder import refuse_links
from auditor.store.database import DATABASE, check_version, connect


def open_database(run: Path) -> Any:
    """The run's tables, read-only and without access to anything else.

    Raises: ConfigError where there is no run; StoreError where it is unfinished, damaged or of another version
    """
    if not run.exists():
        raise ConfigError(f"there is no run {run}")
    if run.is_dir():
        refuse_links(run)
    path = run / DATABASE if run.is_dir() else run
    if not path.exists():
        raise StoreError(f"{run} holds no {DATABASE}: the audit has not been finished; run the same command again")
    connection = connect(path, read_only=True)
    check_version(connection, path)
    return connection


def read_report(run: Path) -> Json:
    """The content of a run's report.json, checked.

    Raises: ConfigError where there is no run; StoreError where it is unfinished, or its report damaged or edited
    """
    from auditor.reports.model.schema import check

    if not run.is_dir():
        raise ConfigError(f"there is no run {run}")
    refuse_links(run)
    path = run / "report.json"
    if not path.exists():
        raise StoreError(f"{run} holds no report.json: the audit has not been finished; run the same command again")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read ({error}); `auditor finalise {run}` writes it again") from None
    if not isinstance(report, dict):
        raise StoreError(f"{path} is not a report; `auditor finalise {run}` writes it again")
    check(report)
    return report
