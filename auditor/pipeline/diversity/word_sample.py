"""Documents drawn by hash, with their words in order, for what summed spectra cannot give (strata, topics, profiles).

Each split keeps the documents of lowest stable id, overall and in every language, topic and category, so that a
minority is not lost among the rest. Which ones depends on ids alone: batches, threads and splits may come in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.pipeline.documents.view import SCOPES, register
from auditor.pipeline.map.word_sample import EVERY, PART, ceilings, gathered
from auditor.pipeline.run.parts import part_folder
from auditor.pipeline.run.plan import CORPUS, HUMAN, Plan
from auditor.run_columns import HUMAN_BEFORE
from auditor.store.database import query
from auditor.text.tokens import Tokens

LEAST_LANGUAGE = 0.01
MOST = 8192  # documents of one scope that are read


@dataclass(frozen=True, slots=True, eq=False)
class WordSample:
    """The drawn documents of a run.

    rows, one per document: stable_id, role, the scopes (evidence.SCOPES), unit, score_bin, dated, original (no
        duplicate), start (where its hashes begin), size (their number)
    hashes (t,) uint64; ceilings: (role, kind, value) -> below it every document of this value was kept
    """

    rows: pl.DataFrame
    hashes: np.ndarray
    ceilings: dict[tuple[str, str, str], int]

    def of(self, kind: str, value: str | None, *, role: str = CORPUS) -> pl.DataFrame:
        """A uniform sample of one scope's documents; kind "all" takes every one."""
        rows = self.rows.filter(pl.col("role") == role)
        if kind != "all":
            rows = rows.filter(pl.col(kind) == value)
        ceiling = self.ceilings.get((role, kind, value or ""), self.ceilings.get((role, "all", ""), EVERY))
        if ceiling < EVERY:
            rows = rows.filter(pl.col("stable_id") <= ceiling)
        return rows.sort("stable_id").head(MOST)

    @property
    def languages(self) -> set[str]:
        """Those of at least LEAST_LANGUAGE of the documents drawn."""
        counts = self.rows.group_by("language", maintain_order=True).len()
        return set(counts.filter(pl.col("len") >= LEAST_LANGUAGE * self.rows.height)["language"].drop_nulls())

    def tokens(self, rows: pl.DataFrame) -> Tokens:
        """The words of some documents."""
        lengths = rows["size"].to_numpy()
        flat, offsets = gathered(self.hashes, rows["start"].to_numpy(), lengths)
        return Tokens(flat, offsets, np.zeros(len(lengths), np.int64))


def read_word_sample(connection: Any, run: Path, plan: Plan) -> WordSample:
    """The documents drawn from the corpus and from the human reference, with what is known of each."""
    frames: list[pl.DataFrame] = []
    bounds: dict[tuple[str, str, str], int] = {}
    for role in (CORPUS, HUMAN):
        for task in plan.of_role(role):
            path = part_folder(run, task.key) / f"{PART}.parquet"
            if path.exists():
                frame = pl.read_parquet(path)
                frames.append(frame.select("stable_id", "words"))
                for key, ceiling in ceilings(frame).items():
                    bounds[role, *key] = min(ceiling, bounds.get((role, *key), EVERY))
    empty = pl.DataFrame(schema={"stable_id": pl.UInt64, "words": pl.List(pl.UInt64)})
    kept = pl.concat([empty, *frames])
    lengths = kept["words"].list.len().to_numpy().astype(np.int64)
    hashes = kept["words"].explode(empty_as_null=False).to_numpy() if kept.height else np.zeros(0, np.uint64)
    places = kept.select("stable_id").with_columns(
        start=pl.Series(np.cumsum(lengths) - lengths, dtype=pl.Int64), size=pl.Series(lengths, dtype=pl.Int64)
    )
    return WordSample(_described(connection, places), hashes, bounds)


def _described(connection: Any, places: pl.DataFrame) -> pl.DataFrame:
    register(connection, "drawn_documents", places)
    columns = ", ".join(f"{expression} AS {name}" for name, expression in SCOPES.items())
    return query(
        connection,
        f"""SELECT stable_id, start, size, role, {columns}, unit, score_bin,
                   coalesce(date < DATE '{HUMAN_BEFORE}', false) AS dated, coalesce(representative, true) AS original
            FROM docs JOIN drawn_documents USING (stable_id)
            WHERE eligible AND NOT in_corpus ORDER BY stable_id""",
    )
