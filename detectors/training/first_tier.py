"""Rebuilds every shipped first-tier file from the labelled sources with a stated licence; fixed seeds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression

from auditor.detectors.calibration_file import FILE, Combination, read_first_tier
from auditor.detectors.first import ngram_kernels, ngrams, phrases, style_measures, stylometry
from auditor.detectors.first.kinds import Kinds
from auditor.detectors.first_tier import Ensemble
from auditor.detectors.training import calibration, edited, fold_models, kinds, reach
from auditor.detectors.training.calibration import Scored
from auditor.detectors.training.data import labelled, mirrors
from auditor.detectors.training.fold_models import ALL, SEED, VERSION, Material, Say, Weights
from auditor.detectors.training.scores import (
    EnglishScores,
    OtherScores,
    Scale,
    earlier_table,
    english_scores,
    other_scores,
)
from auditor.known_scores import KindRow
from auditor.records import Json
from auditor.run_columns import HIGHEST, LOWEST

PHRASES_SHARE = 0.5  # human units per unit of the phrases' score, which is 0 on nearly all human text
FIRST_LANGUAGE = "en"


def train(folder: Path, out: Path, say: Say = lambda words: None, *, further: Path | None = None) -> list[Path]:
    """Rebuild the shipped weights below `out` from the labelled sources in `folder`; returns the files written.

    further: a folder of JSON lines with more mirrors (see mirrors.collect); all mirrors are written to
    out/mirrors.parquet and learned from

    Weights are saved below out/folds as they are fitted, so that a second call continues where the first ended. The
    models without each fold and the out-of-family scores are there too, for evaluation.
    """
    out.mkdir(parents=True, exist_ok=True)
    mirrored = mirrors.FILE
    if further is not None:
        together, dropped = mirrors.collect(mirrors.FILE, further, folder)
        mirrored = out / mirrors.FILE.name
        mirrors.write(together, mirrored)
        say(f"{len(together)} mirrors, {dropped} dropped because they repeat their human text")
    frame = labelled.frame(folder, mirrored)
    content = kinds.learn_all(frame)
    written = kinds.write(content, out)
    say("kinds of text learned")
    english = fold_models.material(frame, english=True)
    weights = fold_models.fit(english, out / "folds", say, english=True)
    scores = english_scores(english, weights)
    say("English scored by models that saw nothing of a family")
    others = fold_models.material(frame, english=False)
    del frame
    other_weights = fold_models.fit(others, out / "folds", say, english=False)
    other = other_scores(others, other_weights)
    say("other languages scored")
    sources = learned_sources(english, others)
    for model in weights:
        place = out if model == ALL else out / "folds" / str(model)
        place.mkdir(exist_ok=True)
        files = write_ngrams(place, model, weights[model], other_weights[model], scores, other, sources)
        files.append(write_style(place, english, weights[model], scores.style[model]))
        written += files if model == ALL else []
    scored = _scored(english, others, scores, other, content)
    stored, units = ensemble(scored, scores, other)
    written.append(_write(out / FILE, stored))
    write_scores(out / "folds" / "scores.parquet", scored, units, scores, other)
    say("calibrated")
    drafts = labelled.frame(folder, mirrored)
    written.append(edited.write(drafts, out, lambda fold: of_fold(out, fold)))
    say("edited text scored")
    return written


def of_fold(out: Path, fold: int) -> Ensemble:
    """The first tier that saw nothing of a fold (ALL: the shipped one), of the models that `train` left below `out`."""
    place = out if fold == ALL else out / "folds" / str(fold)
    detectors = ngrams.load(str(place)), stylometry.load(str(place)), phrases.load()
    return Ensemble(detectors, read_first_tier(out), Kinds.load(out))


def _scored(english: Material, others: Material, scores: EnglishScores, other: OtherScores, content: Kinds) -> Scored:
    """All documents with out-of-family scores and kinds."""
    frame = pl.concat([english.corpus.frame, others.corpus.frame])
    parts = [content.soft(given.corpus.batch) for given in (english, others)]
    together = type(parts[0])(
        content.names,
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )
    listed = phrases.load()
    hits = np.concatenate([listed.score(given.corpus.batch) for given in (english, others)]).astype(float)
    score = np.concatenate([scores.score, other.score]) + PHRASES_SHARE * hits
    return Scored(frame, score, together, hits)


def ensemble(scored: Scored, scores: EnglishScores, other: OtherScores) -> tuple[Json, np.ndarray]:
    """What first_tier.json holds: combinations, the logit's scale, kinds, length terms, counts and spreads.

    With the documents' scores (n,) in human units.
    """
    frame, memberships, anchors = scored.frame, scored.memberships(), scored.anchors
    table = calibration.kind_table(scored, memberships, anchors)
    units = table.units(scored.score, memberships)
    english, length = (frame["language"] == FIRST_LANGUAGE).to_numpy(), {}
    words = calibration.standard_words(frame["words"].to_numpy(), frame["language"].to_numpy())
    for name, own in ((FIRST_LANGUAGE, english), ("", ~english)):
        term = calibration.length_term(frame, units, anchors & own)
        location, log_scale = term.at(words)
        units = np.where(own, (units - location) / np.exp(log_scale), units)
        length[name] = asdict(term)
    medians = calibration.domain_medians(scored, memberships)
    variances = calibration.variances(medians, table.names)
    intercept, slope = logit_scale(scored, anchors)
    combinations: dict[str, list[Combination]] = {FIRST_LANGUAGE: list(scores.combinations), **other.combinations}
    stored = {
        "version": VERSION,
        "intercept": intercept,
        "slope": slope,
        "phrases": PHRASES_SHARE,
        "combinations": {name: [asdict(c) for c in own] for name, own in combinations.items()},
        "length": length,
        "reach": reach.levels(frame, units, tuple(combinations)),
        "bins": calibration.BINS,
        "lowest": LOWEST,
        "highest": HIGHEST,
        "kinds": [asdict(row) for row in kind_rows(scored, table, variances, anchors, memberships)],
        "cells": [asdict(cell) for cell in calibration.cells(frame, units)],
        "shift": calibration.shift_spreads(medians, calibration.machine_medians(frame, units)),
    }
    stored["revision"] = hashlib.sha256(json.dumps(stored).encode()).hexdigest()[:12]
    return stored, units


def kind_rows(
    scored: Scored, table: calibration.KindTable, variances: dict[str, float], anchors: np.ndarray, shares: np.ndarray
) -> list[KindRow]:
    """The calibration by kind of text."""
    nearest, cell = scored.kinds.nearest(), scored.frame["cell"]
    domains = dict(
        pl.DataFrame({"kind": nearest, "cell": cell})
        .filter(pl.Series(anchors))
        .group_by("kind")
        .agg(pl.col("cell").n_unique())
        .iter_rows()
    )
    documents = shares[anchors].sum(0)
    return [
        KindRow(
            name,
            name.split("/")[0],
            round(float(table.location[k]), 4),
            round(float(np.exp(table.log_scale[k])), 4),
            round(variances[name], 4),
            round(float(documents[k])),
            domains.get(name, 0),
        )
        for k, name in enumerate(table.names)
    ]


def logit_scale(scored: Scored, anchors: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the logit of machine origin in the score (Platt 1999), both classes weighing the same.

    English; machine text by instruction-tuned models, every generator of a source alike.
    """
    frame = scored.frame
    machine = frame.select(
        (pl.col("language") == FIRST_LANGUAGE) & (pl.col("label") == "ai") & pl.col("licensed") & ~pl.col("base")
    ).to_series().to_numpy() & np.isfinite(scored.score)
    human = anchors & (frame["language"] == FIRST_LANGUAGE).to_numpy()
    rows = np.concatenate([np.flatnonzero(human), np.flatnonzero(machine)])
    label = np.repeat([0, 1], [human.sum(), machine.sum()])
    size = frame[rows].select(pl.len().over("source", "generator", "label")).to_series().to_numpy()
    weights = np.where(label, 1 / size, 1.0)
    weights = np.where(label, weights / weights[label == 1].sum(), weights / weights[label == 0].sum()) * len(rows)
    model = LogisticRegression(C=100.0, max_iter=500).fit(scored.score[rows, None], label, sample_weight=weights)
    return round(float(model.intercept_[0]), 6), round(float(model.coef_[0, 0]), 6)


def learned_sources(english: Material, others: Material) -> pl.DataFrame:
    """source, licence, human, machine: what the shipped models learned from, in documents."""
    learned = pl.concat([given.corpus.frame.filter(fold_models.learned(given)) for given in (english, others)])
    sources = learned.group_by("source", "licence").agg(
        human=(pl.col("label") == "human").sum(), machine=(pl.col("label") == "ai").sum()
    )
    return sources.sort("source", "licence")


def write_ngrams(
    out: Path,
    model: int,
    own: Weights,
    rest: Weights,
    scores: EnglishScores,
    other: OtherScores,
    sources: pl.DataFrame,
) -> list[Path]:
    """The n-gram weights of a model and their card; returns the files."""
    earlier = earlier_table(own, scores.earlier_scales[model])
    tables = np.stack([np.stack([own["recent"], earlier]), np.stack([rest["recent"], rest["earlier"]])])
    small, scales = ngram_kernels.quantised(tables)
    tensors = {"weights": small, "scales": scales}
    (out / "ngrams.safetensors").write_bytes(save(tensors))
    heads = [{"language": FIRST_LANGUAGE, "table": 0, **_head(scores.grams[model])}]
    heads += [{"language": name, "table": 1, **_head(scale[model])} for name, scale in sorted(other.grams.items())]
    card = {
        "name": "ngrams",
        "version": VERSION,
        "revision": hashlib.sha256(b"".join(t.tobytes() for t in tensors.values())).hexdigest()[:12],
        "bits": ngram_kernels.BITS,
        "orders": ngram_kernels.ORDERS,
        "window": ngram_kernels.WINDOW,
        "seed": SEED,
        "heads": heads,
        "sources": sources.to_dicts(),
    }
    return [out / "ngrams.safetensors", _write(out / "ngrams.json", card)]


def write_style(out: Path, english: Material, own: Weights, scale: Scale) -> Path:
    """The weights of a model's style heads, with the scale of what they read and give; returns the file."""
    assert english.centre is not None and english.spread is not None
    columns = {
        "centre": english.centre.round(6).tolist(),
        "spread": english.spread.round(6).tolist(),
        "weights": [[float(f"{w:.5g}") for w in own[name]] for name in ("recent_style", "earlier_style")],
        "centres": scale.centre.round(6).tolist(),
        "spreads": scale.spread.round(6).tolist(),
    }
    return _write(out / stylometry.FILE, {"measures": style_measures.NAMES, **columns})


def write_scores(path: Path, scored: Scored, units: np.ndarray, scores: EnglishScores, other: OtherScores) -> None:
    """Every document's out-of-family score, human units, joint heads and members' scores, for evaluation: no text."""
    heads = np.concatenate([scores.heads, other.heads])
    rest = len(other.score)
    columns = {
        "score": scored.score,
        "units": units,
        "recent": heads[:, 0],
        "earlier": heads[:, 1],
        "ngrams": np.concatenate([scores.members["ngrams"], other.score]),
        "stylometry": np.concatenate([scores.members["stylometry"], np.full(rest, np.nan)]),
        "phrases": scored.phrases,
    }
    frame = scored.frame.with_columns(kind=scored.kinds.nearest(), **{k: pl.Series(v) for k, v in columns.items()})
    frame.write_parquet(path)


def _head(scale: Scale) -> dict[str, list[float]]:
    return {"centre": scale.centre.round(6).tolist(), "spread": scale.spread.round(6).tolist()}


def _write(path: Path, stored: Json) -> Path:
    text = json.dumps(stored, indent=None if len(str(stored)) > 20_000 else 1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")
    return path
