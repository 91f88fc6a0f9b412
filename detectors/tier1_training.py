"""Trains what tier 1 ships (the head of `lm`, the stack over both tiers) on a small stratified sample.

Slow models are read once and cached; everything after that is linear and takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

from auditor.detectors import surprisal
from auditor.detectors.ensemble import Stack
from auditor.detectors.labelled import Labelled, normalised
from auditor.detectors.language_model import FAR, Head
from auditor.detectors.stacking import BINS, calibration
from auditor.detectors.training import folds
from auditor.text.batch import TextBatch

SEED = 20221130
LEAST_WORDS, MOST_WORDS = 100, 150
PER_CLASS = 24  # documents of one source and class
VERSION = "1"
STACK_PENALTY = 1.0


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


def fit_head(x: np.ndarray, frame: pl.DataFrame, *, penalty: float) -> Head:
    """A logistic model over standardised columns (n, k); sources and classes weigh the same, unlicensed rows nothing.

    Rows with a missing figure are left out.
    """
    use = frame["licensed"].to_numpy() & np.isfinite(x).all(1)
    centre, spread = x[use].mean(0), x[use].std(0) + 1e-6
    z = np.clip((x[use] - centre) / spread, -FAR, FAR)
    model = LogisticRegression(C=penalty, max_iter=1000)
    model.fit(z, (frame["label"] == "ai").to_numpy()[use], sample_weight=equal_weights(frame)[use])
    return Head(centre, spread, model.coef_[0], float(model.intercept_[0]))


def out_of_family(
    x: np.ndarray, frame: pl.DataFrame, target: np.ndarray, here: np.ndarray, *, penalty: float
) -> np.ndarray:
    """Logits (m,) of target rows (m, k) of folds `here` (m,), by heads that saw nothing of a row's fold."""
    out, known = np.full(len(target), np.nan), folds(frame)
    for fold in np.unique(here):
        rest = known != fold
        head = fit_head(x[rest], frame.filter(pl.Series(rest)), penalty=penalty)
        out[here == fold] = head.logit(target[here == fold])
    return out


def fit_joint(members: Sequence[str], scores: dict[str, np.ndarray], frame: pl.DataFrame) -> Stack:
    """A stack from out-of-family scores: few free weights, each member's unit its own spread."""
    x = np.stack([scores[name] for name in members], 1)
    head = fit_head(x, frame, penalty=STACK_PENALTY)
    weights = head.weights / head.spread
    return Stack(
        tuple(members), round(float(head.intercept - head.centre @ weights), 6), tuple(weights.round(6).tolist())
    )


def joint_out_of_family(members: Sequence[str], scores: dict[str, np.ndarray], frame: pl.DataFrame) -> np.ndarray:
    """(n,) the stack's logits, by stacks that saw nothing of a row's fold either."""
    out, here = np.full(len(frame), np.nan), folds(frame)
    for fold in np.unique(here):
        rest = here != fold
        stack = fit_joint(members, {n: scores[n][rest] for n in members}, frame.filter(pl.Series(rest)))
        out[here == fold] = stack.logit({n: scores[n][here == fold] for n in members})
    return out


def equal_weights(frame: pl.DataFrame) -> np.ndarray:
    """(n,) every source and class alike."""
    return (1.0 / frame.select(pl.len().over("source", "label")).to_series().to_numpy()) * len(frame)


def write(out: Path, head: Head, stacks: Sequence[tuple[Stack, np.ndarray]], frame: pl.DataFrame) -> None:
    """tier1_lm.json, the head of `lm`; tier1.json, stacks with out-of-family score counts; both say what they saw."""
    own = frame["licensed"].to_numpy()
    sources = frame.filter("licensed").group_by("source", "licence").len("documents").sort("source").to_dicts()
    card = {"version": VERSION, "seed": SEED, "words": [LEAST_WORDS, MOST_WORDS], "languages": ["en"],
            "sources": sources}  # fmt: skip
    columns = {name: getattr(head, name).round(6).tolist() for name in ("centre", "spread", "weights")}
    _write(out / "tier1_lm.json", card | {"figures": surprisal.NAMES, **columns, "intercept": round(head.intercept, 6)})
    entries = []
    for stack, logit in stacks:
        cells = calibration(frame.filter("licensed"), logit[own])["cells"]
        entries.append(asdict(stack) | {"cells": [cell | {"bins": BINS} for cell in cells]})
    _write(out / "tier1.json", card | {"stacks": entries})


def _write(path: Path, stored: dict) -> None:
    path.write_text(json.dumps(stored, indent=None if len(str(stored)) > 20_000 else 1) + "\n", "utf-8")
