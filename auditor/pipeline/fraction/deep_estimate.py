"""Results of the deep sample: a second estimate of the fraction, what it gained, and the documents' probabilities."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import expit, logit

from auditor.config import Config
from auditor.detectors import second_tier
from auditor.detectors.interface import Card
from auditor.detectors.registry import deep_names
from auditor.detectors.second_tier import SecondTier
from auditor.estimate.fraction.twophase import METHOD, Strata, corrected_for_error, difference_estimate, width_after
from auditor.pipeline.documents.view import register
from auditor.pipeline.fraction import deep_sample
from auditor.pipeline.fraction.anchors import DATED
from auditor.pipeline.fraction.deep_sample import CELL, Clock, DeepScores, Say
from auditor.pipeline.run.plan import AI, CORPUS, HUMAN, Plan
from auditor.records import Estimate, Finding, Json, Severity, Status
from auditor.statistics.intervals import normal_quantile
from auditor.store.database import identifier, query, quoted

KIND = "deep_sample"
NAME = "two_phase"
WORDS = (
    "deep detectors on a sample of documents, the first tier's score on all of them, corrected by the deep detectors' "
    "own errors on text of known origin"
)
FEWEST_ANCHORS = 30
SURE = (0.001, 0.999)  # a shard's fraction is never taken as certain


@dataclass(frozen=True, slots=True, eq=False)
class Deep:
    """The deep tier of an audit; empty if it was not asked for."""

    scores: DeepScores | None = None
    estimate: Estimate | None = None
    findings: tuple[Finding, ...] = ()
    cards: tuple[Card, ...] = ()
    checks: tuple[CrossCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """The fraction by another estimator, and which one; a row of `sensitivity.cross_checks` in report.json."""

    name: str
    estimate: Estimate
    words: str


@dataclass(frozen=True, slots=True)
class Error:
    """(right, tested) of the deep detectors on machine and on human text, and what is uncertain about it."""

    sensitive: tuple[float, float]
    specific: tuple[float, float]
    doubt: str


def measure_deep(
    connection: Any, run: Path, plan: Plan, config: Config, main: Estimate, say: Say, *, clock: Clock = time.monotonic
) -> Deep:
    """Read the deep sample, if one was asked for, and estimate from it.

    Parameters: connection, with the view `docs`; main, the corpus' estimate from the first tier
    Raises: DetectorError where a deep detector that was named cannot be used
    """
    if not config.deep_sample and not config.deep_budget:
        return Deep()
    tier = second_tier.load(deep_names(config.detectors))
    if tier is None:
        return Deep(findings=(_without(second_tier.obstacles()),))
    if config.retain == "none":
        return Deep(findings=(_note("nothing was read: no texts are kept with --retain none", "drop --retain none"),))
    scores = deep_sample.deep_scores(connection, run, plan, config, tier, say=say, clock=clock)
    sampled = scores.frame.filter(pl.col("logit").is_not_null())
    if not sampled.filter(role=CORPUS).height:
        reason = "no document of the sample could be scored"
        missing = Estimate.not_measured(reason, method=METHOD, level=config.level)
        return Deep(scores, missing, (_note(reason, "see what languages the detectors read"),), tuple(tier.cards()))
    threshold = _threshold(tier, sampled)
    strata = _strata(sampled, deep_sample.stratum_sizes(connection), CORPUS, threshold)
    error = _error(connection, tier, sampled, threshold, config.level)
    estimate = _corrected(difference_estimate(strata, level=config.level), error, config.level)
    notes = [_bought(strata, estimate, main, error, scores)]
    if tier.without:
        notes.append(_without(tier.without))
    return Deep(scores, estimate, tuple(notes), tuple(tier.cards()), (CrossCheck(NAME, estimate, WORDS),))


def store_deep(connection: Any, audit_id: str, deep: Deep, fractions: Mapping[str, Estimate]) -> None:
    """The sampled documents' deep scores and probability into the table `documents`, with `probability_tier` 1.

    The probability is the deep logit (of a corpus half machine-written) at the shard's estimated fraction.
    Parameters: fractions, of each shard
    """
    if deep.scores is None:
        return
    found = deep.scores.frame.filter((pl.col("role") == CORPUS) & pl.col("logit").is_not_null())
    share = {name: fraction.value for name, fraction in fractions.items() if fraction.is_number}
    prior = np.array([share.get(name, np.nan) for name in found["shard"]], float)
    odds = logit(np.clip(prior, *SURE))
    probability = expit(found["logit"].to_numpy().astype(float) + odds)
    members = sorted(name for name in found.columns if name.startswith("score_"))
    rows = found.select("shard", "row", *members).with_columns(
        probability=pl.Series(probability, dtype=pl.Float32).fill_nan(None)
    )
    register(connection, "deep_rows", rows)
    known = set(query(connection, "DESCRIBE documents")["column_name"])
    for name in members:
        if name not in known:
            connection.execute(f"ALTER TABLE documents ADD COLUMN {identifier(name)} FLOAT")
    sets = "".join(f", {identifier(name)} = r.{identifier(name)}" for name in members)
    connection.execute(
        f"""UPDATE documents SET probability = coalesce(r.probability, documents.probability),
            probability_tier = CASE WHEN r.probability IS NULL THEN probability_tier ELSE 1 END{sets}
            FROM deep_rows r
            WHERE documents.audit_id = {quoted(audit_id)} AND documents.shard = r.shard AND documents.row = r.row"""
    )


def _threshold(tier: SecondTier, sampled: pl.DataFrame) -> float:
    """The score from which a document counts as flagged: as measured for the shipped stack; for a user's model, that of
    5% of one half of the human reference (the other half tells how many it flags); otherwise 0."""
    if tier.cells:
        return second_tier.threshold_of(tier.cells)
    human = sampled.filter(pl.col("role") == HUMAN, pl.col("stable_id") % 2 == 0)["logit"].to_numpy()
    return float(np.quantile(human, 1 - second_tier.FALSE_POSITIVES)) if len(human) >= FEWEST_ANCHORS // 2 else 0.0


def _strata(sampled: pl.DataFrame, sizes: pl.DataFrame, role: str, threshold: float) -> Strata:
    """The strata of one role with the sampled flags in them."""
    own = sizes.filter(role=role).with_row_index("place")
    rows = sampled.filter(role=role).join(own.select(*CELL, "place"), on=CELL, how="inner")
    flags = (rows["logit"].to_numpy() > threshold).astype(float)
    place = rows["place"].to_numpy().astype(np.int64)
    return Strata.of(own["size"].to_numpy(), own["cheap_mean"].to_numpy(), place, flags, deep_sample.cheap(rows))


def _error(connection: Any, tier: SecondTier, sampled: pl.DataFrame, threshold: float, level: float) -> Error:
    """The deep detectors' rates from the audit's own anchors, else from the sources that they were measured on."""
    sizes = deep_sample.stratum_sizes(connection)
    doubts = []
    reference = sampled.filter((pl.col("role") != HUMAN) | (pl.col("stable_id") % 2 == 1 if not tier.cells else True))
    human = _flagged(_strata(reference, sizes, HUMAN, threshold), level)
    if human[1] < FEWEST_ANCHORS:
        dated = query(connection, f"SELECT shard, row FROM docs WHERE role = '{CORPUS}' AND eligible AND {DATED}")
        old = sampled.filter(role=CORPUS).join(dated, on=["shard", "row"], how="semi")
        human = _flagged(_strata(old, deep_sample.stratum_sizes(connection, DATED), CORPUS, threshold), level)
    if human[1] < FEWEST_ANCHORS:
        human = second_tier.rates(tier.cells, "human", threshold)
        doubts.append("false alarms on human text are known from other sources only (give --human-reference)")
    machine = _flagged(_strata(sampled, sizes, AI, threshold), level)
    if machine[1] < FEWEST_ANCHORS:
        machine = second_tier.rates(tier.cells, "ai", threshold)
        doubts.append("hits are known from other generators only (give --known-ai)")
    return Error(machine, (human[1] - human[0], human[1]), "; ".join(doubts))


def _flagged(strata: Strata, level: float) -> tuple[float, float]:
    """(flagged, tested) of known text: its weighted share of flags and the effective number of documents behind it."""
    sampled = float(strata.n.sum())
    if sampled < FEWEST_ANCHORS:
        return 0.0, 0.0
    share = difference_estimate(strata, level=level)
    p = float(share.value or 0.0)
    half = max((float(share.upper or 0) - float(share.lower or 0)) / 2, 1e-9)
    effective = p * (1 - p) * (normal_quantile(level) / half) ** 2 if 0 < p < 1 else sampled
    effective = float(np.clip(effective, FEWEST_ANCHORS, sampled))
    return p * effective, effective


def _corrected(share: Estimate, error: Error, level: float) -> Estimate:
    """The flagged share corrected for the deep detectors' own error; measured only with anchors of this corpus."""
    if not share.is_number:
        return share
    if min(error.sensitive[1], error.specific[1]) < 1:
        reason = "the deep detectors' own error is not known: " + error.doubt
        return Estimate.not_measured(reason, method=METHOD, n=share.n, level=level)
    found = corrected_for_error(share, error.sensitive, error.specific, level=level)
    reasons = [reason for reason in (share.reason, error.doubt) if reason]
    return found.but(Status.INCONCLUSIVE, "; ".join(reasons)) if reasons else found


def _bought(strata: Strata, estimate: Estimate, main: Estimate, error: Error, scores: DeepScores) -> Finding:
    """What the sample gained in interval width, and what as many documents again would gain."""
    n = int(strata.n.sum())
    said = f"{n:,} documents were read by the deep detectors"
    said += f" (limited by {scores.limited})" if scores.limited else ""
    evidence: Json = {"documents": n, "retained": scores.retained}
    if not (estimate.is_number and main.is_number):
        reason = estimate.reason or main.reason
        return Finding(
            KIND, Severity.NOTE, "corpus", "corpus", said, f"no fraction of them: {reason}", evidence, estimate
        )
    hit, right = (right / max(tested, 1e-9) for right, tested in (error.sensitive, error.specific))
    youden = max(hit + right - 1, 1e-3)
    now, after = (min(width / youden, 1.0) for width in width_after(strata, n))
    widths = [float(e.upper or 0) - float(e.lower or 0) for e in (estimate, main)]
    evidence |= {
        "width": widths[0],
        "first_tier_width": widths[1],
        "sampling_width": max(now, after),
        "sampling_width_of_twice_as_many": after,
        "hits": hit,
        "false_alarms": 1 - right,
    }
    verdict = "narrower" if widths[0] < widths[1] else "not narrower"
    said += (
        f": {estimate.value:.1%} ({estimate.lower:.1%} to {estimate.upper:.1%}), {verdict} than the first tier's "
        f"interval ({widths[0]:.1%} against {widths[1]:.1%} wide); as many again would narrow what is sampling in it "
        f"from {max(now, after):.1%} to {after:.1%}"
    )
    advice = error.doubt or "the rest of the width is the detectors' own error: more documents of known origin help"
    return Finding(KIND, Severity.NOTE, "corpus", "corpus", said, advice, evidence, estimate)


def _without(obstacles: Sequence[str]) -> Finding:
    return _note("the audit ran without deep detectors: " + "; ".join(obstacles), "install what is named there")


def _note(message: str, advice: str) -> Finding:
    return Finding(KIND, Severity.NOTE, "corpus", "corpus", message, advice)
