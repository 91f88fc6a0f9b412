"""The labelled sources as training and evaluation see them: families, licences, views of fixed length.

All of it works on word tokens, so that line breaks, quotes, markdown and spacing (which alone separate the classes of
several sources) cannot be learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

# Sources that share human texts are one family and stay on one side of every split.
FAMILIES = {
    "fast_detect_gpt": "completions",
    "glimpse": "completions",
    "imbd": "completions",
    "lastde": "completions",
    "biscope": "rewrites",
    "raidar": "rewrites",
    "l2r": "rewrites",
}
# The machine texts of this family begin with about 30 words of human text; the human twins lose as many.
PREFIX = {"completions": 35}
# Models without instruction tuning: another kind of text, little of which is on the web since 2023.
BASE_MODELS = (
    "gpt2",
    "gpt-j",
    "gptj",
    "gpt-neo",
    "gptneo",
    "opt",
    "davinci",
    "bloom",
    "falcon",
    "gemma_7b",
    "llama1",
    "llama2_13b",
    "llama3_8b",
    "mgpt",
    "phi2",
    "qwen1.5",
    "gpt3-175b",
    "ada",
)
UNNAMED = "^misc:|unknown"  # generators that a source does not name: no telling whether they are tuned
SHORTEST = 60
COLUMNS = ("id", "text", "label", "generator", "domain", "language", "attack", "licence")

Stretches = tuple[np.ndarray, np.ndarray]  # first and last token (n,), (n,), the last excluded


@dataclass(frozen=True, slots=True)
class Labelled:
    """Documents and their batch.

    frame: n rows, the columns without text, and source, family, licensed, base, named (its generator), words, row
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
        """The documents with so many words, normalised and cut to them, as a batch of their own."""
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


def views(offsets: np.ndarray, rng: np.random.Generator, *, shortest: int = SHORTEST, longest: int = 400) -> Stretches:
    """A random stretch of each document, offsets (n+1,): log-uniform in length, four in ten from the beginning."""
    first, whole = offsets[:-1], np.diff(offsets)
    size = np.exp(rng.uniform(np.log(shortest), np.log(longest), len(first))).astype(np.int64)
    size = np.minimum(size, whole)
    inside = rng.random(len(first)) < 0.6
    start = first + (rng.random(len(first)) * (whole - size + 1) * inside).astype(np.int64)
    return start, start + size


def read(folder: Path, *, licensed_only: bool = False) -> Labelled:
    """All labelled documents below a folder: Parquet files, one a source, with the columns of COLUMNS.

    Raises: DetectorError where there is none, or where a column is missing
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DetectorError(f"{folder}: no labelled Parquet files; one file a source, columns {', '.join(COLUMNS)}")
    parts = []
    for file in files:
        missing = set(COLUMNS) - set(pl.read_parquet_schema(file))
        if missing:
            raise DetectorError(f"{file}: a labelled source needs the columns {', '.join(sorted(missing))}")
        part = pl.read_parquet(file, columns=list(COLUMNS))
        parts.append(part.with_columns(pl.col(pl.String), source=pl.lit(file.stem), family=_family(file.stem)))
    frame = pl.concat(parts).with_columns(
        licensed=~pl.col("licence").str.contains("(?i)unstated|unknown"),
        base=(pl.col("label") == "ai") & is_base(pl.col("generator").fill_null("")),
        named=~pl.col("generator").fill_null("").str.contains(UNNAMED),
    )
    if licensed_only:
        frame = frame.filter("licensed")
    batch = TextBatch.of(_without_prefix(frame), frame["language"])
    described = frame.drop("text").with_columns(words=pl.Series(batch.tokens.words), row=pl.int_range(pl.len()))
    return Labelled(described, batch)


def normalised(text: pl.Expr) -> pl.Expr:
    """Without what tells how a source was scraped: line breaks, markdown marks, shapes of quotes, stray spaces."""
    plain = text.str.replace_all(r"[*#_`>|]+", "").str.replace_all("[“”]", '"').str.replace_all("[‘’]", "'")
    return plain.str.replace_all(r"\s+", " ").str.replace_all(r" ([,.;:!?])", "$1").str.strip_chars()


def first_words(words: int) -> str:
    """A pattern of exactly so many words at the beginning; texts with fewer do not match."""
    return rf"^((?:\S+\s){{{words - 1}}}\S+)"


def is_base(generator: pl.Expr) -> pl.Expr:
    """Whether a generator is a model without instruction tuning."""
    exact = generator.is_in(["llama", "GPT-3"])  # GPT-3-Turbo is tuned
    return pl.any_horizontal(*[generator.str.starts_with(name) for name in BASE_MODELS]) | exact


def _family(source: str) -> pl.Expr:
    return pl.lit(FAMILIES.get(source, source))


def _without_prefix(frame: pl.DataFrame) -> pl.Series:
    """The texts, of families with human prefixes all (also the human ones) without their first words."""
    text = pl.col("text")
    for family, words in PREFIX.items():
        shorter = pl.col("text").str.replace(rf"^\s*(?:\S+\s+){{{words}}}", "")
        text = pl.when(pl.col("family") == family).then(shorter).otherwise(text)
    return frame.select(text)["text"]
