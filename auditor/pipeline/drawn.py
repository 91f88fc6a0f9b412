"""Documents drawn by hash: their words in order, for what a sum of spectra cannot give (strata, topics, profiles).

Of each split the documents of lowest stable id are kept, overall and of every language, topic and category, so that a
minority is not lost among the rest. Which ones depends on ids alone: batches, threads and splits may come in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.estimate.anchors import HUMAN_BEFORE
from auditor.pipeline.evidence import SCOPES, register
from auditor.pipeline.parts import part_folder
from auditor.pipeline.plan import CORPUS, HUMAN, Plan
from auditor.store.database import query
from auditor.text.tokens import Tokens

KINDS = ("language", "topic", "category")
PER_SPLIT, PER_STRATUM, STRATA = 2048, 256, 64
WORDS_KEPT = 500  # first words of a document: a book would be the sample
PART = "words"
EVERY = 1 << 64
LEAST_LANGUAGE = 0.01
MOST = 8192  # documents of one scope that are read


def candidates(documents: pl.DataFrame) -> pl.DataFrame:
    """The eligible documents of a batch: stable_id, language, topic, category, place in the batch."""
    frame = documents.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64)).filter("eligible")
    return frame.select("stable_id", *KINDS, "place")


def first_words(tokens: Tokens, places: np.ndarray) -> pl.Series:
    """The hashes of some documents' first words, in order, as lists."""
    flat, offsets = _gathered(tokens.hashes, tokens.offsets[places], np.minimum(tokens.words[places], WORDS_KEPT))
    return pl.Series(
        pl.from_arrow(pa.LargeListArray.from_arrays(pl.Series(offsets).to_arrow(), pl.Series(flat).to_arrow()))
    )


def lowest(frame: pl.DataFrame) -> pl.DataFrame:
    """The PER_SPLIT rows of lowest stable_id and the PER_STRATUM ones of each value, in order of stable_id."""
    frame = frame.sort("stable_id")
    kept = pl.int_range(pl.len()) < PER_SPLIT
    for kind in (name for name in KINDS if frame[name].null_count() < frame.height):
        within = (pl.int_range(pl.len()).over(kind) < PER_STRATUM) & pl.col(kind).is_not_null()
        kept = kept | (within & (within.cum_sum() <= STRATA * PER_STRATUM))
    return frame.filter(kept)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
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
        counts = self.rows.group_by("language").len()
        return set(counts.filter(pl.col("len") >= LEAST_LANGUAGE * self.rows.height)["language"].drop_nulls())

    def tokens(self, rows: pl.DataFrame) -> Tokens:
        """The words of some documents."""
        lengths = rows["size"].to_numpy()
        flat, offsets = _gathered(self.hashes, rows["start"].to_numpy(), lengths)
        return Tokens(flat, offsets, np.zeros(len(lengths), np.int64))


def read_drawn(connection: Any, run: Path, plan: Plan) -> Drawn:
    """What was drawn from the corpus and from the human reference, with what is known of each document."""
    frames: list[pl.DataFrame] = []
    ceilings: dict[tuple[str, str, str], int] = {}
    for role in (CORPUS, HUMAN):
        for task in plan.of_role(role):
            path = part_folder(run, task.key) / f"{PART}.parquet"
            if path.exists():
                frame = pl.read_parquet(path)
                frames.append(frame.select("stable_id", "words"))
                for key, ceiling in _ceilings(frame).items():
                    ceilings[role, *key] = min(ceiling, ceilings.get((role, *key), EVERY))
    empty = pl.DataFrame(schema={"stable_id": pl.UInt64, "words": pl.List(pl.UInt64)})
    kept = pl.concat([empty, *frames])
    lengths = kept["words"].list.len().to_numpy().astype(np.int64)
    hashes = kept["words"].explode(empty_as_null=False).to_numpy() if kept.height else np.zeros(0, np.uint64)
    places = kept.select("stable_id").with_columns(
        start=pl.Series(np.cumsum(lengths) - lengths, dtype=pl.Int64), size=pl.Series(lengths, dtype=pl.Int64)
    )
    return Drawn(_described(connection, places), hashes, ceilings)


def _described(connection: Any, places: pl.DataFrame) -> pl.DataFrame:
    register(connection, "drawn_documents", places)
    columns = ", ".join(f"{expression} AS {name}" for name, expression in SCOPES.items())
    return query(
        connection,
        f"""SELECT stable_id, start, size, role, {columns}, unit, score_bin,
                   coalesce(date < DATE '{HUMAN_BEFORE}', false) AS dated, coalesce(representative, true) AS original
            FROM docs JOIN drawn_documents USING (stable_id)
            WHERE eligible AND stable_id NOT IN (FROM dropped) ORDER BY stable_id""",
    )


def _ceilings(frame: pl.DataFrame) -> dict[tuple[str, str], int]:
    """Up to which stable id every document of a split was kept, overall and of each value."""
    frame = frame.sort("stable_id")
    ids = frame["stable_id"]
    every = int(ids[PER_SPLIT - 1]) if frame.height >= PER_SPLIT else EVERY
    out = {("all", ""): every}
    for kind in KINDS:
        ranked = frame.select("stable_id", kind, rank=pl.int_range(pl.len()).over(kind)).drop_nulls(kind)
        within = ranked.filter(pl.col("rank") < PER_STRATUM)["stable_id"]
        cut = int(within[STRATA * PER_STRATUM - 1]) if len(within) >= STRATA * PER_STRATUM else EVERY
        full = dict(ranked.filter(pl.col("rank") == PER_STRATUM - 1).select(kind, "stable_id").iter_rows())
        for value in ranked[kind].unique(maintain_order=True):
            out[kind, value] = max(every, min(cut, int(full.get(value, EVERY))))
    return out


def _gathered(values: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of values put one after another, and their offsets."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return values[at], offsets
