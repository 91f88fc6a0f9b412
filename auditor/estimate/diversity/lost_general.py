"""Lost words against a language's published word frequencies: the last resort, where no human text is given.

Frequencies come without a sample size and without words seen once, so they give expected richness alone (METHODS:
nothing else is measured against them), over their own vocabulary, at equal coverage by blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from auditor.estimate.diversity import equations
from auditor.estimate.diversity.lost_reference import LEAST_TOKENS, SAME_LANGUAGE
from auditor.estimate.diversity.measure import LogHill
from auditor.estimate.diversity.spectrum import Body, Counted
from auditor.estimate.diversity.variance import bounded, jackknife, judged, variance
from auditor.records import LEVEL, Estimate, Status
from auditor.run_columns import WORD


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """A language's words: types (w,) uint64 ascending, p (w,) their frequencies, summing to 1; name for the report."""

    types: np.ndarray
    p: np.ndarray
    name: str


def lost_words(text: Body, law: Law, *, level: float = LEVEL) -> Estimate:
    """1 - S / S_law: word types of the law's vocabulary in the text, against what the law expects at equal coverage.

    Words of the law occur independently, those of a text clump by topic. At equal coverage this cancels only in part,
    so the estimate is never conclusive. Text by people gave 20 to 75% (docs/diversity.md): shards of one corpus
    compare.
    """
    method = f"richness of blocks at equal coverage, against {law.name}"
    whole = text.whole(WORD)
    n = int(whole.tokens.sum())
    if n < 2 or not whole.types.size:
        return Estimate.not_measured("no eligible text", method=method, n=n, level=level)
    inside = whole.only(np.isin(whole.types, law.types))
    held = float((Counted.tokens(inside).totals() * inside.weights).sum()) / n
    if held < SAME_LANGUAGE:
        why = f"{law.name} knows {held:.0%} of the words: another language or no text of this kind"
        return Estimate.not_measured(why, method=method, n=n, level=level)
    blocks = Counted.blocks(inside)
    seen = blocks.frequencies()
    target = equations.coverage(seen) if (seen.k > 1).any() else 0.0
    expected = _expected_richness(law.p, held * n / seen.size, target)
    if not math.isfinite(expected):
        return Estimate.not_measured("no size of the frequencies has this coverage", method=method, n=n, level=level)
    found = jackknife(blocks, LogHill(0, target))
    spread = variance([(1.0, replace(found, value=found.value - math.log(expected)))])
    if not math.isfinite(found.value + spread):
        return Estimate.not_measured("too few repeated types at this coverage", method=method, n=n, level=level)
    value, low, high = bounded(found.value - math.log(expected), spread, found.groups, level)
    reason = "against general language: topics alone move it, text by people has given 20 to 75%"
    if n < LEAST_TOKENS:
        reason = f"{n:,} tokens: too few to tell loss from the luck of the topics"
    out = Estimate(-math.expm1(value), -math.expm1(high), -math.expm1(low), level, method, n)
    return judged(out.but(Status.INCONCLUSIVE, reason), found.groups)


def _expected_richness(p: np.ndarray, per_block: float, target: float) -> float:
    """Types of the law in as many blocks of `per_block` words as reach the coverage; infinite if none does."""
    chance = -np.expm1(-per_block * p)
    missed = np.log1p(-np.minimum(chance, 1.0 - 1e-15))

    def gap(log_size: float) -> float:
        return float(np.sum(chance * np.exp(math.exp(log_size) * missed)) / chance.sum()) - (1.0 - target)

    low, high = -5.0, 30.0
    if not 0.0 < target < 1.0 or gap(low) < 0.0 or gap(high) > 0.0:
        return math.inf
    size = math.exp(brentq(gap, low, high, xtol=1e-9))
    return float(-np.expm1(size * missed).sum())
