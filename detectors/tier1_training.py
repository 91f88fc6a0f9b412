"""Trains what tier 1 ships: the tuned encoder, the head of `lm`, the stacks over both tiers and their score counts.

Every score that a stack or a figure rests on is of a model that saw nothing of the document's family. Slow models are
read once and cached; the encoder's models that leave families out lie beside the shipped one in FOLDERS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from auditor.detectors import encoder_training, labelled, language_model, surprisal, training, tuned_encoder
from auditor.detectors.ensemble import Stack
from auditor.detectors.install import installed
from auditor.detectors.labelled import Labelled, normalised
from auditor.detectors.language_model import FAR, Head
from auditor.detectors.stacking import BINS, calibration, fit_stack
from auditor.detectors.tier1 import FIRST
from auditor.detectors.training import folds
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

SEED = 20221130
LEAST_WORDS, MOST_WORDS = 100, 150
PER_CLASS = 72  # documents of one source and class
VERSION = "2"
STACK_PENALTY = 1.0
LM_PENALTY = 0.1
STACKS = ((FIRST, "encoder", "lm"), (FIRST, "lm"), (FIRST, "encoder"))
FIRST_CELL = 150  # documents a cell of the first tier's models that leave families out (shipped: training.CELL)
FOLDERS = "without"  # of the encoders that leave a family out, below the folder of weights

Say = Callable[[str], None]
Changed = Mapping[str, np.ndarray]


def train(folder: Path, out: Path, say: Say) -> list[Path]:
    """Rebuild the weights of tier 1 below `out` from the labelled sources in `folder`; returns the files written.

    Encoders that are already there are used as they are, so that a second call goes on where the first one ended.
    Raises: DetectorError where the base weights are not installed
    """
    corpus = labelled.read(folder)
    tuned = encoders(corpus, out, say)
    target = sample(corpus, np.random.default_rng(SEED))
    figures = language_model.load().figures(target.batch).astype(float)
    say(f"language model: {len(figures)} documents read")
    scores = family_scores(corpus, target, figures, tuned)
    stacks = [(fit_joint(members, scores, target.frame), joint_out_of_family(members, scores, target.frame))
              for members in STACKS]  # fmt: skip
    head = fit_head(figures, target.frame, penalty=LM_PENALTY)
    return [*write(out, head, stacks, target.frame), encoder_card(out, encoder_training.sample(
        corpus, np.random.default_rng(encoder_training.SEED)).frame)]  # fmt: skip


def measured_stacks(scores: Mapping[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Those of STACKS whose members all have scores."""
    return [members for members in STACKS if all(np.isfinite(scores[name]).any() for name in members)]


def encoders(corpus: Labelled, out: Path, say: Say) -> dict[str, Changed]:
    """The tuned layers by the fold that they saw nothing of ("all": the shipped ones), fine-tuned where missing."""
    weights = installed("encoder")
    if weights is None:
        raise DetectorError("the weights of encoder are not installed; run: auditor detectors install encoder")
    places = {name: encoder_folder(out, name) for name in encoder_training.MODELS}
    missing = [name for name, place in places.items() if not (place / tuned_encoder.FILE).is_file()]
    if missing:
        from safetensors.numpy import save_file

        def keep(name: str, changed: dict[str, np.ndarray], last: bool) -> None:
            places[name].mkdir(parents=True, exist_ok=True)
            part = places[name] / f"{tuned_encoder.FILE}.part"  # of a training that was broken off
            save_file(changed, part)
            if last:
                part.replace(places[name] / tuned_encoder.FILE)

        encoder_training.train(corpus, weights, missing, keep, say)
    return {name: tuned_encoder.read_changed(place) for name, place in places.items()}


def family_scores(
    corpus: Labelled, target: Labelled, figures: np.ndarray, tuned: Mapping[str, Changed]
) -> dict[str, np.ndarray]:
    """Scores (n,) of the target's documents by member, each by models that saw nothing of the document's family.

    Parameters: figures (n, k), the language model's; tuned, encoders by the fold left out
    """
    here = folds(target.frame)
    return {
        FIRST: first_tier(corpus, target),
        "curvature": figures[:, surprisal.NAMES.index("curvature")],
        "lm": out_of_family(figures, target.frame, figures, here, penalty=LM_PENALTY),
        "encoder": encoder_scores(target, tuned),
    }


def encoder_scores(target: Labelled, tuned: Mapping[str, Changed]) -> np.ndarray:
    """Logits (n,) of the encoder that left a document's family out, NaN where there is none.

    Families that no encoder learned from are scored by the shipped one.
    """
    weights = installed("encoder")
    assert weights is not None
    out, here = np.full(len(target.frame), np.nan), encoder_training.groups(target.frame)
    for group in np.unique(here).tolist():
        name = group if group in encoder_training.MODELS else encoder_training.ALL
        if name in tuned:
            chosen = target.texts().filter(pl.Series(here == group))
            out[here == group] = tuned_encoder.of(weights, tuned[name]).score(TextBatch.of(chosen))
    return out


def first_tier(corpus: Labelled, target: Labelled) -> np.ndarray:
    """Logits (n,) of the first tier by models and a stack that saw nothing of a document's fold."""
    learn = training.sample(corpus, np.random.default_rng(training.SEED), cell=FIRST_CELL)
    inside, scores = training.out_of_family(learn, learn, target)
    out, known, here = np.full(len(target.frame), np.nan), folds(learn.frame), folds(target.frame)
    for fold in np.unique(here):
        rest = known != fold
        kept = learn.take(rest)
        stack = fit_stack(training.STACKS[0], {n: v[rest] for n, v in inside.items()}, kept.machine,
                          training.weights_of(kept.frame))  # fmt: skip
        out[here == fold] = stack.logit({n: v[here == fold] for n, v in scores.items()})
    return out


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
    pattern = rf"^((?:\S+\s){{{LEAST_WORDS - 1},{MOST_WORDS - 1}}}\S+)"
    plain = chosen.texts().to_frame().select(normalised(pl.col("text")).str.extract(pattern))["text"]
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


def write(out: Path, head: Head, stacks: Sequence[tuple[Stack, np.ndarray]], frame: pl.DataFrame) -> list[Path]:
    """tier1_lm.json, the head of `lm`; tier1.json, stacks with out-of-family score counts; both say what they saw."""
    own = frame["licensed"].to_numpy()
    sources = frame.filter("licensed").group_by("source", "licence").len("documents").sort("source").to_dicts()
    card = {"version": VERSION, "seed": SEED, "words": [LEAST_WORDS, MOST_WORDS], "languages": ["en"],
            "sources": sources}  # fmt: skip
    columns = {name: getattr(head, name).round(6).tolist() for name in ("centre", "spread", "weights")}
    entries = []
    for stack, logit in stacks:
        cells = calibration(frame.filter("licensed"), logit[own])["cells"]
        entries.append(asdict(stack) | {"cells": [cell | {"bins": BINS} for cell in cells]})
    figures = {"figures": surprisal.NAMES, **columns, "intercept": round(head.intercept, 6)}
    return [_write(out / "tier1_lm.json", card | figures), _write(out / "tier1.json", card | {"stacks": entries})]


def encoder_card(out: Path, frame: pl.DataFrame) -> Path:
    """encoder.json: what the tuned encoder learned from."""
    sources = frame.group_by("source", "licence").agg(
        human=(pl.col("label") == "human").sum(), machine=(pl.col("label") == "ai").sum()
    )
    settings = {name.lower(): getattr(encoder_training, name) for name in
                ("SEED", "FROZEN", "TOKENS", "EPOCHS", "ROWS", "RATE", "HEAD_RATE", "MASKED", "BASE")}  # fmt: skip
    card = {"name": "encoder", "version": tuned_encoder.DESCRIPTION.version, "languages": ["en"], **settings}
    return _write(out / "encoder.json", card | {"sources": sources.sort("source").to_dicts()})


def encoder_folder(out: Path, name: str) -> Path:
    return out if name == encoder_training.ALL else out / FOLDERS / name


def _write(path: Path, stored: dict) -> Path:
    path.write_text(json.dumps(stored, indent=None if len(str(stored)) > 20_000 else 1) + "\n", "utf-8")
    return path
