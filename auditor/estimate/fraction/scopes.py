"""Figures of many scopes from one posterior: the corpus, shards, languages, kinds of text, topics, hosts, years."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from auditor.estimate.fraction.atoms import Atoms, Cut
from auditor.estimate.fraction.checks.crosschecks import generator_free_bound
from auditor.estimate.fraction.checks.goodness import TOO_FAR, excess_misfit
from auditor.estimate.fraction.counts import BINS, filled
from auditor.estimate.fraction.shifted_mixture import Posterior, draw_atoms
from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import shortest_interval

METHOD, BOUND = "joint_mixture", "generator_free"
LEAST_SEPARATION = 0.15
UNCOVERED = 0.5  # share of a scope's documents without anchors of their kind that makes the missing anchors the reason
# Patchwork corpora say that the posterior of a scope is narrower than its error by this factor (docs/prevalence.md).
NARROW = 1.15
FEWEST = 20  # documents below which a scope's interval is the prior's
NO_REFERENCE = "no reference covers this kind of text"
NO_FIT = "the scores fit no mixture of human and machine scores: unseen domain, templates or translation"


@dataclass(frozen=True, slots=True)
class PrevalenceOptions:
    """level of all intervals; draws of the replicates after warm_up; wider intervals than `widest` are inconclusive."""

    level: float = LEVEL
    draws: int = 200
    warm_up: int = 80
    widest: float = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class ScopePrevalence:
    """Figures of several scopes from one posterior, in the order of `scopes`.

    documents, tokens: each scope's fractions; lower_bounds: need no machine anchors; misfit (scopes,): total-variation
    distance from the fitted mixture beyond sampling and the anchors' own; posterior (scopes, BINS): P(machine | score
    bin); fitted_human, fitted_machine (scopes, BINS): documents that the fitted densities expect; histogram,
    token_histogram (scopes, BINS): the documents themselves, and their words; uncovered (scopes,): share of documents
    whose kind of text no anchor covers; replicates, token_replicates (draws, scopes): draw d shares its densities with
    draw d of every other scope
    """

    scopes: tuple[str, ...]
    documents: tuple[Estimate, ...]
    tokens: tuple[Estimate, ...]
    lower_bounds: tuple[Estimate, ...]
    misfit: np.ndarray
    posterior: np.ndarray
    fitted_human: np.ndarray
    fitted_machine: np.ndarray
    histogram: np.ndarray
    token_histogram: np.ndarray
    uncovered: np.ndarray
    replicates: np.ndarray
    token_replicates: np.ndarray

    def at_replicate(self, draw: int) -> np.ndarray:
        """P(machine | score bin) (scopes, BINS) in one replicate: the posterior's odds moved to its fractions."""
        centre = np.clip(np.median(self.replicates, axis=0), 1e-4, 1 - 1e-4)
        there = np.clip(self.replicates[draw], 1e-6, 1 - 1e-6)
        ratio = (there / (1 - there)) / (centre / (1 - centre))
        p = np.clip(np.nan_to_num(self.posterior), 1e-9, 1 - 1e-9)
        odds = p / (1 - p) * ratio[:, None]
        return odds / (1 + odds)

    @property
    def pooled(self) -> tuple[Estimate, ...]:
        """The fractions again: shards of one kind already share what is known of its scores in the joint posterior."""
        return self.documents


@dataclass(slots=True, eq=False)
class _Sums:
    """What is added up over atoms and draws, by scope."""

    machine: np.ndarray  # documents found to be machine text (draws, scopes)
    machine_tokens: np.ndarray
    by_bin: np.ndarray  # (scopes, BINS)
    human_fit: np.ndarray
    machine_fit: np.ndarray
    histogram: np.ndarray
    token_histogram: np.ndarray
    documents: np.ndarray  # (scopes,)
    tokens: np.ndarray
    unscored: np.ndarray
    uncovered: np.ndarray
    effect: np.ndarray  # documents x design effect
    slack: np.ndarray
    separation: np.ndarray
    anchors: np.ndarray  # (BINS,)

    def whole(self) -> _Sums:
        """All scopes as one."""
        return self._each(lambda table, axis: table.sum(axis, keepdims=True))

    def part(self, scopes: slice) -> _Sums:
        """Some of the scopes."""
        return self._each(lambda table, axis: table[:, scopes] if axis else table[scopes])

    def _each(self, change: Callable[[np.ndarray, int], np.ndarray]) -> _Sums:
        """Every table changed along its axis of scopes."""
        by_draw = ("machine", "machine_tokens")
        names = [name for name in self.__slots__ if name != "anchors"]
        parts = [change(getattr(self, name), int(name in by_draw)) for name in names]
        return _Sums(*[*parts, self.anchors])

    @classmethod
    def empty(cls, draws: int, scopes: int) -> _Sums:
        by_draw = [np.zeros((draws, scopes)) for _ in range(2)]
        by_bin = [np.zeros((scopes, BINS)) for _ in range(5)]
        by_scope = [np.zeros(scopes) for _ in range(7)]
        return cls(*by_draw, *by_bin, *by_scope, np.zeros(BINS))  # type: ignore[call-arg]


def estimate_scopes(
    posteriors: Mapping[str, Posterior],
    cuts: Sequence[Cut],
    rng: np.random.Generator,
    *,
    whole: str = "corpus",
    options: PrevalenceOptions = PrevalenceOptions(),
    tolerance: float = 0.02,
) -> tuple[ScopePrevalence, list[ScopePrevalence]]:
    """Estimate all scopes of all cuts from the atoms that they consist of, given the draws of the densities.

    All cuts are drawn together, for they share the tables that the draws are made from.

    Parameters: posteriors, by language; whole, the name of all scopes of the first cut together: their sum in every
        draw; tolerance: distance of a scope's scores from the fitted mixture that says nothing (the anchors' own
        distance from each other)
    Returns: the whole, and each cut; "not_measured" where a scope holds no document with a score
    """
    sums = _added_up(posteriors, cuts, rng)
    ends = np.cumsum([0, *(len(cut.scopes) for cut in cuts)])
    parts = [sums.part(slice(start, end)) for start, end in pairwise(ends)]
    found = [_of_sums(own, cut.scopes, options, tolerance) for own, cut in zip(parts, cuts, strict=True)]
    return _of_sums(parts[0].whole(), [whole], options, tolerance), found


def _of_sums(sums: _Sums, scopes: Sequence[str], options: PrevalenceOptions, tolerance: float) -> ScopePrevalence:
    total = np.maximum(sums.documents, 1)
    replicates = sums.machine / total
    token_replicates = sums.machine_tokens / np.maximum(sums.tokens, 1)
    posterior = sums.by_bin / np.maximum(sums.histogram, 1e-12)
    fitted = (sums.human_fit + sums.machine_fit) / total[:, None]
    effect = float((sums.effect / total)[sums.documents > 0].mean()) if (sums.documents > 0).any() else 1.0
    misfit = excess_misfit(sums.histogram, fitted, effect=effect, tolerance=tolerance)
    bounds = tuple(
        generator_free_bound(row / effect, sums.anchors + 1e-9, level=options.level)
        if row.sum() and sums.anchors.sum() >= 1
        else Estimate.not_measured("needs documents and human anchors", method=BOUND, level=options.level)
        for row in sums.histogram
    )
    names = tuple(scopes)
    common = (misfit, sums, options)
    return ScopePrevalence(
        names,
        _figures(replicates, *common),
        _figures(token_replicates, *common),
        bounds,
        misfit,
        np.where(sums.histogram > 0, posterior, filled(posterior, sums.histogram)),
        sums.human_fit,
        sums.machine_fit,
        sums.histogram,
        sums.token_histogram,
        sums.uncovered / total,
        replicates,
        token_replicates,
    )


def _added_up(posteriors: Mapping[str, Posterior], cuts: Sequence[Cut], rng: np.random.Generator) -> _Sums:
    """Sums over the atoms of all cuts, their scopes one after the other."""
    starts = np.cumsum([0, *(len(cut.scopes) for cut in cuts)])
    draws = min((len(p.states) for p in posteriors.values()), default=0)
    sums = _Sums.empty(draws, int(starts[-1]))
    for language in dict.fromkeys(name for cut in cuts for name in cut.atoms):
        own = [(cut.atoms[language], start) for cut, start in zip(cuts, starts, strict=False) if language in cut.atoms]
        scope = np.concatenate([atoms.scope + start for atoms, start in own])
        parts = [atoms for atoms, _ in own]
        unscored = np.concatenate([atoms.counts.unscored for atoms in parts])
        sums.unscored += np.bincount(scope, unscored, minlength=len(sums.unscored))
        if language in posteriors and len(scope):
            _add_language(sums, posteriors[language], parts, scope, rng)
    return sums


def _add_language(
    sums: _Sums, model: Posterior, parts: Sequence[Atoms], scope: np.ndarray, rng: np.random.Generator
) -> None:
    """Add the atoms of one language; scope (atoms,) of all parts."""
    whole, tokens, known, undecided = (
        np.concatenate([table(atoms) for atoms in parts])
        for table in (
            lambda atoms: atoms.counts.histogram,
            lambda atoms: atoms.counts.token_histogram,
            lambda atoms: atoms.known_human,
            lambda atoms: atoms.undecided,
        )
    )
    uncovered, sizes = np.concatenate([atoms.uncovered for atoms in parts]), whole.sum(1).astype(float)
    draws, scopes = sums.machine.shape
    np.add.at(sums.histogram, scope, whole)
    np.add.at(sums.token_histogram, scope, tokens)
    for target, value in (
        (sums.documents, sizes),
        (sums.tokens, tokens.sum(1)),
        (sums.uncovered, sizes * uncovered),
        (sums.effect, sizes * model.design_effect),
        (sums.separation, sizes * model.separation),
        (sums.slack, sizes * model.slack),
    ):
        target += np.bincount(scope, value, minlength=scopes)
    sums.anchors += model.anchors
    per_document = tokens / np.maximum(whole, 1)
    counted = np.round(undecided).astype(np.int64)
    expected, sure = counted.sum(1)[:, None] / draws, known.sum(1)[:, None] / draws
    by_bin, human_fit, machine_fit = (np.zeros(whole.shape) for _ in range(3))
    for d, drawn in zip(range(draws), draw_atoms(model, parts, rng), strict=False):
        found = rng.binomial(counted, np.clip(drawn.by_bin, 0.0, 1.0))
        sums.machine[d] += np.bincount(scope, found.sum(1), minlength=scopes)
        sums.machine_tokens[d] += np.bincount(scope, (found * per_document).sum(1), minlength=scopes)
        share = drawn.fraction[:, None]
        by_bin += drawn.by_bin
        human_fit += ((1 - share) * expected + sure) * drawn.human
        machine_fit += share * expected * drawn.machine
    np.add.at(sums.by_bin, scope, undecided * by_bin / max(draws, 1))
    np.add.at(sums.human_fit, scope, human_fit)
    np.add.at(sums.machine_fit, scope, machine_fit)


def _figures(draws: np.ndarray, misfit: np.ndarray, sums: _Sums, options: PrevalenceOptions) -> tuple[Estimate, ...]:
    """One estimate for each column of draws, widened by its misfit, with the status that it deserves."""
    out = []
    total = np.maximum(sums.documents, 1)
    for i, n in enumerate(sums.documents):
        if n == 0 or not len(draws):
            reason = "no eligible document has a score" if n == 0 else "no human text to compare with"
            out.append(Estimate.not_measured(reason, method=METHOD, level=options.level))
            continue
        separation, slack = sums.separation[i] / total[i], sums.slack[i] / total[i]
        lower, upper = shortest_interval(draws[:, i], level=options.level)
        middle = float(np.median(draws[:, i]))
        lower, upper = middle - NARROW * (middle - lower), middle + NARROW * (upper - middle)
        wider = float(misfit[i] / max(separation, LEAST_SEPARATION))
        lower, upper = max(0.0, float(lower - wider - slack)), min(1.0, float(upper + wider + slack))
        if separation < LEAST_SEPARATION:
            lower, upper = 0.0, 1.0
        value = float(np.clip(middle, lower, upper))
        estimate = Estimate(value, lower, upper, options.level, METHOD, int(n))
        doubt = _doubt(estimate, sums.uncovered[i] / total[i], separation, float(misfit[i]), options)
        out.append(estimate.but(Status.INCONCLUSIVE, doubt) if doubt else estimate)
    return tuple(out)


def _doubt(
    estimate: Estimate, uncovered: float, separation: float, misfit: float, options: PrevalenceOptions
) -> str | None:
    """Why a figure is inconclusive, None where it is measured."""
    if separation < LEAST_SEPARATION:
        return "the scores do not separate human from machine text here"
    if misfit > TOO_FAR:
        return NO_FIT
    width = float(estimate.upper or 0.0) - float(estimate.lower or 0.0)
    if uncovered > UNCOVERED and width > options.widest / 2:
        return NO_REFERENCE
    if width > options.widest:
        return f"the interval is wider than {100 * options.widest:.0f} points"
    return None


def not_measured(scopes: Sequence[str], sizes: np.ndarray, reason: str) -> ScopePrevalence:
    """All figures absent, for one reason."""
    n = len(scopes)
    absent = tuple(Estimate.not_measured(reason, method=METHOD, n=int(size)) for size in sizes)
    wide, empty = np.zeros((n, BINS)), np.empty((0, n))
    return ScopePrevalence(
        tuple(scopes),
        absent,
        absent,
        absent,
        np.zeros(n),
        np.full((n, BINS), np.nan),
        wide,
        wide,
        wide,
        wide,
        np.ones(n),
        empty,
        empty,
    )
