"""How hiding the origin of a text changes its score: attacks on its form, and attacked texts of the labelled
sources."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from auditor.detectors.evaluation.first_tier import rates, read_scores
from auditor.detectors.first_tier import Ensemble
from auditor.detectors.training import first_tier
from auditor.detectors.training.data import labelled, mixtures
from auditor.text.batch import TextBatch
from auditor.text.normal_form import ALIKE, LATIN

SHARE = 0.1  # of the letters that an attack changes
LABELLED = 400  # attacked documents of a source and attack
FEWEST = 30
Attack = Callable[[str, np.random.Generator], str]


def _between(mark: str) -> Attack:
    def attacked(text: str, rng: np.random.Generator) -> str:
        inside = np.array([a.isalpha() and b.isalpha() for a, b in pairwise(text)] + [False])
        chosen = inside & (rng.random(len(inside)) < SHARE)
        return "".join(c + mark if hit else c for c, hit in zip(text, chosen, strict=True))

    return attacked


def _look_alike(text: str, rng: np.random.Generator) -> str:
    table = dict(zip(LATIN[:26], ALIKE[:26], strict=True))
    drawn = rng.random(len(text)) < SHARE
    return "".join(table.get(c, c) if hit else c for c, hit in zip(text, drawn, strict=True))


def _misspelt(text: str, rng: np.random.Generator) -> str:
    words = text.split(" ")
    for i in np.flatnonzero(rng.random(len(words)) < SHARE / 2):
        if len(words[i]) > 4:
            at = int(rng.integers(1, len(words[i]) - 2))
            words[i] = words[i][:at] + words[i][at + 1] + words[i][at] + words[i][at + 2 :]
    return " ".join(words)


ATTACKS: dict[str, Attack] = {
    "none": lambda text, rng: text,
    "zero-width spaces": _between("\u200b"),
    "soft hyphens": _between("\u00ad"),
    "look-alike letters": _look_alike,
    "lower case": lambda text, rng: text.lower(),
    "upper case": lambda text, rng: text.upper(),
    "line breaks": lambda text, rng: text.replace(". ", ".\n\n"),
    "letters swapped": _misspelt,
}


def on_form(folder: Path, models: Path) -> pl.DataFrame:
    """The held-out English mirrors under ATTACKS: attack, documents, tpr_5, tpr_1 at the thresholds of plain text."""
    frame = labelled.frame(folder).filter("held_out", language="en").filter(labelled.long_enough())
    human = read_scores(models).filter("anchor", language="en")["units"].to_numpy()
    five, one = np.quantile(human, [0.95, 0.99])
    rows = []
    for name, attack in ATTACKS.items():
        rng = np.random.default_rng(3)
        attacked = frame.with_columns(text=pl.Series([attack(text, rng) for text in frame["text"]]))
        units = units_of(attacked, models)
        rows.append((name, len(units), float((units > five).mean()), float((units > one).mean())))
    return pl.DataFrame(rows, schema=["attack", "documents", "tpr_5", "tpr_1"], orient="row")


def labelled_attacks(folder: Path, models: Path) -> pl.DataFrame:
    """English machine text of the sources by attack, edited text (`mixed`) too: source, attack, documents, auroc,
    tpr_5, tpr_1 against human text of all sources."""
    human = read_scores(models).filter("anchor", language="en")["units"].to_numpy()
    frame = labelled.frame(folder).filter(
        (pl.col("language") == "en") & (pl.col("label") != "human") & (pl.col("domain") != "code")
    )
    frame = frame.filter(((pl.col("attack") != "none") | (pl.col("label") == "mixed")) & labelled.long_enough())
    frame = frame.filter(pl.Series(mixtures.balanced(frame, LABELLED, ("source", "label", "attack"))))
    frame = frame.with_columns(units=pl.Series(units_of(frame, models)))
    rows = []
    for (source, label, attack), own in sorted(frame.group_by("source", "label", "attack")):
        machine = own["units"].drop_nans().to_numpy()
        if len(machine) >= FEWEST:
            labels = np.repeat([False, True], [len(human), len(machine)])
            auroc, _, five, one, _ = rates(np.r_[human, machine], labels, np.ones((1, len(labels))))[0]
            rows.append((source, f"{attack} ({label})", len(machine), auroc, five, one))
    return pl.DataFrame(rows, schema=["source", "attack", "documents", "auroc", "tpr_5", "tpr_1"], orient="row")


def units_of(frame: pl.DataFrame, models: Path) -> np.ndarray:
    """(n,) human units of a frame's texts by the models that saw nothing of a text's fold."""
    out, fold = np.full(len(frame), np.nan), frame["fold"].to_numpy()
    for left_out in np.unique(fold):
        own = np.flatnonzero(fold == left_out)
        ensemble: Ensemble = first_tier.of_fold(models, int(left_out))
        part = frame[own]
        batch = TextBatch.of(part["text"], part["language"])
        out[own] = ensemble.in_human_units(batch, ensemble.score(batch).logit)[0]
    return out
