"""Lost diversity: how much less diverse a shard is than human text at equal coverage, and why.

Loss of order q is 1 - D(shard) / D(reference), both at one coverage. Ratios do not add, logarithms do: the parts are
differences of ln D in a fixed order (duplication, synthetic text, the rest), and sum to ln(1 - loss).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from auditor.estimate.diversity import equations
from auditor.estimate.diversity.lost_reference import (
    LEAST_TOKENS,
    NO_REFERENCE,
    SAME_LANGUAGE,
    at_any_coverage,
    shared_mass,
    too_little,
)
from auditor.estimate.diversity.lost_tail import tail_retention
from auditor.estimate.diversity.measure import LogHill, Orders
from auditor.estimate.diversity.spectrum import Body, Counted, Spectrum
from auditor.estimate.diversity.variance import Measure, Statistic, jackknife, judged, reach, unvaried, variance
from auditor.records import LEVEL, Estimate, Status
from auditor.run_columns import GROUPS, LEVELS, NO_SCORE, WORD

ORDERS = (0, 1, 2)
Standard = Callable[["Bodies", int], "tuple[Measure | None, str]"]
# A part with a smaller share of the tokens would lower the coverage of the whole comparison.
LEAST_PART = 0.1
# The variance within draws is averaged over this many of them: it differs little between draws and is the costliest
# part.
VARIED = 2
# Blocks for richness, tokens for the orders that frequent types dominate: see estimate.diversity.
UNIT: dict[int, Callable[[Spectrum], Counted]] = {0: Counted.blocks, 1: Counted.tokens, 2: Counted.tokens}


@dataclass(frozen=True, slots=True)
class Bodies:
    """The texts compared at one level: all documents, those without duplicates, drawn human ones, and the reference.

    many: whether the reference is compared with many texts
    """

    everything: Spectrum
    reference: Spectrum
    collapsed: Spectrum | None = None
    human: tuple[Spectrum, ...] = ()
    no_duplication: str = "duplicates were not looked for"
    no_synthetic: str = "no probability of being machine-written"
    least: int = LEAST_TOKENS
    unit: str = "tokens"
    many: bool = False

    @property
    def each(self) -> list[Spectrum]:
        """All spectra that are given."""
        return [s for s in (self.everything, self.reference, self.collapsed, *self.human) if s is not None]

    def large_enough(self) -> Bodies:
        """The bodies without parts that are too small, which would limit the coverage of the whole comparison."""
        least = max(self.least, LEAST_PART * float(self.everything.tokens.sum()))
        out = self
        if self.collapsed is not None and self.collapsed.tokens.sum() < least:
            left = f"{self.collapsed.tokens.sum():,.0f} {self.unit} are left without duplicates: too few"
            out = replace(out, collapsed=None, human=(), no_duplication=left, no_synthetic=left)
        if out.human and min(one.tokens.sum() for one in out.human) < least:
            few = min(one.tokens.sum() for one in out.human)
            out = replace(out, human=(), no_synthetic=f"{few:,.0f} {self.unit} of human text are drawn: too few")
        return out

    def at_one_rate(self) -> Bodies:
        """The same types sampled in all of them."""
        rate = min(s.rate for s in self.each)
        return replace(
            self,
            everything=self.everything.thinned(rate),
            reference=self.reference.thinned(rate),
            collapsed=self.collapsed.thinned(rate) if self.collapsed is not None else None,
            human=tuple(s.thinned(rate) for s in self.human),
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of each order at one level, and its parts as signed log-ratios (negative: lost through it)."""

    q0: Estimate
    q1: Estimate
    q2: Estimate
    from_duplication: Orders
    from_synthetic: Orders
    rest: Orders

    @classmethod
    def nothing(cls, reason: str) -> Loss:
        """A loss that was not measured, and why."""
        nothing = Estimate.not_measured(reason)
        same = Orders.all(nothing)
        return cls(nothing, nothing, nothing, same, same, same)


@dataclass(frozen=True, slots=True)
class LostDiversity:
    """What a text has lost against human text: words, bigrams and trigrams by name, and rare words."""

    words: Loss
    levels: Mapping[str, Loss]
    tail_retention: Estimate


def lost_diversity(
    shard: pl.DataFrame | Body,
    reference: pl.DataFrame | Body | None,
    *,
    collapsed: pl.DataFrame | Body | None = None,
    synthetic: np.ndarray | None = None,
    rng: np.random.Generator | None = None,
    level: float = LEVEL,
    many: bool = False,
) -> LostDiversity:
    """Loss of diversity against human text, of words, and of bigrams and trigrams under `levels`.

    Parameters: shard, reference, spectra frames (estimate.spectrum); collapsed, the shard's spectrum without its
        non-representative duplicates (sketch.types.subtract); synthetic (draws, bins) the probability that a document
        of score bin b is machine-written, one row per posterior draw; rng, for drawing documents by it;
        many, whether the reference is compared with many texts: it is then measured once for all (at_any_coverage)
    """
    if reference is None:
        levels = {name: Loss.nothing(NO_REFERENCE) for name in LEVELS if name != "word"}
        return LostDiversity(Loss.nothing(NO_REFERENCE), levels, tail_retention(shard, None))
    assert synthetic is None or rng is not None, "human documents are drawn at random: rng is needed"
    drawn = [] if synthetic is None or rng is None else drawn_groups(synthetic, rng)
    ours, theirs = Body.of(shard), Body.of(reference)
    unique = None if collapsed is None else Body.of(collapsed)
    known = shared_mass(ours.whole(WORD), theirs.whole(WORD))
    out = {}
    for name, code in LEVELS.items():
        bodies = Bodies(
            ours.whole(code),
            theirs.whole(code),
            None if unique is None else unique.whole(code),
            tuple((unique or ours).cells(code).spectrum(groups) for groups in drawn),
            many=many,
        )
        reason = _why_not(bodies, known)
        out[name] = Loss.nothing(reason) if reason else lost_in(bodies, level=level)
    tail = tail_retention(ours, theirs, level=level)
    return LostDiversity(out.pop("word"), out, tail)


def lost_in(bodies: Bodies, *, standard: Standard | None = None, level: float = LEVEL) -> Loss:
    """Loss and its parts at one level; see `lost_diversity`. standard: what is equal in the bodies compared, by default
    coverage."""
    bodies = bodies.large_enough().at_one_rate()
    found = []
    for order in ORDERS:
        measure, said = (standard or at_coverage)(bodies, order)
        if measure is None:
            found.append((Estimate.not_measured(said),) * 4)
        else:
            found.append(_order(bodies, UNIT[order], measure, f"Hill q={order} at {said}", level))
    (q0, q1, q2), *parts = zip(*found, strict=True)
    return Loss(q0, q1, q2, *(Orders(*part) for part in parts))


def at_coverage(bodies: Bodies, order: int) -> tuple[Measure | None, str]:
    """ln D at the largest coverage that all bodies reach as they are, or why there is none."""
    target = common_coverage(bodies, order)
    if not 0.0 < target < 1.0:
        return None, "no type occurs twice: coverage is 0" if target <= 0 else "coverage is 1"
    return LogHill(order, target), f"coverage {target:.6f}"


def at_size(bodies: Bodies, order: int) -> tuple[Measure | None, str]:
    """ln D at the size of the smallest body: for few types that are nearly all seen (topics)."""
    size = min(float(s.tokens.sum()) for s in bodies.each)
    if size < 2:
        return None, f"no {bodies.unit}"
    return lambda seen: math.log(equations.HILL[order](seen, min(size, seen.size))), f"{size:,.0f} {bodies.unit}"


def common_coverage(bodies: Bodies, order: int) -> float:
    """The largest coverage that all bodies reach as they are: nothing is extrapolated (see estimate.diversity)."""
    seen = [UNIT[order](s).frequencies() for s in bodies.each]
    return min(equations.coverage(each) if (each.k > 1).any() else 0.0 for each in seen)


def drawn_groups(synthetic: np.ndarray, rng: np.random.Generator) -> list[dict[int, np.ndarray]]:
    """Human documents of each draw: per score bin as many groups as its probability of being human asks for.

    Fractional weights would destroy the counts of types seen once and twice, whole groups keep them. The number of
    groups is rounded up or down at random, so that it is right on average. Documents without a score stay.
    """
    out = []
    for draw in np.atleast_2d(synthetic):
        chosen = {NO_SCORE: np.arange(GROUPS)}
        for b, p in enumerate(draw):
            count = int(GROUPS * (1.0 - p) + rng.random())
            chosen[b] = np.sort(rng.permutation(GROUPS)[:count])
        out.append(chosen)
    return out


def _why_not(bodies: Bodies, known: float) -> str | None:
    if bodies.everything.tokens.sum() < 2:
        return "no eligible text"
    if bodies.reference.tokens.sum() < 2:
        return "the human reference holds no eligible text"
    if known < SAME_LANGUAGE:
        return f"the reference knows {known:.0%} of the shard's words: another language or no text of this kind"
    return None


def _order(
    bodies: Bodies, unit: Callable[[Spectrum], Counted], measure: Measure, method: str, level: float
) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """The loss of one order, and its parts from duplication, synthetic text and the rest."""
    method += ", delete-a-group jackknife"

    def measured(spectrum: Spectrum, name: str, *, varied: bool = True) -> Statistic:
        counted = unit(spectrum)
        return jackknife(counted, measure, documents=name) if varied else unvaried(counted, measure, documents=name)

    everything = measured(bodies.everything, "shard")
    if bodies.many and isinstance(measure, LogHill):
        reference = at_any_coverage(unit(bodies.reference), measure)
    else:
        reference = measured(bodies.reference, "reference")
    count = int(bodies.everything.tokens.sum())
    notes = too_little(bodies.everything, bodies.reference, least=bodies.least, unit=bodies.unit)

    def said(draws: list[list[tuple[float, Statistic]]]) -> Estimate:
        return _signed(draws, method, n=count, level=level, note=notes)

    loss = _as_loss(said([[(1.0, everything), (-1.0, reference)]]))
    before, duplication = everything, Estimate.not_measured(bodies.no_duplication)
    if bodies.collapsed is not None:
        before = measured(bodies.collapsed, "shard")
        duplication = said([[(1.0, everything), (-1.0, before)]])
    if not bodies.human:
        synthetic = Estimate.not_measured(bodies.no_synthetic)
        return loss, duplication, synthetic, said([[(1.0, before), (-1.0, reference)]])
    human = [measured(one, "shard", varied=place < VARIED) for place, one in enumerate(bodies.human)]
    synthetic = said([[(1.0, before), (-1.0, one)] for one in human])
    return loss, duplication, synthetic, said([[(1.0, one), (-1.0, reference)] for one in human])


def _signed(
    draws: list[list[tuple[float, Statistic]]], method: str, *, n: int, level: float, note: str | None
) -> Estimate:
    """A signed log-ratio; several draws are combined by Rubin's rules (Rubin 1987, eq. 3.1.2 to 3.1.5)."""
    values = np.array([sum(sign * term.value for sign, term in terms) for terms in draws])
    within = np.array([variance(terms) for terms in draws[:VARIED]])
    if not (np.isfinite(values).all() and np.isfinite(within).all()):
        return Estimate.not_measured("too few repeated types at this coverage", method=method, n=n, level=level)
    between = float(values.var(ddof=1)) if len(values) > 1 else 0.0
    spread = float(within.mean()) + (1.0 + 1.0 / len(values)) * between
    groups = min(term.groups for terms in draws for _, term in terms)
    value, width = float(values.mean()), reach(groups, level) * math.sqrt(spread)
    out = Estimate(value, value - width, value + width, level, method, n)
    return judged(out.but(Status.INCONCLUSIVE, note) if note else out, groups)


def _as_loss(ratio: Estimate) -> Estimate:
    """1 - exp of a log-ratio: negative where the shard is the more diverse one."""
    if not ratio.is_number:
        return ratio
    value, lower, upper = (-math.expm1(x) for x in (ratio.value, ratio.upper, ratio.lower))  # type: ignore[arg-type]
    return replace(ratio, value=value, lower=lower, upper=upper)
