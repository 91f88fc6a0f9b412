"""The measured accuracy of each shipped detector: models/accuracy.json, written by `detectors evaluate`.

English text of instruction-tuned models, every score by models that saw nothing of the text's family.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from auditor.records import Json

FILE = Path(__file__).parents[1] / "models" / "accuracy.json"
SCOPE = "instruction-tuned"
METRICS = ("auroc", "tpr_1")  # each with the ends of its 95% interval
TOGETHER = "first tier"
REACH = "reach"  # the entry that is no detector's: figures by language and release year
SEEN_UNTIL = "2026-11"  # month of the latest generator whose text was learned from or measured
FIGURES = ("human", "machine", "auroc", "tpr_5", "tpr_1")
Measured = dict[str, dict[str, list[float]]]


@cache
def _stored() -> Json:
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def shipped() -> Measured:
    """{detector or sum of detectors: {metric: [value, lower, upper]}}; empty where nothing was measured."""
    return {name: figures for name, figures in _stored().items() if name != REACH}


def reach() -> Json:
    """How far the first tier reaches: seen_until (month), languages and years with FIGURES; languages with `level`."""
    return _stored().get(REACH, {"seen_until": SEEN_UNTIL, "languages": {}, "years": {}})


def of_first_tier(table: pl.DataFrame, levels: Mapping[str, str]) -> Json:
    """From the table of `evaluation.evaluate`, and the level of each language (Ensemble.reach)."""
    found: Json = {
        row["scope"]: {metric: [round(row[metric + end], 3) for end in ("", "_lower", "_upper")] for metric in METRICS}
        for row in table.filter(kind="member").iter_rows(named=True)
    }
    by_language = {row["scope"]: row for row in table.filter(kind="language").iter_rows(named=True)}
    languages = {
        name: {"level": level} | ({key: by_language[name][key] for key in FIGURES} if name in by_language else {})
        for name, level in levels.items()
    }
    years = {
        row["scope"]: {key: row[key] for key in FIGURES} for row in table.filter(kind="year").iter_rows(named=True)
    }
    return found | {REACH: {"seen_until": SEEN_UNTIL, "languages": languages, "years": years}}


def of_deep(reach: Sequence[Mapping[str, Any]]) -> Measured:
    """From the rows of `second_tier_evaluation.evaluate`; the first tier has its own, larger measurement."""
    return {
        row["scorer"].replace("first", TOGETHER).replace("+", " + "): {metric: row[metric] for metric in METRICS}
        for row in reach
        if row["scope"] == SCOPE and row["scorer"] not in ("first", "curvature")
    }


def together(file: Path, found: Mapping[str, Any]) -> Json:
    """The content of the file, updated with what was found."""
    return (json.loads(file.read_text("utf-8")) if file.is_file() else {}) | dict(found)
