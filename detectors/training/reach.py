"""How well the first tier was tested in each language, from the text held out and scored there."""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from auditor.detectors.training.data.mixtures import balanced

FEWEST = 20  # documents of a family and class
FOUND = 0.7  # AUROC, below which a family of machine text counts as not found


def families(frame: pl.DataFrame, units: np.ndarray) -> pl.DataFrame:
    """language, label, family, documents, auroc (of machine text against all human text of the language)."""
    mixed = frame.with_columns(
        unit=pl.Series(units),
        family=pl.when(pl.col("label") == "ai").then(pl.col("source")).otherwise("family"),
        anchor=pl.Series(balanced(frame, 100, ("cell", "language", "label"))),
    ).filter(pl.col("unit").is_finite() & ~pl.col("base"))
    rows = []
    for (language,), own in mixed.group_by("language", maintain_order=True):
        human = own.filter((pl.col("label") == "human") & pl.col("anchor"))["unit"].to_numpy()
        for (label, family), group in own.group_by("label", "family", maintain_order=True):
            if len(group) < FEWEST:
                continue
            auroc = None
            if label == "ai" and len(human) >= FEWEST:
                machine = group["unit"].to_numpy()
                auroc = float(roc_auc_score(np.repeat([0, 1], [len(human), len(machine)]), np.r_[human, machine]))
            rows.append((language, label, family, len(group), auroc))
    return pl.DataFrame(rows, schema=["language", "label", "family", "documents", "auroc"], orient="row")


def levels(frame: pl.DataFrame, units: np.ndarray, languages: tuple[str, ...]) -> dict[str, str]:
    """measured, calibrated or transferred, by language: see Ensemble.reach."""
    known = families(frame, units)
    out = {}
    for language in languages:
        own = known.filter(language=language)
        human = own.filter(label="human")["family"].n_unique()
        machine = own.filter((pl.col("label") == "ai") & (pl.col("auroc") >= FOUND))["family"].n_unique()
        if min(human, machine) >= 2:
            out[language] = "measured"
        else:
            out[language] = "calibrated" if human and machine else "transferred"
    return out
