"""The words of a split's documents of lowest hash, for what summed spectra cannot give (strata, topics, profiles)."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.text.tokens import Tokens

KINDS = ("language", "topic", "category")
PER_SPLIT, PER_STRATUM, STRATA = 2048, 256, 64
WORDS_KEPT = 500  # first words of a document; otherwise one book could be the whole sample
PART = "words"
EVERY = 1 << 64


def candidates(documents: pl.DataFrame) -> pl.DataFrame:
    """The eligible documents of a batch: stable_id, language, topic, category, place in the batch."""
    frame = documents.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64)).filter("eligible")
    return frame.select("stable_id", *KINDS, "place")


def first_words(tokens: Tokens, places: np.ndarray) -> pl.Series:
    """The hashes of some documents' first words, in order, as lists."""
    flat, offsets = gathered(tokens.hashes, tokens.offsets[places], np.minimum(tokens.words[places], WORDS_KEPT))
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


def ceilings(frame: pl.DataFrame) -> dict[tuple[str, str], int]:
    """The stable id up to which every document of a split was kept, overall and for each value."""
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


def gathered(values: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of values put one after another, and their offsets."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return values[at], offsets
