"""Figures of many scopes from one fit: shards, languages, topics, hosts, years, length bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.fraction.checks.crosschecks import generator_free_bound
from auditor.estimate.fraction.checks.goodness import TOO_FAR, excess_misfit
from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.mixing import draw_fractions, machine_probability, realised_fractions
from auditor.estimate.fraction.mixture import LEAST_SEPARATION, Fit
from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import normal_quantile, shortest_interval
from auditor.statistics.multiplicity import false_coverage_level

AT_ONCE = 1 << 20  # probabilities of draws, scopes and bins that are in memory at a time
METHOD, POOLED, BOUND = "joint_mixture", "partial_pooling", "generator_free"


@dataclass(frozen=True, slots=True)
class PrevalenceOptions:
    """level of all intervals; draws of the replicates; bins of the fit; intervals wider than `widest` are no figure."""

    level: float = LEVEL
    draws: int = 400
    bins: int = 24
    widest: float = 0.20


@dataclass(frozen=True, slots=True, eq=False)
class ScopePrevalence:
    """Figures of several scopes from one fit, in the order of `scopes`.

    documents, tokens: each scope by itself; pooled: drawn towards the other shards where they are alike (labelled
    method "partial_pooling"); lower_bounds: need no machine anchors; misfit (scopes,): total-variation distance from
    the fitted mixture beyond sampling and the anchors' own; posterior (scopes, BINS): P(machine | score bin);
    replicates, token_replicates (draws, scopes): draw d shares its densities with draw d of every other scope
    """

    scopes: tuple[str, ...]
    documents: tuple[Estimate, ...]
    tokens: tuple[Estimate, ...]
    pooled: tuple[Estimate, ...]
    lower_bounds: tuple[Estimate, ...]
    misfit: np.ndarray
    posterior: np.ndarray
    replicates: np.ndarray
    token_replicates: np.ndarray


def estimate_scopes(
    fit: Fit, counts: ScoreCounts, rng: np.random.Generator, *, options: PrevalenceOptions = PrevalenceOptions()
) -> ScopePrevalence:
    """Estimate every scope given the draws of the densities; the corpus' shards are only one choice of scopes.

    Where the scores do not separate, anchors are too few or the sampler failed, the interval is [lower bound, 1].
    """
    documents, tokens = fit.runs(counts.histogram), fit.runs(counts.token_histogram)
    shape = len(fit.human), len(counts.scopes)
    thinned = documents / fit.design_effect
    flat, modes = draw_fractions(thinned, fit.human, fit.machine, fit.centre, 0.0, rng.random(shape))
    alike, _ = draw_fractions(thinned, fit.human, fit.machine, fit.centre, fit.spread, rng.random(shape))
    replicates, token_replicates, pooled = np.empty(shape), np.empty(shape), np.empty(shape)
    weights = np.stack([documents, tokens, documents])
    step = max(1, AT_ONCE // max(weights.size, 1))
    for d in (slice(first, first + step) for first in range(0, shape[0], step)):
        own, shrunk = (machine_probability(drawn[d], fit.human[d], fit.machine[d]) for drawn in (flat, alike))
        realised = realised_fractions(documents, weights, np.stack([own, own, shrunk], axis=1), rng)
        replicates[d], token_replicates[d], pooled[d] = np.swapaxes(realised, 0, 1)
    h, f = fit.human.mean(0), fit.machine.mean(0)
    point = np.median(modes, axis=0)
    posterior = machine_probability(point, h, f)
    fitted = (1 - point[:, None]) * h + point[:, None] * f
    misfit = excess_misfit(documents, fitted, effect=fit.design_effect, tolerance=fit.tolerance)
    by_token = (posterior * tokens).sum(1) / np.maximum(tokens.sum(1), 1)
    bounds = tuple(generator_free_bound(row / fit.design_effect, fit.anchors, level=options.level) for row in documents)
    rest = misfit, bounds, counts, fit, options
    by_documents = _figures(replicates, point, METHOD, *rest)
    by_tokens = _figures(token_replicates, by_token, METHOD, *rest)
    shrunken = _figures(pooled, np.median(pooled, axis=0), POOLED, *rest)
    grid = fit.on_grid(posterior)
    assert grid.shape == (shape[1], BINS)
    return ScopePrevalence(
        counts.scopes, by_documents, by_tokens, shrunken, bounds, misfit, grid, replicates, token_replicates
    )


def _figures(
    draws: np.ndarray,
    point: np.ndarray,
    method: str,
    misfit: np.ndarray,
    bounds: tuple[Estimate, ...],
    counts: ScoreCounts,
    fit: Fit,
    options: PrevalenceOptions,
) -> tuple[Estimate, ...]:
    """One estimate for each column of draws, widened by its misfit, with the status that it deserves."""
    out = []
    failure = fit.failure
    for i, n in enumerate(counts.sizes):
        if n == 0:
            out.append(Estimate.not_measured("no eligible document has a score", method=method, level=options.level))
            continue
        lower, upper = shortest_interval(draws[:, i], level=options.level)
        wider = misfit[i] / max(fit.separation, LEAST_SEPARATION)
        below, above = fit.slack
        lower, upper = max(0.0, float(lower - wider - below)), min(1.0, float(upper + wider + above))
        reason = failure
        if failure:
            lower, upper = min(lower, bounds[i].lower or 0.0), 1.0
        elif misfit[i] > TOO_FAR:
            reason = "the scores fit no mixture of human and machine scores: unseen domain, templates or translation"
        elif upper - lower > options.widest:
            reason = f"the interval is wider than {100 * options.widest:.0f} points"
        value = float(np.clip(point[i], lower, upper))
        estimate = Estimate(value, lower, upper, options.level, method, int(n))
        out.append(estimate.but(Status.INCONCLUSIVE, reason) if reason else estimate)
    return tuple(out)


def not_measured(counts: ScoreCounts, reason: str) -> ScopePrevalence:
    """All figures absent, for one reason."""
    n = len(counts.scopes)
    absent = tuple(Estimate.not_measured(reason, method=METHOD, n=int(size)) for size in counts.sizes)
    empty = np.empty((0, n))
    return ScopePrevalence(
        counts.scopes, absent, absent, absent, absent, np.zeros(n), np.full((n, BINS), np.nan), empty, empty
    )


def selected(estimates: Sequence[Estimate], threshold: float) -> dict[int, Estimate]:
    """Scopes picked because their lower bound exceeds a threshold, by position, with intervals that allow for it.

    The largest number R of m measured scopes whose intervals at level 1 - R (1 - level) / m lie above the threshold:
    among intervals picked this way the expected share that miss is at most 1 - level. The stricter interval is the
    given one stretched by the ratio of normal quantiles: replicates are too few for the far tail.

    References: Benjamini & Yekutieli 2005, definition 1 and section 4 (selection by Benjamini-Hochberg)
    """
    known = [(i, e) for i, e in enumerate(estimates) if e.is_number]
    for count in range(sum((e.lower or 0.0) > threshold for _, e in known), 0, -1):
        stretched = {i: _stretched(e, false_coverage_level(count, len(known), level=e.level)) for i, e in known}
        above = {i: e for i, e in stretched.items() if (e.lower or 0.0) > threshold}
        if len(above) >= count:
            return above
    return {}


def _stretched(e: Estimate, level: float) -> Estimate:
    value, lower, upper = float(e.value or 0.0), float(e.lower or 0.0), float(e.upper or 0.0)
    ratio = normal_quantile(level) / normal_quantile(e.level)
    lower, upper = max(0.0, value - ratio * (value - lower)), min(1.0, value + ratio * (upper - value))
    return replace(e, lower=lower, upper=upper, level=level)


def ranked(found: ScopePrevalence) -> list[int]:
    """Positions of the measured scopes by lower bound, worst first: a wide interval is no reason to accuse."""
    known = [(-(e.lower or 0.0), -(e.value or 0.0), i) for i, e in enumerate(found.documents) if e.is_number]
    return [i for _, _, i in sorted(known)]


def difference(first: np.ndarray, second: np.ndarray, *, level: float = LEVEL) -> Estimate:
    """Second minus first from joint replicates (draws,), in which the error of shared densities cancels."""
    if len(first) == 0 or len(first) != len(second):
        return Estimate.not_measured("no joint replicates", method="joint_replicates", level=level)
    change = second - first
    lower, upper = np.quantile(change, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(np.median(change)), float(lower), float(upper), level, "joint_replicates", len(change))
