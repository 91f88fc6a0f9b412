"""The Python surface: audit a corpus, open a run, read its figures as estimates and its tables as Polars frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import duckdb
import polars as pl

from auditor.config import load
from auditor.errors import AuditError, ConfigError, StoreError
from auditor.pipeline.audit import audit as run_audit
from auditor.pipeline.run.reopen import open_database, read_report
from auditor.records import Json, estimates_of_json, flatten
from auditor.reports.model.schema import check
from auditor.reports.render.notebook import Picture, first_screen
from auditor.reports.render.notebook import figure as draw
from auditor.store.database import DATABASE, TABLES, identifier, query

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


class Settings(TypedDict, total=False):
    """Further arguments of `audit`: the settings of auditor.config.Config, with its defaults."""

    against: tuple[str, ...]
    text_column: str
    id_column: str
    date_column: str
    url_column: str
    language_column: str
    topic_column: str
    source_column: str
    category_column: str
    detectors: tuple[str, ...]
    deep_sample: int | Literal["all"]
    deep_budget: str
    meaning: int
    dated_anchors: bool
    minimum_words: int
    near_dup_threshold: float
    permutations: int
    level: float
    profile: Literal["standard", "full"]
    shards_sample: int
    generations: int
    tolerance: float
    min_occurrences: int
    epochs: float
    retain: Literal["sample", "redacted", "none"]
    excerpts: bool
    store: str
    policy: str
    formats: tuple[Literal["html", "md", "json"], ...]
    workers: int
    memory_limit: str
    launcher: Literal["local", "slurm", "ray"]
    batch_bytes: int
    split_bytes: int
    seed: int


@dataclass(frozen=True, repr=False)
class Run:
    """A finished audit. A notebook shows the first screen of its report; elsewhere its headline is shown.

    folder: where it is; exit_code: what the command line would have returned (0 for a run that was opened)
    """

    folder: Path
    exit_code: int = 0

    @cached_property
    def report(self) -> Json:
        """report.json as it stands.

        Raises: ConfigError where there is no run; StoreError where it is unfinished or damaged
        """
        return read_report(self.folder)

    @cached_property
    def corpus(self) -> dict[str, Any]:
        """The corpus' figures; each E of report.json is an Estimate."""
        return estimates_of_json(self.report["corpus"])

    @cached_property
    def shards(self) -> dict[str, dict[str, Any]]:
        """The shards' figures by name; each E is an Estimate."""
        return {shard["shard"]: estimates_of_json(shard) for shard in self.report["shards"]}

    @property
    def reservoir(self) -> Json:
        """The recommendation of human text, as in report.json."""
        return self.report["reservoir"]

    def __repr__(self) -> str:
        try:
            shown = first_screen(check(self.report))
        except (AuditError, LookupError, TypeError, ValueError):  # unfinished, or a stranger's
            return f"Run({str(self.folder)!r}): there is no finished report"
        return f"Run({str(self.folder)!r}): {shown!r}"

    def _repr_html_(self) -> str:
        return first_screen(check(self.report))._repr_html_()

    def plot(self, figure: str = "shards") -> Picture:
        """One of the report's own figures: a notebook shows it, `print` gives its numbers, `save` writes a page.

        Parameters: figure, one of `shards`, `ranked`, `years`, `duplicates`, `candidates`, `diversity`,
            `diversity_parts`, `tails`, `profile`, `meaning`
        Raises: ConfigError for a name that is none, or where this run has nothing to draw there
        """
        return draw(check(self.report), figure)

    def to_polars(self) -> pl.DataFrame:
        """The shards' figures, a row each: counts, and of every estimate its value, bounds and status.

        An estimate named `q` by its path in report.json has the columns `q`, `q_lower`, `q_upper` and `q_status`.
        """
        rows = []
        for name, figures in self.shards.items():
            row: dict[str, str | float | None] = {"shard": name}
            row |= {key: value for key, value in figures.items() if isinstance(value, int | float)}
            for path, e in flatten(figures):
                row |= {path: e.value, f"{path}_lower": e.lower, f"{path}_upper": e.upper}
                row[f"{path}_status"] = str(e.status)
            rows.append(row)
        return pl.DataFrame(rows, infer_schema_length=None)

    def table(self, name: str) -> pl.DataFrame:
        """One of the tables of audit.duckdb as a frame.

        Raises: ConfigError for a name that is none; StoreError where the store cannot answer
        """
        if name not in TABLES:
            raise ConfigError(f"there is no table {name!r}; there are {', '.join(TABLES)}")
        return self.sql(f"SELECT * FROM {identifier(name)}")

    def documents(self) -> pl.LazyFrame:
        """All documents with their scores, probability and cluster."""
        return self.table("documents").lazy()

    def sql(self, text: str) -> pl.DataFrame:
        """The answer to any query over the tables; the database is open for reading only, and reads no other file.

        Raises: StoreError where the query is wrong, or a stranger's database cannot answer it
        """
        with open_database(self.folder) as connection:
            try:
                return query(connection, text)
            except AttributeError:  # DuckDB returns no relation for a statement such as SET
                said = "it returns no rows"
            except (duckdb.Error, pl.exceptions.PolarsError) as error:
                said = " ".join(str(error).split())
            raise StoreError(f"{self.folder / DATABASE} cannot answer {text!r}: {said}") from None


def audit(
    corpus: Paths,
    *,
    out: str | PathLike[str],
    human_reference: Paths = (),
    known_ai: Paths = (),
    fresh: bool = False,
    **settings: Unpack[Settings],
) -> Run:
    """Audit a corpus into the folder `out`; a second call resumes.

    Parameters: corpus, human_reference, known_ai: files, folders, globs or URLs; fresh starts over
    settings: those of the command line with underscores, and the others of auditor.config.Config
    Raises: auditor.errors.AuditError: ConfigError before anything is read; NothingAudited
    """
    config = load(corpus=paths(corpus), human_reference=paths(human_reference), known_ai=paths(known_ai), **settings)
    outcome = run_audit(config, Path(out), fresh=fresh, command="auditor.audit(...)")
    return Run(Path(out), outcome.exit_code)


def open_run(folder: str | PathLike[str]) -> Run:
    """A run from an earlier audit.

    Raises: ConfigError where there is none; StoreError where it is unfinished
    """
    run = Run(Path(folder))
    assert run.report
    return run


def paths(given: Paths) -> tuple[str, ...]:
    """One path or several, as strings."""
    return (fspath(given),) if isinstance(given, str | PathLike) else tuple(fspath(path) for path in given)
