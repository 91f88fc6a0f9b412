"""Coverage as a curve: the amount of human text in which the types of a share of human language occur k times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.collapse import closed_forms
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.spectrum import Spectrum, estimate_frequencies
from auditor.collapse.stratum import Stratum

SHARES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """Human tokens in which the types that carry this share of language occur k times.

    reached: whether every stratum's own human text suffices; bounded: whether the frequency that decides is one of
    types not seen, an upper bound (Chao), so that the tokens are rather too few
    """

    share: float
    tokens: int
    reached: bool
    bounded: bool


@dataclass(frozen=True, slots=True)
class ReachedCoverage:
    """The coverage of the corpus: the share of language whose types occur k times in its human tokens."""

    share: float
    tokens: int


def coverage_curve(strata: Sequence[Stratum], options: ReservoirOptions) -> tuple[CoveragePoint, ...]:
    """A point for each of SHARES, tokens added up over strata; none where no spectrum is measured."""
    measured = [s for s in strata if s.spectrum is not None and s.spectrum.tokens > 0]
    points = []
    for share in SHARES if measured else ():
        needs = [_tokens_for(stratum.spectrum, share, options) for stratum in measured if stratum.spectrum]
        reached = all(tokens <= own.human_tokens for (tokens, _), own in zip(needs, measured, strict=True))
        tokens = math.ceil(sum(tokens for tokens, _ in needs))
        points.append(CoveragePoint(share, tokens, reached, any(bounded for _, bounded in needs)))
    return tuple(points)


def reached_coverage(strata: Sequence[Stratum], options: ReservoirOptions) -> ReachedCoverage | None:
    """The shares of the strata, weighted by their human tokens; None where no spectrum is measured."""
    measured = [s for s in strata if s.spectrum is not None and s.spectrum.tokens > 0]
    if not measured:
        return None
    held = [stratum.human_tokens for stratum in measured]
    shares = [_share_within(s.spectrum, own, options) for s, own in zip(measured, held, strict=True) if s.spectrum]
    total = sum(held)
    share = float(np.dot(shares, held)) / total if total else 0.0
    return ReachedCoverage(share, math.floor(total))


def _tokens_for(spectrum: Spectrum, share: float, options: ReservoirOptions) -> tuple[float, bool]:
    frequencies = estimate_frequencies(spectrum)
    order = np.argsort(-frequencies.probability, kind="stable")
    carried = np.cumsum(frequencies.mass[order])
    at = order[min(int(np.searchsorted(carried, share * carried[-1] * (1 - 1e-12))), order.size - 1)]
    wanted = closed_forms.occurrences(options.min_occurrences, options.miss)
    return wanted / float(frequencies.probability[at]), bool(frequencies.sample[at] == 0)


def _share_within(spectrum: Spectrum, tokens: float, options: ReservoirOptions) -> float:
    frequencies = estimate_frequencies(spectrum)
    wanted = closed_forms.occurrences(options.min_occurrences, options.miss)
    surely = frequencies.probability * tokens >= wanted
    return float(frequencies.mass[surely].sum() / frequencies.mass.sum())
