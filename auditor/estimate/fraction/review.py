"""Human review: which documents to show people, what they answered, and what that does to the estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.estimate.fraction.counts import BINS
from auditor.estimate.fraction.twophase import Strata, difference_estimate, neyman_allocation
from auditor.records import LEVEL, Estimate
from auditor.statistics.agreement import cohen_kappa, krippendorff_alpha

ANSWERS = ("human", "ai", "mixed", "unsure")
# P(machine) from a score is itself uncertain: labels are allotted as if no bin were purer than this.
DOUBT = 0.02


def review_allocation(histogram: np.ndarray, posterior: np.ndarray, labels: int) -> np.ndarray:
    """How many documents of each score bin (BINS,) to label so that the interval narrows most: Neyman, S^2 = p (1-p).

    References: Cochran 1977, eq. 5.26; docs/prevalence.md
    """
    p = np.clip(np.nan_to_num(posterior, nan=0.5), DOUBT, 1 - DOUBT)
    return neyman_allocation(histogram, np.sqrt(p * (1 - p)), labels, least=0)


def review_sample(frame: pl.DataFrame, allocation: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    """Rows of the retained sample (column `bin`) to show, shuffled and blind: bin, score and probability are dropped.

    Bins with fewer retained rows than allotted hand the rest to the nearest bins that have some.
    """
    available = np.bincount(frame["bin"].to_numpy(), minlength=BINS)
    wanted = np.minimum(allocation, available)
    missing = int(allocation.sum() - wanted.sum())
    for b in np.argsort(-allocation, kind="stable"):
        extra = min(missing, int(available[b] - wanted[b])) if allocation[b] else 0
        wanted[b] += extra
        missing -= extra
    order = rng.permutation(frame.height)
    bins = frame["bin"].to_numpy()[order]
    rank = np.empty(frame.height, np.int64)
    for b in np.unique(bins):
        rank[bins == b] = np.arange((bins == b).sum())
    rows = order[rank < wanted[bins]]
    hidden = [name for name in frame.columns if name == "bin" or name.startswith(("score", "probability"))]
    return frame[rng.permutation(rows)].drop(hidden)


@dataclass(frozen=True, slots=True, eq=False)
class CheckedLabels:
    """Labels that can be used (id, label; one row each), what was wrong with the others, and the raters' agreement."""

    usable: pl.DataFrame
    problems: pl.DataFrame
    kappa: float
    alpha: float
    twice: int


def check_labels(labels: pl.DataFrame, known: pl.Series) -> CheckedLabels:
    """Check people's labels (id, label, optional rater) against the ids that were handed out.

    Unknown ids, unknown answers, a rater who contradicts himself and raters who contradict each other are problems and
    leave the document out; "unsure" is an answer without a label. Agreement is measured before anything is left out.
    """
    rows = labels.with_columns(
        pl.col("id").cast(pl.String), pl.col("label").cast(pl.String).str.strip_chars().str.to_lowercase()
    )
    if "rater" not in rows.columns:
        rows = rows.with_columns(rater=pl.lit(""))
    rows = rows.with_columns(pl.col("rater").cast(pl.String).fill_null(""))
    problem = (
        pl.when(pl.col("id").is_null() | ~pl.col("id").is_in(known.cast(pl.String).to_list()))
        .then(pl.lit("unknown id"))
        .when(pl.col("label").is_null() | ~pl.col("label").is_in(ANSWERS))
        .then(pl.lit("unknown answer"))
        .when(pl.col("label").n_unique().over("id", "rater") > 1)
        .then(pl.lit("a rater contradicts himself"))
    )
    rows = rows.with_columns(problem=problem)
    sound = rows.filter(pl.col("problem").is_null()).unique(["id", "rater", "label"], maintain_order=True)
    split = pl.col("label").n_unique().over("id") > 1
    contradicted = sound.filter(split).with_columns(problem=pl.lit("raters contradict each other"))
    usable = sound.filter(~split & (pl.col("label") != "unsure")).unique("id", maintain_order=True)
    problems = pl.concat([rows.filter(pl.col("problem").is_not_null()), contradicted])
    counts = sound.group_by("id").len().filter(pl.col("len") > 1)
    kappa = _two_rater_kappa(sound)
    alpha = krippendorff_alpha(sound["id"].to_numpy(), sound["label"].to_numpy())
    return CheckedLabels(usable.select("id", "label"), problems, kappa, alpha, counts.height)


def _two_rater_kappa(sound: pl.DataFrame) -> float:
    """Kappa of the two raters with most documents in common, nan without two."""
    raters = sound.group_by("rater").len().sort("len", "rater", descending=[True, False])["rater"].head(2).to_list()
    if len(raters) < 2:
        return float("nan")
    both = sound.filter(rater=raters[0]).join(sound.filter(rater=raters[1]), on="id")
    return cohen_kappa(both["label"].to_numpy(), both["label_right"].to_numpy())


def estimate_from_labels(
    histogram: np.ndarray, posterior: np.ndarray, bins: np.ndarray, answers: np.ndarray, *, level: float = LEVEL
) -> dict[str, Estimate]:
    """Two-phase estimates of the machine and the mixed share: P(machine | bin) on all, people's labels on a sample.

    histogram, posterior (BINS,); bins (n,) score bin of each labelled document, answers (n,) its label. Strata are the
    score bins, within which the labelled documents are a random sample. No model of the scores is assumed: a wrong
    posterior costs width, not truth.
    """
    cheap = np.nan_to_num(posterior, nan=0.5)
    answers = np.asarray(answers)
    out = {}
    for quantity, answer, value in (
        ("synthetic_fraction", "ai", cheap),
        ("mixed_fraction", "mixed", np.zeros(BINS)),
    ):
        strata = Strata.of(histogram, value, bins, answers == answer, value[bins])
        out[quantity] = difference_estimate(strata, level=level)
    return out
