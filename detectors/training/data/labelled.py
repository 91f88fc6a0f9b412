"""The labelled sources as used for training and evaluation: families, licences, views of fixed length.

All of it works on word tokens, so that line breaks, quotes, markdown and spacing (which alone separate the classes of
several sources) cannot be learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.detectors.training.data import families, mirrors
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

# The machine texts of this family begin with about 30 words of human text; the same number is cut from the human twins.
PREFIX = {"completions": 35}
UNSPACED = ("zh", "ja")  # languages whose length is counted in characters
SHORTEST = 60
COLUMNS = ("id", "text", "label", "generator", "domain", "language", "attack", "licence", "pair_id")
OPTIONAL = ("mode",)

Stretches = tuple[np.ndarray, np.ndarray]  # first and last token (n,), (n,), the last excluded


@dataclass(frozen=True, slots=True)
class Labelled:
    """Documents and their batch.

    frame: n rows, all columns but the text, with source, words, row, and those of `families.described`
    """

    frame: pl.DataFrame
    batch: TextBatch

    def take(self, mask: pl.Series | np.ndarray) -> Labelled:
        """The same batch with fewer rows; `row` keeps their place in it."""
        return Labelled(self.frame.filter(pl.Series(np.asarray(mask))), self.batch)

    @property
    def machine(self) -> np.ndarray:
        """(n,) bool"""
        return (self.frame["label"] == "ai").to_numpy()

    def texts(self) -> pl.Series:
        """(n,) the documents' texts, as the batch has them."""
        offsets = pa.py_buffer(np.ascontiguousarray(self.batch.offsets))
        whole = pa.LargeStringArray.from_buffers(len(self.batch), offsets, pa.py_buffer(self.batch.text))
        return pl.Series("text", whole.take(self.frame["row"].to_numpy()))

    def cut(self, words: int) -> Labelled:
        """The documents with that many words or more, normalised and cut to that length, as a batch of their own."""
        plain = self.texts().to_frame().select(normalised(pl.col("text")).str.extract(first_words(words)))
        enough = plain["text"].is_not_null()
        frame = self.frame.filter(enough).with_columns(row=pl.int_range(pl.len()))
        batch = TextBatch.of(plain["text"].filter(enough), frame["language"])
        return Labelled(frame.with_columns(words=pl.Series(batch.tokens.words)), batch)

    def spans(self, words: int | None = None) -> Stretches:
        """First and last token (n,) of each document, cut to a number of words."""
        rows, offsets = self.frame["row"].to_numpy(), self.batch.tokens.offsets
        first, last = offsets[rows], offsets[rows + 1]
        return first, last if words is None else np.minimum(last, first + words)


def stretches(
    offsets: np.ndarray, rows: np.ndarray, rng: np.random.Generator, *, shortest: int = SHORTEST, longest: int = 400
) -> Stretches:
    """A random stretch of chosen documents (m,): log-uniform in length, four in ten from the beginning.

    offsets (n+1,) of all documents' tokens
    """
    first, whole = offsets[rows], offsets[rows + 1] - offsets[rows]
    size = np.minimum(np.exp(rng.uniform(np.log(shortest), np.log(longest), len(rows))).astype(np.int64), whole)
    inside = rng.random(len(rows)) < 0.6
    start = first + (rng.random(len(rows)) * (whole - size + 1) * inside).astype(np.int64)
    return start, start + size


def read(folder: Path, *, licensed_only: bool = False) -> Labelled:
    """All labelled documents below a folder, as a batch.

    Raises: DetectorError, see `frame`
    """
    found = frame(folder)
    return batched(found.filter("licensed") if licensed_only else found)


def batched(found: pl.DataFrame) -> Labelled:
    """Documents (see `frame`) with their batch."""
    batch = TextBatch.of(found["text"], found["language"])
    described = found.drop("text").with_columns(words=pl.Series(batch.tokens.words), row=pl.int_range(pl.len()))
    return Labelled(described, batch)


def frame(folder: Path, mirrored: Path = mirrors.FILE) -> pl.DataFrame:
    """All labelled documents below a folder, Parquet files, one a source, and mirrors.

    Parameters: mirrored, the mirrors' file; those of human documents that the folder lacks are left out
    Returns: the columns of COLUMNS and OPTIONAL, source, and those of `families.described`
    Raises: DetectorError where there is no file, or where a column is missing
    """
    files = [file for file in sorted(folder.glob("*.parquet")) if file.stem != families.MIRRORS]
    if not files:
        raise DetectorError(f"{folder}: no labelled Parquet files; one file a source, columns {', '.join(COLUMNS)}")
    parts = []
    for file in files:
        columns = set(pl.read_parquet_schema(file))
        if missing := set(COLUMNS) - columns:
            raise DetectorError(f"{file}: a labelled source needs the columns {', '.join(sorted(missing))}")
        parts.append(_with_optional(pl.read_parquet(file, columns=[*COLUMNS, *columns.intersection(OPTIONAL)])))
        parts[-1] = parts[-1].with_columns(source=pl.lit(file.stem))
    twins = pl.concat([part.select("id") for part in parts])["id"]
    written = mirrors.read(mirrored).with_columns(attack=pl.lit("none"))
    parts.append(_with_optional(written.filter(pl.col("pair_id").is_in(twins.implode()))).select(parts[0].columns))
    whole = families.described(pl.concat(parts)).with_columns(
        attack=pl.col("attack").fill_null("none").replace("", "none"),
        language=pl.col("language").replace("zh-tw", "zh"),
    )
    return whole.with_columns(text=_without_prefix(whole))


def _with_optional(part: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, pl.String).alias(name) for name in OPTIONAL if name not in part.columns]
    return part.with_columns(absent).select(
        *[pl.col(name).cast(pl.String) for name in (*COLUMNS, *OPTIONAL)],
        *[c for c in ("source",) if c in part.columns],
    )


def long_enough(words: int = 100, characters: int = 200) -> pl.Expr:
    """Whether a text has that many words, or characters where no spaces separate words."""
    unspaced = pl.col("language").is_in(UNSPACED)
    length = pl.col("text").str.count_matches(r"[\p{L}\p{N}]+")
    return pl.when(unspaced).then(pl.col("text").str.len_chars() >= characters).otherwise(length >= words)


def normalised(text: pl.Expr) -> pl.Expr:
    """The texts without traces of how a source was scraped: line breaks, markdown marks, shapes of quotes, stray
    spaces."""
    plain = text.str.replace_all(r"[*#_`>|]+", "").str.replace_all("[“”]", '"').str.replace_all("[‘’]", "'")
    return plain.str.replace_all(r"\s+", " ").str.replace_all(r" ([,.;:!?])", "$1").str.strip_chars()


def first_words(words: int) -> str:
    """A pattern of exactly that many words at the beginning; texts with fewer do not match."""
    return rf"^((?:\S+\s){{{words - 1}}}\S+)"


def _without_prefix(found: pl.DataFrame) -> pl.Series:
    """The texts; in families with human prefixes, all of them (human ones too) without their first words."""
    text = pl.col("text")
    prefixed = (pl.col("source") != families.MIRRORS) & ~pl.col("language").is_in(UNSPACED)
    for family, words in PREFIX.items():
        shorter = pl.col("text").str.replace(rf"^\s*(?:\S+\s+){{{words}}}", "")
        text = pl.when((pl.col("family") == family) & prefixed).then(shorter).otherwise(text)
    return found.select(text)["text"]
