"""How far each detector was measured to reach, as it ships: models/accuracy.json, written by `detectors evaluate`.

English text of 100 words by instruction-tuned models, every score by models that saw nothing of the text's family.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

FILE = Path(__file__).parents[1] / "models" / "accuracy.json"
SCOPE, WORDS = "instruction-tuned", 100
METRICS = ("auroc", "tpr_1")  # each with the ends of its 95% interval
TOGETHER = "first tier"
Measured = dict[str, dict[str, list[float]]]


@cache
def shipped() -> Measured:
    """{detector or sum of detectors: {metric: [value, lower, upper]}}; empty where nothing was measured."""
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def of_first_tier(table: pl.DataFrame) -> Measured:
    """From the table of `evaluation.evaluate`; the plain baseline is left out."""
    rows = table.filter(pl.col("scorer") != "tfidf", kind="pooled", scope=SCOPE, length=WORDS).iter_rows(named=True)
    return {
        {"ensemble": TOGETHER}.get(row["scorer"], row["scorer"]): {
            metric: [round(row[metric + end], 3) for end in ("", "_lower", "_upper")] for metric in METRICS
        }
        for row in rows
    }


def of_deep(reach: Sequence[Mapping[str, Any]]) -> Measured:
    """From the rows of `second_tier_evaluation.evaluate`; the first tier has its own, larger measurement."""
    return {
        row["scorer"].replace("first", TOGETHER).replace("+", " + "): {metric: row[metric] for metric in METRICS}
        for row in reach
        if row["scope"] == SCOPE and row["scorer"] not in ("first", "curvature")
    }


def together(file: Path, found: Measured) -> Measured:
    """What the file has, with what was found in place of what it had of the same."""
    return (json.loads(file.read_text("utf-8")) if file.is_file() else {}) | found
