"""How accurate the first tier is: ranking of texts whose whole family no model involved has seen.

All figures are of scores that `detectors train` left with the models: every document scored by a model without its
family. Machine text is judged against the human text of all licensed sources, with a cap on the documents of a domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from auditor.detectors.training.calibration import A_CELL
from auditor.detectors.training.data.families import MIRRORS
from auditor.detectors.training.data.mixtures import balanced
from auditor.errors import DetectorError

A_GENERATOR = 60  # documents of a generator and domain
FEWEST = 30
FALSE_POSITIVE_RATES = (0.05, 0.01, 0.001)
REPLICATES = 200
SEED = 1
SCORES = "scores.parquet"
MEMBERS = {"first tier": "units", "ngrams": "ngrams", "stylometry": "stylometry", "phrases": "phrases"}


@dataclass(frozen=True, slots=True)
class Row:
    """Accuracy within a scope; lower and upper are of a 95% bootstrap over domains and sources."""

    kind: str  # year, generator, member, base models, source, held out, language
    scope: str
    year: int | None
    human: int
    machine: int
    auroc: float
    auroc_lower: float
    auroc_upper: float
    tpr_5: float
    tpr_5_lower: float
    tpr_5_upper: float
    tpr_1: float
    tpr_1_lower: float
    tpr_1_upper: float


def read_scores(models: Path) -> pl.DataFrame:
    """The out-of-family scores in the folder that `detectors train` wrote.

    Raises: DetectorError where there are none
    """
    path = models / "folds" / SCORES
    if not path.is_file():
        raise DetectorError(f"{path}: no out-of-family scores there; run auditor detectors train --out {models}")
    found = pl.read_parquet(path).filter(pl.col("units").is_finite())
    human = pl.Series(balanced(found, A_CELL, ("cell", "language", "label")))
    machine = pl.Series(balanced(found, A_GENERATOR, ("cell", "language", "label", "generator")))
    licensed_human = (pl.col("label") == "human") & pl.col("licensed") & human
    return found.with_columns(anchor=licensed_human, judged=(pl.col("label") == "ai") & machine)


def evaluate(models: Path) -> pl.DataFrame:
    """One line a scope, see Row: English by year, generator and source, the held-out mirrors, and every language."""
    scores = read_scores(models)
    rows = [asdict(row) for row in _rows(scores)]
    return pl.DataFrame(rows, schema=list(Row.__dataclass_fields__), orient="row", infer_schema_length=None)


def _rows(scores: pl.DataFrame) -> Iterator[Row]:
    english = scores.filter(language="en")
    human = english.filter("anchor")
    tuned = english.filter(pl.col("judged") & ~pl.col("base"))
    for (year,), own in sorted(tuned.filter(pl.col("year").is_not_null()).group_by("year")):
        yield from _row("year", str(year), human, own)
    generator = ("generator", "year")
    for (name, year), own in sorted(tuned.group_by(*generator), key=lambda pair: str(pair[0])):
        yield from _row("generator", str(name), human, own, year)
    for name, scorer in MEMBERS.items():
        yield from _row("member", name, human, tuned, scorer=scorer)
    base = english.filter(pl.col("judged") & pl.col("base"))
    yield from _row("base models", "all", human, base)
    for (source,), own in sorted(english.group_by("source")):
        same = own.filter(label="human") if (own["label"] == "human").sum() >= FEWEST else human
        yield from _row("source", source, same, own.filter((pl.col("label") == "ai") & ~pl.col("base")))
    held = english.filter("held_out")
    yield from _row("held out", "all human text", human, held)
    yield from _row("held out", "their human twins", english.filter("reference"), held)
    for (language,), own in sorted(scores.group_by("language")):
        people = own.filter("anchor")
        judged = own.filter(pl.col("judged") & ~pl.col("base"))
        yield from _row("language", language, people, judged)
        yield from _row("language, mirrors", language, people, judged.filter(source=MIRRORS))
        yield from _row("language, others", language, people, judged.filter(pl.col("source") != MIRRORS))


def _row(
    kind: str,
    scope: str,
    human: pl.DataFrame,
    machine: pl.DataFrame,
    year: int | None = None,
    *,
    scorer: str = "units",
) -> Iterator[Row]:
    if len(human) < FEWEST or len(machine) < FEWEST:
        return
    scores = np.nan_to_num(np.r_[human[scorer].to_numpy(), machine[scorer].to_numpy()], nan=-99.0)
    label = np.repeat([False, True], [len(human), len(machine)])
    clusters = pl.concat([human["cell"] + "|h", machine["cell"] + "|" + machine["source"]]).to_numpy()
    names, place = np.unique(clusters, return_inverse=True)
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), REPLICATES)[:, place]
    weights = np.vstack([np.ones(len(scores)), drawn]).astype(float)
    usable = (weights[:, label].sum(1) > 0) & (weights[:, ~label].sum(1) > 0)
    found = rates(scores, label, weights[usable])
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    figures: dict[str, float] = {}
    for metric, column in (("auroc", 0), ("tpr_5", 2), ("tpr_1", 3)):
        ends = (("", found[0]), ("_lower", low), ("_upper", high))
        figures |= {metric + end: round(float(values[column]), 4) for end, values in ends}
    yield Row(kind, scope, year, len(human), len(machine), **figures)


def false_positives(models: Path, rate: float = 0.05) -> pl.DataFrame:
    """By domain of English human text: the share above one threshold over all of it, by score and by units of the kind.

    Returns: cell, documents, raw, units, kind (the most frequent one)
    """
    scores = read_scores(models).filter(language="en")
    human = scores.filter((pl.col("label") == "human") & pl.col("licensed"))
    anchors = scores.filter("anchor")
    over = {name: pl.col(name) > float(np.quantile(anchors[name].to_numpy(), 1 - rate)) for name in ("score", "units")}
    found = human.group_by("cell").agg(
        documents=pl.len(),
        raw=over["score"].mean(),
        units=over["units"].mean(),
        kind=pl.col("kind").mode().sort().first(),
    )
    return found.filter(pl.col("documents") >= FEWEST).sort("units", "cell", descending=[True, False])


def rates(scores: np.ndarray, machine: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROC, AUPRC and the true positive rates at FALSE_POSITIVE_RATES for each row of weights (r, n): (r, 5).

    AUROC as the share of pairs in order (ties a half): Hanley & McNeil 1982, eq. 1; AUPRC as average precision.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # tied scores are one threshold
    hits = np.cumsum(weights[:, order] * machine[order], 1)[:, ends]
    false = np.cumsum(weights[:, order] * ~machine[order], 1)[:, ends]
    hit, wrong = hits / hits[:, -1:], false / false[:, -1:]
    step = np.diff(wrong, axis=1, prepend=0)
    auroc = ((hit - np.diff(hit, axis=1, prepend=0) / 2) * step).sum(1)
    auprc = (hits / np.maximum(hits + false, 1e-12) * np.diff(hit, axis=1, prepend=0)).sum(1)
    found = [
        [h[np.searchsorted(w, rate, "right") - 1] if w[0] <= rate else 0.0 for rate in FALSE_POSITIVE_RATES]
        for h, w in zip(hit, wrong, strict=True)
    ]
    return np.column_stack([auroc, auprc, np.array(found)])
