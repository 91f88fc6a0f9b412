"""Trains what the second tier ships: the heads of `lm` and `encoder`, the stacks over both tiers, their score counts.

The neural models are unchanged and read once (cached). Only linear models are fitted, so every score behind a stack or
a figure comes from heads that saw nothing of the document's family.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from auditor.detectors.deep import encoder, language_model, linear_head, surprisal
from auditor.detectors.deep.encoder import Encoder
from auditor.detectors.deep.language_model import LanguageModel
from auditor.detectors.deep.linear_head import Head
from auditor.detectors.second_tier import FIRST
from auditor.detectors.stack import Stack
from auditor.detectors.training import first_tier
from auditor.detectors.training.calibration import BINS, cells
from auditor.detectors.training.data import labelled
from auditor.detectors.training.data.families import MIRRORS
from auditor.detectors.training.data.labelled import Labelled, normalised
from auditor.detectors.training.data.mixtures import trainable
from auditor.detectors.training.fold_models import SEED
from auditor.detectors.training.stacking import fit_stack

LEAST_WORDS, MOST_WORDS = 100, 150
PER_CLASS = 180  # documents of one source and class; twice as many did not improve the heads
VERSION = "3"
BASE = 0.3  # weight of machine text by models without instruction tuning
PENALTIES = {"lm": 4e-3, "encoder": 5e-3}  # C of the heads: many columns, each of little weight
EASE = 6.0  # of the few surprisal figures against the many dimensions of a state: their penalty is EASE^2 times smaller
# Shares of the members in units of their spread: set by hand, not fitted, because fitted weights favour members that do
# well on the known sources (Dawes 1979 on improper linear models).
SHARES = {FIRST: 0.25, "lm": 1.0, "encoder": 0.12}
STACKS = ((FIRST, "lm"), (FIRST, "encoder", "lm"), (FIRST, "encoder"))  # the best first: `encoder` adds nothing to `lm`

Say = Callable[[str], None]


def train(folder: Path, out: Path, say: Say) -> list[Path]:
    """Rebuild the second tier's weights below `out` from the labelled sources in `folder`; returns the files written.

    The first tier's models without each fold are read from `out`, see first_tier.train. Texts that were read before
    come from the cache, so that a second call continues where the first ended.
    Raises: DetectorError where the neural models are not installed
    """
    target = sample(labelled.frame(folder), np.random.default_rng(SEED))
    columns = read(target, say)
    scores = family_scores(out, target, columns)
    stacks = [
        (fit_joint(members, scores, target.frame), joint_out_of_family(members, scores, target.frame))
        for members in STACKS
    ]
    fitted = {name: fit_head(name, x, target.frame) for name, x in columns.items()}
    return write(out, fitted, stacks, target.frame)


def read(target: Labelled, say: Say) -> dict[str, np.ndarray]:
    """The neural models' figures of the documents, by detector (n, k).

    Raises: DetectorError where one is not installed
    """
    models: dict[str, LanguageModel | Encoder] = {"lm": language_model.built_in(), "encoder": encoder.built_in()}
    out = {}
    for name, model in models.items():
        out[name] = model.figures(target.batch).astype(float)
        say(f"{name}: {len(target.frame)} documents read")
    return out


def family_scores(models: Path, target: Labelled, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Scores (n,) of the target's documents by member, each by models that saw nothing of the document's family.

    Parameters: models, the folder that first_tier.train wrote; columns (n, k), see `read`
    """
    return {
        FIRST: first_tier_units(models, target),
        "curvature": columns["lm"][:, surprisal.NAMES.index("curvature")],
        **{name: out_of_family(name, x, target.frame) for name, x in columns.items()},
    }


def first_tier_units(models: Path, target: Labelled) -> np.ndarray:
    """Human units (n,) of the first tier by models that saw nothing of a document's fold."""
    out, fold, row = np.full(len(target.frame), np.nan), target.frame["fold"].to_numpy(), target.frame["row"].to_numpy()
    for left_out in np.unique(fold):
        ensemble = first_tier.of_fold(models, int(left_out))
        units, _ = ensemble.in_human_units(target.batch, ensemble.score(target.batch).logit)
        out[fold == left_out] = units[row[fold == left_out]]
    return out


def sample(frame: pl.DataFrame, rng: np.random.Generator, *, per_class: int = PER_CLASS, least: int = 20) -> Labelled:
    """English prose of a frame (see labelled.frame), normalised and cut: per_class documents of each source and class.

    Both classes of a source are needed, but for mirrors and licensed human text, which belong together. Generators of a
    source share its machine half equally. Mirrors come three times as often. Cells take turns.
    """
    frame = frame.with_columns(lot=pl.Series(rng.random(len(frame)))).filter(
        (pl.col("language") == "en")
        & (pl.col("attack") == "none")
        & (pl.col("label") != "mixed")
        & (pl.col("domain").str.to_lowercase() != "code")
        & labelled.long_enough(LEAST_WORDS + 5)
    )
    kind = ("source", "label")
    turn = pl.col("lot").rank("ordinal").over(*kind, "generator", "cell")
    frame = frame.with_columns(place=(turn + pl.col("lot")).rank("ordinal").over(*kind))
    paired = (pl.col("label").n_unique().over("source") == 2) | pl.col("source").str.starts_with("human_")
    most = pl.when(pl.col("source") == MIRRORS).then(3 * per_class).otherwise(per_class)
    frame = frame.filter((pl.len().over(*kind) >= least) & (paired | (pl.col("source") == MIRRORS)))
    return _shortened(frame.filter(pl.col("place") <= most).drop("lot", "place"))


def _shortened(chosen: pl.DataFrame) -> Labelled:
    """The documents' first 100 to 150 words, as a batch of their own."""
    pattern = rf"^((?:\S+\s){{{LEAST_WORDS - 1},{MOST_WORDS - 1}}}\S+)"
    plain = chosen.with_columns(text=normalised(pl.col("text")).str.extract(pattern))
    return labelled.batched(plain.filter(pl.col("text").is_not_null()))


def fit_head(name: str, x: np.ndarray, frame: pl.DataFrame) -> Head:
    """A logistic model over standardised columns (n, k); sources and classes weigh the same, unlicensed rows weigh
    nothing.

    Rows with a missing column are left out.
    """
    use = trainable(frame) & np.isfinite(x).all(1)
    centre, spread = x[use].mean(0), x[use].std(0) + 1e-6
    ease = np.ones(x.shape[1])
    ease[: len(surprisal.NAMES) if name == "lm" else 0] = EASE
    weights = (equal_weights(frame) * np.where(frame["base"], BASE, 1.0))[use]
    model = LogisticRegression(C=PENALTIES[name], max_iter=1000)
    machine = (frame["label"] == "ai").to_numpy()[use]
    model.fit(linear_head.standard(x[use], centre, spread) * ease, machine, sample_weight=weights / weights.mean())
    return Head(centre, spread, model.coef_[0] * ease, float(model.intercept_[0]))


def out_of_family(name: str, x: np.ndarray, frame: pl.DataFrame) -> np.ndarray:
    """Logits (n,) of rows (n, k) by heads that saw nothing of a row's fold."""
    out, here = np.full(len(frame), np.nan), frame["fold"].to_numpy()
    for fold in np.unique(here):
        rest = here != fold
        head = fit_head(name, x[rest], frame.filter(pl.Series(rest)))
        out[~rest] = head.logit(x[~rest])
    return out


def fit_joint(members: Sequence[str], scores: Mapping[str, np.ndarray], frame: pl.DataFrame) -> Stack:
    """A stack from out-of-family scores (n,) of the rows with a licence: shares as given, each member over its own
    spread."""
    own = frame["licensed"].to_numpy()
    known = {name: scores[name][own] for name in members}
    shares = {name: SHARES[name] / np.nanstd(values) for name, values in known.items()}
    chosen = frame.filter("licensed")
    return fit_stack(members, known, (chosen["label"] == "ai").to_numpy(), equal_weights(chosen), shares)


def joint_out_of_family(members: Sequence[str], scores: Mapping[str, np.ndarray], frame: pl.DataFrame) -> np.ndarray:
    """(n,) the stack's logits, by stacks that saw nothing of a row's fold either."""
    out, here = np.full(len(frame), np.nan), frame["fold"].to_numpy()
    for fold in np.unique(here):
        rest = here != fold
        stack = fit_joint(members, {n: scores[n][rest] for n in members}, frame.filter(pl.Series(rest)))
        out[here == fold] = stack.logit({n: scores[n][here == fold] for n in members})
    return out


def equal_weights(frame: pl.DataFrame) -> np.ndarray:
    """(n,) every source and class alike."""
    return (1.0 / frame.select(pl.len().over("source", "label")).to_series().to_numpy()) * len(frame)


def write(
    out: Path, fitted: Mapping[str, Head], stacks: Sequence[tuple[Stack, np.ndarray]], frame: pl.DataFrame
) -> list[Path]:
    """The heads (second_tier_lm.json, second_tier_encoder.json) and the stacks (second_tier.json).

    Each file states what it was trained on.
    """
    own = frame["licensed"].to_numpy()
    sources = frame.filter("licensed").group_by("source", "licence").len("documents").sort("source").to_dicts()
    card = {
        "version": VERSION,
        "seed": SEED,
        "words": [LEAST_WORDS, MOST_WORDS],
        "languages": ["en"],
        "sources": sources,
    }
    read_from: dict[str, tuple[str, dict]] = {
        language_model.HEAD.name: ("lm", {"figures": surprisal.NAMES, "layer": language_model.LAYER}),
        encoder.HEAD.name: ("encoder", {"layer": encoder.LAYER}),
    }
    entries = []
    for stack, logit in stacks:
        counted = cells(frame.filter("licensed"), logit[own])
        entries.append(asdict(stack) | {"cells": [asdict(cell) | {"bins": BINS} for cell in counted]})
    written = [_write(out / file, card | what | fitted[name].as_dict()) for file, (name, what) in read_from.items()]
    return [*written, _write(out / "second_tier.json", card | {"stacks": entries})]


def _write(path: Path, stored: dict) -> Path:
    path.write_text(json.dumps(stored, indent=None if len(str(stored)) > 20_000 else 1) + "\n", "utf-8")
    return path
