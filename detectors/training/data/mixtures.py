"""Which documents the first tier learns from: a mixture balanced over sources, domains and generators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from auditor.detectors.training.data.families import MIRRORS
from auditor.detectors.training.data.labelled import Labelled, batched, long_enough

# Documents of a source that a head learns from; others have the head's own cap.
HUMAN = {
    "human_web2": 2500,
    "human_web_licensed": 1300,
    "fast_detect_gpt": 700,
    "gptid_reddit": 600,
    "human_iclr": 300,
    "human_docs_multi": 200,
    "olympic_gemini": 0,
    "hellobench": 0,
}
MACHINE = {
    "slop_score": 900,
    "hellobench": 900,
    "booookscore": 200,
    "eqbench_creative": 700,
    "mt_bench_multi": 300,
    "deepresearch_claude": 50,
    "gptid_reddit": 300,
    "fast_detect_gpt": 0,
    "olympic_gemini": 300,
}
MOST_HUMAN, MOST_MACHINE = 400, 60  # English documents of a cell; of a cell and generator
MOST_OF = {"alpaca_eval": 8, "fast_detect_gpt": 15, "lastde": 15}
BASE_SOURCES = ("fast_detect_gpt", "lastde", "zippy")  # text of base models, for which figures are given
CHARACTERS = 6000  # of a text that are read


def pool(frame: pl.DataFrame, *, english: bool, seed: int) -> Labelled:
    """Prose that is long enough, human or wholly machine-written, without attacks; in English with a cap on every cell.

    `mixed` rows are left out: it is not recorded who wrote which part of an edited text, so they belong to neither
    class.
    """
    tuned = ~pl.col("base") | (pl.col("source").is_in(BASE_SOURCES) if english else pl.lit(True))
    chosen = frame.filter(
        (pl.col("language") == "en") == english,
        pl.col("attack") == "none",
        pl.col("label") != "mixed",
        pl.col("domain").str.to_lowercase() != "code",
        tuned,
    ).filter(long_enough())
    if english:
        chosen = chosen.with_columns(lot=pl.Series(np.random.default_rng(seed).random(len(chosen))))
        cap = pl.when(pl.col("source") == MIRRORS).then(10**6).when(pl.col("label") == "human").then(MOST_HUMAN)
        for source, most in MOST_OF.items():
            cap = cap.when(pl.col("source") == source).then(most)
        rank = pl.col("lot").rank("ordinal").over("source", "cell", "label", "generator")
        chosen = chosen.filter(rank <= cap.otherwise(MOST_MACHINE)).drop("lot")
    return batched(chosen.with_columns(pl.col("text").str.head(CHARACTERS)))


def trainable(frame: pl.DataFrame) -> np.ndarray:
    """(n,) bool: rows that a model may learn from: licensed, no base model's, not held out."""
    return (
        frame.select(pl.col("licensed") & ~pl.col("base") & ~pl.col("held_out") & ~pl.col("reference"))
        .to_series()
        .to_numpy()
    )


@dataclass(frozen=True, slots=True)
class Caps:
    """The most documents of a source, by class: those of `human` and `machine`, and of any other source.

    copies: how often a mirror is learned from
    """

    most_human: int
    most_machine: int
    copies: int = 1
    human: Mapping[str, int] = field(default_factory=lambda: HUMAN)
    machine: Mapping[str, int] = field(default_factory=lambda: MACHINE)


def english_rows(frame: pl.DataFrame, usable: np.ndarray, rng: np.random.Generator, caps: Caps) -> np.ndarray:
    """Rows of usable (n,) documents, ascending: capped by source, spread over domains and generators."""
    drawn = _turns(frame.filter(pl.Series(usable)), rng, ("source", "label"), ("domain", "generator"))
    human_cap = pl.col("source").replace_strict(caps.human, default=caps.most_human, return_dtype=pl.Int64)
    machine_cap = pl.col("source").replace_strict(caps.machine, default=caps.most_machine, return_dtype=pl.Int64)
    mirror = pl.col("source") == MIRRORS
    cap = pl.when(mirror).then(10**6).when(pl.col("label") == "human").then(human_cap).otherwise(machine_cap)
    return _with_copies(drawn.filter(pl.col("place") <= cap), caps.copies)


def other_rows(
    frame: pl.DataFrame, usable: np.ndarray, rng: np.random.Generator, *, most: int, copies: int
) -> np.ndarray:
    """The same for languages other than English, capped by cell, class and language."""
    drawn = _turns(frame.filter(pl.Series(usable)), rng, ("cell", "label", "language"), ("generator",))
    return _with_copies(drawn.filter((pl.col("place") <= most) | (pl.col("source") == MIRRORS)), copies)


def balanced(frame: pl.DataFrame, cap: int, by: tuple[str, ...] = ("cell", "label"), seed: int = 0) -> np.ndarray:
    """(n,) bool: at most `cap` rows of each group."""
    lot = frame.with_columns(lot=pl.Series(np.random.default_rng(seed).random(len(frame))))
    return (lot.select(pl.col("lot").rank("ordinal").over(*by)).to_series() <= cap).to_numpy()


def _turns(
    frame: pl.DataFrame, rng: np.random.Generator, group: tuple[str, ...], within: tuple[str, ...]
) -> pl.DataFrame:
    """With `place`, a row's turn in its group: its parts (`within`) take turns."""
    frame = frame.select("row", "source", "domain", "cell", "label", "generator", "language")
    frame = frame.with_columns(lot=pl.Series(rng.random(len(frame))))
    turn = pl.col("lot").rank("ordinal").over(*group, *within)
    return frame.with_columns(place=(turn + pl.col("lot")).rank("ordinal").over(*group))


def _with_copies(chosen: pl.DataFrame, copies: int) -> np.ndarray:
    mirrored = chosen.filter(pl.col("source") == MIRRORS)["row"].to_numpy()
    return np.sort(np.concatenate([chosen["row"].to_numpy(), *[mirrored] * (copies - 1)])).astype(np.int64)
