"""Fits the combination of detectors and its calibration on scores of documents whose family no member has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from auditor.detectors.first_tier import HIGHEST, LOWEST, Stack

BINS = 96  # the grid of the estimates' score counts
BANDS = (100, 200, 400)  # words; a band's name is its lower end
PENALTY = 1.0
SHARES = {"ngrams": 1.0, "stylometry": 0.8, "phrases": 1.5}  # flat between .4 and .8 for style over all families


def fit_stack(
    members: Sequence[str],
    scores: Mapping[str, np.ndarray],
    machine: np.ndarray,
    weights: np.ndarray,
    shares: Mapping[str, float] = SHARES,
) -> Stack:
    """Shares as given, scale and intercept by logistic regression on out-of-family scores (n,) (Platt 1999).

    Rows that lack a member's score are left out. Free weights were tried: they rate style as high as words, because
    within known sources it is, and lose a third of the true positives at a rate of 1% over unseen families; so do
    slopes in the logarithm of length, which learn which sources are long.
    """
    share = np.array([shares[name] for name in members])
    joint = np.stack([scores[name] for name in members], 1).astype(float) @ share
    known = np.isfinite(joint)
    spread = joint[known].std() + 1e-9
    model = LogisticRegression(C=PENALTY, max_iter=500, tol=1e-6)
    model.fit(joint[known, None] / spread, machine[known], sample_weight=weights[known])
    scale = share * float(model.coef_[0, 0]) / spread
    return Stack(tuple(members), round(float(model.intercept_[0]), 6), tuple(scale.round(6).tolist()))


def calibration(frame: pl.DataFrame, logit: np.ndarray) -> dict:
    """Counts of out-of-family logits on the grid, per family, source, domain, class, generator and length band.

    frame: n rows with family, source, domain, label, generator, words
    """
    step = (HIGHEST - LOWEST) / BINS
    places = np.clip((logit - LOWEST) / step, 0, BINS - 1)
    counted = frame.with_columns(
        bin=pl.Series(np.where(np.isfinite(places), places, -1).astype(np.int64)),
        band=sum((pl.col("words") >= edge).cast(pl.Int64) for edge in BANDS),
        generator=pl.when(pl.col("label") == "human").then(pl.lit("")).otherwise(pl.col("generator")),
    ).filter((pl.col("bin") >= 0) & (pl.col("band") > 0))
    keys = ["family", "source", "domain", "language", "label", "generator", "base", "band"]
    rows = []
    for key, group in sorted(counted.group_by(keys), key=lambda pair: str(pair[0])):
        filled = np.bincount(group["bin"].to_numpy(), minlength=BINS)
        inside = np.flatnonzero(filled)
        first, last = int(inside[0]), int(inside[-1]) + 1
        row = dict(zip(keys, key, strict=True)) | {"band": BANDS[key[-1] - 1]}
        rows.append(row | {"documents": int(filled.sum()), "first": first, "counts": filled[first:last].tolist()})
    return {"lowest": LOWEST, "highest": HIGHEST, "bins": BINS, "bands": list(BANDS), "cells": rows}
