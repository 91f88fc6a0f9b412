"""Trains what tier 1 ships (the heads of `lm` and `encoder`, the stack over both tiers) on a small stratified sample.

Slow models are read once and cached; everything after that is linear and takes seconds.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.detectors.labelled import Labelled, normalised
from auditor.text.batch import TextBatch

SEED = 20221130
LEAST_WORDS, MOST_WORDS = 100, 150
PER_CLASS = 24  # documents of one source and class


def sample(corpus: Labelled, rng: np.random.Generator, *, per_class: int = PER_CLASS, least: int = 20) -> Labelled:
    """English prose, per_class human and as many machine documents of each source with both, normalised and cut.

    The generators of a source share its machine half equally. Sources with fewer than `least` of a class are left out.
    """
    frame = corpus.frame.with_columns(lot=pl.Series(rng.random(len(corpus.frame)))).filter(
        (pl.col("language") == "en")
        & (pl.col("label") != "mixed")
        & (pl.col("domain").str.to_lowercase() != "code")
        & (pl.col("words") >= LEAST_WORDS + 5)
    )
    kind = ("source", "label")
    turn = pl.col("lot").rank("ordinal").over(*kind, "generator")
    frame = frame.with_columns(place=(turn + pl.col("lot")).rank("ordinal").over(*kind))
    frame = frame.filter(pl.len().over(*kind) >= least).filter(pl.col("label").n_unique().over("source") == 2)
    return _shortened(Labelled(frame.filter(pl.col("place") <= per_class).drop("lot", "place"), corpus.batch))


def _shortened(chosen: Labelled) -> Labelled:
    """The documents' first 100 to 150 words, as a batch of their own."""
    offsets = pa.py_buffer(np.ascontiguousarray(chosen.batch.offsets))
    whole = pa.LargeStringArray.from_buffers(len(chosen.batch), offsets, pa.py_buffer(chosen.batch.text))
    texts = pl.Series("text", whole.take(chosen.frame["row"].to_numpy())).to_frame()
    pattern = rf"^((?:\S+\s){{{LEAST_WORDS - 1},{MOST_WORDS - 1}}}\S+)"
    plain = texts.select(normalised(pl.col("text")).str.extract(pattern))["text"]
    frame = chosen.frame.filter(plain.is_not_null()).with_columns(row=pl.int_range(pl.len()))
    batch = TextBatch.of(plain.drop_nulls(), frame["language"])
    return Labelled(frame.with_columns(words=pl.Series(batch.tokens.words)), batch)
