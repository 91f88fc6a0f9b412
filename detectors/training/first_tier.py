"""Rebuilds every shipped first-tier file from the labelled sources with a stated licence; fixed seeds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression

from auditor.detectors.first import ngrams, phrases, style_measures, stylometry
from auditor.detectors.first.kinds import Kinds
from auditor.detectors.first_tier import HIGHEST, LOWEST, Combination
from auditor.detectors.training import calibration, fold_models, kinds, labelled, reach
from auditor.detectors.training.calibration import Scored
from auditor.detectors.training.fold_models import SEED, VERSION, Material, Say, Weights
from auditor.detectors.training.scores import EnglishScores, OtherScores, english_scores, other_scores

PHRASES_SHARE = 0.5  # human units a unit of the phrases' score: it is 0 on nearly all human text
FIRST_LANGUAGE = "en"


def train(folder: Path, out: Path, say: Say = lambda words: None) -> list[Path]:
    """Rebuild the shipped weights below `out` from the labelled sources in `folder`; returns the files written.

    Weights are saved below out/folds as they are fitted, with the out-of-family scores, so that a second call goes on
    where the first one ended.
    """
    out.mkdir(parents=True, exist_ok=True)
    frame = labelled.frame(folder)
    english = fold_models.material(frame, english=True)
    weights = fold_models.fit(english, out / "folds", say, english=True)
    scores = english_scores(english, weights)
    models = {"en": kinds.learn(english.corpus, "en")}
    say("English scored by models that saw nothing of a family")
    others = fold_models.material(frame, english=False)
    del frame
    other_weights = fold_models.fit(others, out / "folds", say, english=False)
    other = other_scores(others, other_weights)
    say("other languages scored")
    models |= {name: kinds.learn(others.corpus, name) for name in sorted(set(others.corpus.frame["language"]))}
    content = Kinds(models)
    written = kinds.write(content, out)
    say("kinds of text learned")
    written += write_ngrams(out, english, others, weights, other_weights, scores, other)
    written.append(write_style(out, english, weights, scores))
    scored = _scored(english, others, scores, other, content)
    stored, units = ensemble(scored, scores, other)
    written.append(_write(out / "first_tier.json", stored))
    write_scores(out / "folds" / "scores.parquet", scored, units, np.concatenate([scores.heads, other.joint]))
    say("calibrated")
    return written


def _scored(
    english: Material, others: Material, scores: EnglishScores, other: OtherScores, content: Kinds
) -> Scored:
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
    score = np.concatenate([scores.score, other.score]) + PHRASES_SHARE * np.nan_to_num(hits)
    return Scored(frame, score, together)


def ensemble(scored: Scored, scores: EnglishScores, other: OtherScores) -> tuple[dict[str, Any], np.ndarray]:
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
        "kinds": kind_rows(scored, table, calibration.variances(medians, table.names), anchors, memberships),
        "cells": calibration.cells(frame, units),
        "shift": calibration.shift_spreads(medians, calibration.machine_medians(frame, units)),
    }
    stored["revision"] = hashlib.sha256(json.dumps(stored).encode()).hexdigest()[:12]
    return stored, units


def kind_rows(
    scored: Scored, table: calibration.KindTable, variances: dict[str, float], anchors: np.ndarray, shares: np.ndarray
) -> list[dict[str, Any]]:
    """The calibration by kind of text; location and scale in human units of the language."""
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
        {
            "kind": name,
            "language": name.split("/")[0],
            "location": round(float(table.location[k]), 4),
            "scale": round(float(np.exp(table.log_scale[k])), 4),
            "variance": round(variances[name], 4),
            "documents": round(float(documents[k])),
            "domains": domains.get(name, 0),
        }
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


def write_ngrams(
    out: Path,
    english: Material,
    others: Material,
    weights: dict[int, Weights],
    other_weights: dict[int, Weights],
    scores: EnglishScores,
    other: OtherScores,
) -> list[Path]:
    """The n-gram weights and their card; returns the files."""
    own, rest = weights[fold_models.ALL], other_weights[fold_models.ALL]
    tables = np.stack(
        [
            np.stack([own["recent"], scores.earlier_table(own)]),
            np.stack([rest["recent"], rest["earlier"]]),
        ]
    )
    small, scales = ngrams.quantised(tables)
    tensors = {"weights": small, "scales": scales}
    (out / "ngrams.safetensors").write_bytes(save(tensors))
    learned = pl.concat([given.corpus.frame.filter(fold_models.learned(given)) for given in (english, others)])
    sources = learned.group_by("source", "licence").agg(
        human=(pl.col("label") == "human").sum(), machine=(pl.col("label") == "ai").sum()
    )
    heads = [{"language": FIRST_LANGUAGE, "table": 0, **_head(scores.centre, scores.spread)}]
    heads += [
        {"language": name, "table": 1, **_head(centre, width)} for name, (centre, width) in sorted(other.heads.items())
    ]
    card = {
        "name": "ngrams",
        "version": VERSION,
        "revision": hashlib.sha256(b"".join(t.tobytes() for t in tensors.values())).hexdigest()[:12],
        "bits": ngrams.BITS,
        "orders": ngrams.ORDERS,
        "window": ngrams.WINDOW,
        "seed": SEED,
        "heads": heads,
        "sources": sources.sort("source", "licence").to_dicts(),
    }
    return [out / "ngrams.safetensors", _write(out / "ngrams.json", card)]


def write_style(out: Path, english: Material, weights: dict[int, Weights], scores: EnglishScores) -> Path:
    own = weights[fold_models.ALL]
    assert english.centre is not None and english.spread is not None
    columns = {
        "centre": english.centre.round(6).tolist(),
        "spread": english.spread.round(6).tolist(),
        "weights": [[float(f"{w:.5g}") for w in own[name]] for name in ("recent_style", "earlier_style")],
        "centres": scores.style_centre.round(6).tolist(),
        "spreads": scores.style_spread.round(6).tolist(),
    }
    return _write(out / stylometry.FILE, {"measures": style_measures.NAMES, **columns})


def write_scores(path: Path, scored: Scored, units: np.ndarray, heads: np.ndarray) -> None:
    """Every document's out-of-family score, human units and joint heads, for evaluation: no text."""
    columns = {"score": scored.score, "units": units, "recent": heads[:, 0], "earlier": heads[:, 1]}
    frame = scored.frame.with_columns(kind=scored.kinds.nearest(), **{k: pl.Series(v) for k, v in columns.items()})
    frame.write_parquet(path)


def _head(centre: np.ndarray, width: np.ndarray) -> dict[str, list[float]]:
    return {"centre": np.asarray(centre).round(6).tolist(), "spread": np.asarray(width).round(6).tolist()}


def _write(path: Path, stored: dict[str, Any]) -> Path:
    text = json.dumps(stored, indent=None if len(str(stored)) > 20_000 else 1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")
    return path
