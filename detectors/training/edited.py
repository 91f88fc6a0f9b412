"""Scores of edited human text by models that saw nothing of its family: what the split into three classes rests on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.detectors.edited import ASSISTED, CLASSES, FILE, MACHINE, class_of
from auditor.detectors.first_tier import HIGHEST, LOWEST, Ensemble
from auditor.detectors.training.calibration import BINS
from auditor.detectors.training.data.extent import edited
from auditor.detectors.training.data.labelled import batched, long_enough
from auditor.detectors.training.data.mixtures import CHARACTERS
from auditor.known_scores import EditedCell

LANGUAGE = "en"
MOST = 60  # documents of a source, domain, generator, operation and class that are counted
FEWEST = 5
SCORES = "edited_scores.parquet"


def write(frame: pl.DataFrame, out: Path, of_fold: Callable[[int], Ensemble]) -> Path:
    """edited.json below `out`, and every row's score (no text) in out/folds, for evaluation.

    Parameters: frame, see labelled.frame; of_fold, the first tier that saw nothing of a fold
    """
    scored = scores(frame, of_fold)
    scored.write_parquet(out / "folds" / SCORES)
    stored = {
        "language": LANGUAGE,
        "assisted_from": ASSISTED,
        "machine_from": MACHINE,
        "bins": BINS,
        "lowest": LOWEST,
        "highest": HIGHEST,
        "extents": extents(scored).to_dicts(),
        "cells": [cell.as_dict() for cell in cells(scored)],
    }
    path = out / FILE
    path.write_text(json.dumps(stored, ensure_ascii=False) + "\n", "utf-8")
    return path


def scores(frame: pl.DataFrame, of_fold: Callable[[int], Ensemble]) -> pl.DataFrame:
    """All edited rows of the language without their text: extent, class, kind, units (out of family) and words."""
    rows = edited(frame.filter((pl.col("language") == LANGUAGE) & ~pl.col("base")))
    rows = rows.with_columns(
        pl.Series("class", [class_of(extent) for extent in rows["extent"]], dtype=pl.String),
        operation=pl.when(pl.col("attack") == "none").then(pl.lit("rewrite")).otherwise("attack"),
    ).filter(long_enough())
    rows = rows.with_columns(pl.col("text").str.head(CHARACTERS))
    parts = []
    for (fold,), own in rows.group_by("fold", maintain_order=True):
        corpus = batched(own)
        ensemble = of_fold(int(str(fold)))
        units, kinds = ensemble.in_human_units(corpus.batch, ensemble.score(corpus.batch).logit)
        parts.append(corpus.frame.with_columns(units=pl.Series(units), kind=kinds))
    if not parts:  # no source pairs edited text with its draft
        columns = {"units": pl.Float64, "kind": pl.String, "words": pl.Int64}
        return rows.drop("text").with_columns(pl.lit(None, kind).alias(name) for name, kind in columns.items())
    return pl.concat(parts).filter(pl.col("units").is_finite())


def extents(scored: pl.DataFrame) -> pl.DataFrame:
    """By source and operation: documents, the share of each class, quartiles of the extent; of all rows."""
    shares = [(pl.col("class") == name).mean().round(3).alias(name) for name in CLASSES]
    quartiles = [pl.col("extent").quantile(q).round(3).alias(name) for name, q in QUARTILES.items()]
    grouped = scored.group_by("source", "operation").agg(pl.len().alias("documents"), *shares, *quartiles)
    return grouped.sort("source", "operation")


QUARTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}


def cells(scored: pl.DataFrame) -> list[EditedCell]:
    """Counts of licensed rows by source, domain, generator, operation and class; documents of a cell beyond MOST are
    left out, and so are cells with fewer than FEWEST."""
    keys = ["source", "family", "domain", "language", "generator", "operation", "class"]
    lot = pl.Series("lot", np.random.default_rng(0).random(len(scored)))
    rows = scored.with_columns(lot, pl.col("generator").fill_null("unknown")).filter("licensed")
    rows = rows.filter(pl.col("lot").rank("ordinal").over(keys) <= MOST)
    places = (rows["units"].to_numpy() - LOWEST) / (HIGHEST - LOWEST) * BINS
    rows = rows.with_columns(bin=pl.Series(np.clip(places, 0, BINS - 1).astype(np.int64)))
    out = []
    for key, group in sorted(rows.group_by(keys), key=lambda pair: str(pair[0])):
        if len(group) < FEWEST:
            continue
        filled = np.bincount(group["bin"].to_numpy(), minlength=BINS)
        inside = np.flatnonzero(filled)
        first, last = int(inside[0]), int(inside[-1]) + 1
        row: dict[str, Any] = dict(zip(keys, key, strict=True)) | {"documents": len(group), "first": first}
        out.append(EditedCell.from_dict(row | {"counts": filled[first:last].tolist()}))
    return out
