"""What a human reference must satisfy before anything is measured against it, and its measure at many coverages."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.diversity import equations
from auditor.estimate.diversity.measure import LogHill
from auditor.estimate.diversity.spectrum import Counted, Spectrum
from auditor.estimate.diversity.variance import Influence, Statistic, jackknife, own_noise, unvaried

NO_REFERENCE = "no human reference"
LEAST_TOKENS = 5_000
MUCH_SMALLER = 0.1
# Measured: halves of one English corpus 94%, unlike English corpora 92%; German against English 28, French 40, Spanish
# 42% (names, numbers and short words are shared).
SAME_LANGUAGE = 0.5
# Between coverages this far apart (in ln C / (1 - C)) ln D is a cubic to 1e-5: so shards need no measure of their own.
KNOT = 0.05


def shared_mass(shard: Spectrum, reference: Spectrum) -> float:
    """The share of the shard's tokens whose type the reference holds."""
    rate = min(shard.rate, reference.rate)
    shard, reference = shard.thinned(rate), reference.thinned(rate)
    held = np.isin(shard.types, reference.types)
    mass = Counted.tokens(shard).totals() * shard.weights
    return float(mass[held].sum() / mass.sum()) if mass.sum() > 0 else 0.0


def too_little(shard: Spectrum, reference: Spectrum, *, least: int = LEAST_TOKENS, unit: str = "tokens") -> str | None:
    """Why a comparison can't be conclusive, or None."""
    held, known = float(shard.tokens.sum()), float(reference.tokens.sum())
    if held < least:
        return f"{held:,.0f} {unit}: too few to tell loss from the luck of the topics"
    if known < least or known < MUCH_SMALLER * held:
        return f"the reference ({known:,.0f} {unit}) is far smaller than the shard ({held:,.0f})"
    return None


def at_any_coverage(reference: Counted, measure: LogHill) -> Statistic:
    """The jackknife of a reference that many texts are compared with, each at its own coverage.

    Knots of one fixed grid are measured when first needed and interpolated by the cubic through the four nearest, so
    figures do not depend on earlier calls. If a knot lies beyond the reference's text, the coverage itself is measured.
    The reference's own noise is in `noise`; cells are left out.
    """
    place = math.log(measure.coverage / (1.0 - measure.coverage)) / KNOT
    low = math.floor(place) - 1
    knots = [_knot(reference, measure.order, low + i) for i in range(4)]
    if any(knot is None for knot in knots):
        return jackknife(reference, measure, documents="reference")
    weights = _cubic(place - low)
    values, changes, slopes, residuals, noises = (
        sum(w * getattr(knot, name) for w, knot in zip(weights, knots, strict=True)) for name in _Knot.__slots__
    )
    out = replace(unvaried(reference, lambda seen: values, documents="reference"), change=changes, noise=noises)
    if reference.spectrum.rate >= 1.0:
        return out
    types, counts, at = _sampled_counts(reference)
    law = Influence(Influence.nodes_to(counts.max(initial=1.0)), slopes, residuals, reference.spectrum.rate)
    return replace(out, types=types, influence=law.at(counts)[at])


@dataclass(frozen=True, slots=True)
class _Knot:
    """A statistic of the reference at one coverage: see Statistic and Influence."""

    value: float
    change: np.ndarray
    slopes: np.ndarray
    slope: float
    noise: float


def _knot(reference: Counted, order: int, number: int) -> _Knot | None:
    """The statistic at the coverage of one knot, None if the text or a part of it does not reach it."""
    measure = LogHill(order, 1.0 / (1.0 + math.exp(-number * KNOT)))
    return reference.memo.once(
        ("knot", order, number),
        lambda: _measured(reference, measure) if _reached(reference, measure.coverage) else None,
    )


def _measured(reference: Counted, measure: LogHill) -> _Knot | None:
    found = jackknife(reference, measure, documents="reference")
    if not (math.isfinite(found.value) and np.isfinite(found.change).all()):
        return None
    law = Influence.of(reference, LogHill(measure.order, measure.coverage))
    noise = own_noise([(1.0, found)], int(np.count_nonzero(reference.sizes)))
    return _Knot(found.value, found.change, law.slopes, law.slope, noise)


def _reached(reference: Counted, coverage: float) -> bool:
    """Whether more than one unit and less than all of the text reach the coverage, also with any group left out."""
    rests = [rest for _, rest in reference.without_each_group()]
    return all(
        (seen.k > 1).any() and coverage < equations.coverage(seen) and equations.size_at(seen, coverage) > 1.0
        for seen in (reference.frequencies(), *rests)
    )


def _sampled_counts(reference: Counted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The sampled types, the counts that occur among them, and the place of each type's count; computed once."""

    def count() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sampled = ~reference.spectrum.fixed
        counts, at = np.unique(reference.totals()[sampled], return_inverse=True)
        return reference.spectrum.types[sampled], counts, at

    return reference.memo.once("sampled_counts", count)


def _cubic(x: float) -> tuple[float, float, float, float]:
    """Weights of values at 0, 1, 2, 3 in the cubic through them, at x (Lagrange)."""
    return (
        (x - 1) * (x - 2) * (x - 3) / -6,
        x * (x - 2) * (x - 3) / 2,
        x * (x - 1) * (x - 3) / -2,
        x * (x - 1) * (x - 2) / 6,
    )
