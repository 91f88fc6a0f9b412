"""The Python surface: audit a corpus, open a run, read its figures as estimates and its tables as Polars frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import polars as pl

from auditor.config import load
from auditor.errors import ConfigError
from auditor.pipeline.audit import audit as run_audit
from auditor.pipeline.results import open_database, read_report, with_estimates
from auditor.store.database import TABLES, identifier, query

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


@dataclass(frozen=True)
class Run:
    """A finished audit.

    folder: where it lies; exit_code: what the command line would have returned (0 for a run that was opened)
    """

    folder: Path
    exit_code: int = 0

    @cached_property
    def report(self) -> dict[str, Any]:
        """report.json as it stands."""
        return read_report(self.folder)

    @cached_property
    def corpus(self) -> dict[str, Any]:
        """The corpus' figures; each E of report.json is an Estimate."""
        return with_estimates(self.report["corpus"])

    @cached_property
    def shards(self) -> dict[str, dict[str, Any]]:
        """The shards' figures by name."""
        return {shard["shard"]: with_estimates(shard) for shard in self.report["shards"]}

    @property
    def reservoir(self) -> dict[str, Any]:
        """The recommendation."""
        return self.report["reservoir"]

    def table(self, name: str) -> pl.DataFrame:
        """One of the tables of audit.duckdb (see docs/tables.md).

        Raises: ConfigError for a name that is none
        """
        if name not in TABLES:
            raise ConfigError(f"there is no table {name!r}; there are {', '.join(TABLES)}")
        with open_database(self.folder) as connection:
            return query(connection, f"SELECT * FROM {identifier(name)}")

    def documents(self) -> pl.LazyFrame:
        """All documents with their scores, probability and cluster."""
        return self.table("documents").lazy()

    def sql(self, text: str) -> pl.DataFrame:
        """Any query over the tables; the database is open for reading only."""
        with open_database(self.folder) as connection:
            return query(connection, text)


def audit(
    corpus: Paths,
    *,
    out: str | PathLike[str],
    human_reference: Paths = (),
    known_ai: Paths = (),
    fresh: bool = False,
    **settings: Any,
) -> Run:
    """Audit a corpus into the folder `out`; a second call resumes.

    Parameters: settings, those of the command line with underscores (auditor.config.Config)
    Raises: auditor.errors.AuditError: ConfigError before anything is read; NothingAudited
    """
    config = load(corpus=paths(corpus), human_reference=paths(human_reference), known_ai=paths(known_ai), **settings)
    outcome = run_audit(config, Path(out), fresh=fresh, command="auditor.audit(...)")
    return Run(Path(out), outcome.exit_code)


def open_run(folder: str | PathLike[str]) -> Run:
    """A run that was audited before.

    Raises: ConfigError where there is none; StoreError where it is unfinished
    """
    run = Run(Path(folder))
    assert run.report
    return run


def paths(given: Paths) -> tuple[str, ...]:
    """One path or several, as strings."""
    return (fspath(given),) if isinstance(given, str | PathLike) else tuple(fspath(path) for path in given)
