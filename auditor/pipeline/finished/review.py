"""A sample for people to label, and their labels on the way back."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor import streams
from auditor.errors import ConfigError
from auditor.estimate.fraction.counts import BINS
from auditor.estimate.fraction.review import ANSWERS, CheckedLabels, check_labels, review_allocation
from auditor.estimate.fraction.review import review_sample as draw
from auditor.gate.selection import cell
from auditor.manifest import write_text
from auditor.pipeline.documents.score_counts import STORED_BIN
from auditor.pipeline.fraction.labels import LABELS, SCHEMA, kept_labels
from auditor.pipeline.run.parts import scan
from auditor.pipeline.run.plan import CORPUS
from auditor.pipeline.run.reopen import open_database
from auditor.pipeline.run.retained import note_copy
from auditor.pipeline.run.run import load_run
from auditor.records import Json
from auditor.run_columns import SAMPLE
from auditor.run_folder import whole_file
from auditor.store.database import query

FORMATS = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class ReviewSample:
    """Documents that were written for people to label; asked: how many were asked for."""

    documents: int
    asked: int
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TakenLabels:
    """What became of a file of labels: usable ones, those left out, and how many the run now has."""

    checked: CheckedLabels
    total: int


def export_review(run: Path, path: Path, count: int) -> ReviewSample:
    """Write documents for people to label, those that narrow the interval most: id, text, label, rater.

    Blind: neither score nor shard is shown, and the order is random. Fewer than `count` are written where the retained
    sample is small.
    Raises: ConfigError where the run has retained no text
    """
    if path.suffix not in FORMATS:
        raise ConfigError(f"--review writes .csv or .jsonl, not {path.name}")
    if count < 1:
        raise ConfigError(f"--review {count}: at least one document")
    opened = load_run(run)
    plan, config = opened.plan, opened.config
    tasks = plan.of_role(CORPUS)
    sample = scan(run, tasks, "sample", SAMPLE).collect()
    if not sample.height:
        raise ConfigError(f"{run} has retained no text (--retain none, or it was forgotten); audit again to review")
    histogram, posterior = _bins(run)
    sample = sample.filter(pl.col("score").is_not_null())
    with open_database(run) as connection:
        bins = f"SELECT shard, row, {STORED_BIN} AS bin FROM documents WHERE eligible AND score IS NOT NULL"
        sample = sample.join(query(connection, bins), on=["shard", "row"]).unique("stable_id", maintain_order=True)
    chosen = draw(sample, review_allocation(histogram, posterior, count), streams.rng(config.seed, "review"))
    rows = [
        {"id": f"d{stable:016x}", "text": text, "label": "", "rater": ""}
        for stable, text in chosen.select("stable_id", "text").iter_rows()
    ]
    write_text(
        path,
        _csv(rows) if path.suffix == ".csv" else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
    )
    note_copy(run, path)
    return ReviewSample(len(rows), count, (path,))


def take_labels(run: Path, path: Path, *, now: datetime | None = None) -> TakenLabels:
    """Check a file of labels and keep the usable ones in RUN/labels.parquet, where `finalise` finds them.

    Raises: ConfigError where the file cannot be read, an id is not of this run, or an answer is none; nothing is kept
    """
    labels = read_labels(path)
    known = _places(run, labels["id"])
    checked = check_labels(labels, known["id"])
    wrong = checked.problems.filter(pl.col("problem").str.starts_with("unknown"))
    if wrong.height:
        shown = "; ".join(f"{p}: {i!r} {a!r}" for p, i, a in wrong.select("problem", "id", "label").head(3).iter_rows())
        raise ConfigError(
            f"{path}: {wrong.height:,} rows cannot be used ({shown}); ids are those of `auditor export --review` of "
            f"this run, answers {', '.join(ANSWERS)}"
        )
    stamp = (now or datetime.now(UTC)).replace(tzinfo=None)
    raters = labels.select("id", "rater").unique("id", maintain_order=True)
    fresh = checked.usable.join(known, on="id").join(raters, on="id", how="left")
    fresh = fresh.with_columns(read_at=pl.lit(stamp)).select(*SCHEMA).cast(SCHEMA)
    every = pl.concat([kept_labels(run), fresh]).unique(["shard", "row"], keep="last", maintain_order=True)
    if not every.height:
        raise ConfigError(f"{path}: no label can be used ({checked.problems.height:,} contradict each other)")
    with whole_file(run / LABELS) as partial:
        every.write_parquet(partial)
    return TakenLabels(checked, every.height)


def _bins(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Eligible documents and mean probability by score bin, (BINS,) each."""
    with open_database(run) as connection:
        rows = query(
            connection,
            f"""SELECT {STORED_BIN} AS bin, count(*) AS n, avg(probability) AS p
                FROM documents WHERE eligible AND score IS NOT NULL GROUP BY 1""",
        )
    histogram, posterior = np.zeros(BINS), np.full(BINS, np.nan)
    histogram[rows["bin"].to_numpy()] = rows["n"].to_numpy()
    posterior[rows["bin"].to_numpy()] = rows["p"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return histogram, posterior


def _places(run: Path, ids: pl.Series) -> pl.DataFrame:
    """id, shard, row, doc_id of the labelled documents that this run has."""
    pattern = r"^d[0-9a-f]{16}$"
    asked = ids.drop_nulls().unique().to_frame("id").filter(pl.col("id").str.contains(pattern))
    wanted = asked.with_columns(stable_id=pl.col("id").map_elements(lambda i: int(i[1:], 16), return_dtype=pl.UInt64))
    with open_database(run) as connection:
        connection.register("_wanted", wanted.to_arrow())
        return query(
            connection,
            """SELECT w.id, d.shard, d.row, d.doc_id FROM documents d JOIN _wanted w USING (stable_id)""",
        )


def read_labels(path: Path) -> pl.DataFrame:
    """The answered rows of a label file, CSV or JSON lines: id, label, rater.

    Raises: ConfigError where it cannot be read, lacks a column, or holds no answer
    """
    try:
        rows: list[Json]
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        else:
            text = path.read_text(encoding="utf-8-sig")
            rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}") from None
    except (OSError, ValueError, RecursionError, csv.Error) as wrong:
        raise ConfigError(f"{path} cannot be read as labels: {wrong}") from None
    if not rows or not all(isinstance(row, dict) and {"id", "label"} <= row.keys() for row in rows):
        raise ConfigError(f"{path}: columns id and label are needed, rater may follow")
    named = [{name: _plain(row.get(name)) for name in ("id", "label", "rater")} for row in rows]
    answered = [row for row in named if row["label"]]  # a row that nobody has answered yet is not a mistake
    if not answered:
        raise ConfigError(f"{path}: no row has a label")
    return pl.DataFrame(answered, schema={"id": pl.String, "label": pl.String, "rater": pl.String})


def _plain(value: Any) -> str:
    """The value as text; half a surrogate pair, which JSON may hold, is replaced, as no document's id has one."""
    return str(value or "").strip().encode("utf-8", "replace").decode()


def _delimiter(text: str) -> str:
    """The most frequent of the usual delimiters in the header; many spreadsheets write semicolons."""
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _csv(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(rows[0] if rows else ("id", "text", "label", "rater"))
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return out.getvalue()
