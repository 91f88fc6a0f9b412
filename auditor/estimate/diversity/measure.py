"""Diversity of one scope: Hill numbers at a standard size, coverage and richness, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from auditor.estimate.diversity import equations
from auditor.estimate.diversity.equations import Frequencies
from auditor.estimate.diversity.spectrum import Body, Counted, Spectrum
from auditor.estimate.diversity.variance import Measure, bounded, jackknife, judged, variance
from auditor.records import LEVEL, Estimate, Status
from auditor.run_columns import LEVELS

# Sizes that a shard of one megabyte reaches. Naive counts grow with the text: only equal sizes can be compared.
STANDARD_TOKENS = 100_000
# Nothing is extrapolated: doubling 64,000 tokens of a Zipf or Zipf-Mandelbrot law gives 1.2 and 0.8% too few types,
# more with a longer tail; rarefied figures are unbiased (benchmarks/diversity.py).


@dataclass(frozen=True, slots=True)
class Orders:
    """A figure for each order of Hill numbers: q0 counts types, q1 and q2 weigh them by their frequency."""

    q0: Estimate
    q1: Estimate
    q2: Estimate

    @classmethod
    def all(cls, estimate: Estimate) -> Orders:
        """The same for every order."""
        return cls(estimate, estimate, estimate)

    def each(self, change: Callable[[Estimate], Estimate]) -> Orders:
        """The same change applied to every order."""
        return Orders(change(self.q0), change(self.q1), change(self.q2))


@dataclass(frozen=True, slots=True)
class Measures:
    """The diversity of one level of types (words, bigrams, trigrams): Hill numbers, bounds of richness, coverage."""

    q0: Estimate
    q1: Estimate
    q2: Estimate
    chao1: Estimate
    chao2: Estimate
    coverage: Estimate

    @property
    def orders(self) -> Orders:
        """The Hill numbers alone."""
        return Orders(self.q0, self.q1, self.q2)


@dataclass(frozen=True, slots=True)
class Diversity:
    """The diversity of a text: of its words, and of bigrams and trigrams by the name of the level."""

    words: Measures
    levels: Mapping[str, Measures]


def measure_diversity(text: pl.DataFrame | Body, *, tokens: int = STANDARD_TOKENS, level: float = LEVEL) -> Diversity:
    """Hill numbers of words at a standard size, and of bigrams and trigrams under `levels`.

    q0 counts types in as many 200-token blocks as hold `tokens` (words clump within documents: a block, not a token,
    is the unit that richness is rarefied by); q1 and q2 are effective numbers of types among `tokens` tokens.

    Parameters: text, a spectrum (see estimate.spectrum)
    """
    body = Body.of(text)
    each = {name: measure_spectrum(body.whole(code), tokens=tokens, level=level) for name, code in LEVELS.items()}
    return Diversity(each.pop("word"), each)


def measure_spectrum(
    spectrum: Spectrum, *, tokens: int = STANDARD_TOKENS, level: float = LEVEL, unit: str = "tokens"
) -> Measures:
    """The measures of one level; see `measure_diversity`."""
    words, blocks = Counted.tokens(spectrum), Counted.blocks(spectrum)
    held = float(spectrum.tokens.sum())
    if min(held, tokens) < 2 or not spectrum.types.size:
        return Measures(*[Estimate.not_measured("no eligible text")] * len(fields(Measures)))
    size = min(float(tokens), held)
    per_block = held / float(spectrum.block_totals.sum())
    note = None
    if size < tokens:
        note = f"{held:,.0f} {unit}: too few for {tokens:,}, so measured at {size:,.0f}"
    elif not (words.totals() > 1).any():
        note = "every type occurs once"
    at = f"at {size:,.0f} {unit}"
    measures: dict[str, tuple[Counted, Measure, str]] = {
        "q0": (blocks, lambda seen: equations.richness(seen, size / per_block), f"Chao-Jost richness of blocks {at}"),
        "q1": (words, lambda seen: equations.shannon(seen, size), f"Chao-Jost exponential entropy {at}"),
        "q2": (words, lambda seen: equations.simpson(seen, size), f"inverse Simpson {at}"),
        "chao1": (words, equations.chao, "Chao1, a lower bound"),
        "chao2": (blocks, equations.chao, "Chao2, a lower bound"),
    }
    found = {key: _logarithmic(*measure, level=level, note=note) for key, measure in measures.items()}
    return Measures(**found, coverage=_coverage(words, level, note))


def effective_documents(sizes: Sequence[int], number: Sequence[int], documents: int) -> Orders:
    """Hill numbers (Hill 1973, Ecology 54:427, eq. 4) of clusters as types; a document in no cluster is its own type.

    Every document is known, so this is a full count. Parameters: sizes of clusters, number of clusters of each size
    """
    if not documents:
        return Orders.all(Estimate.not_measured("it holds no document", method="census"))
    if not len(sizes):
        return Orders.all(Estimate.census(documents, documents))
    single = documents - int(np.dot(sizes, number))
    share = np.array([*sizes, 1], float) / documents
    count = np.array([*number, single], float)
    numbers = count.sum(), np.exp(-np.sum(count * share * np.log(share))), 1.0 / np.sum(count * share**2)
    return Orders(*(Estimate.census(float(x), documents) for x in numbers))


def lost_documents(effective: Orders, documents: int) -> Orders:
    """1 - D / n: against as many documents that are all different."""
    return effective.each(lambda e: Estimate.census(1.0 - e.value / documents, documents) if e.value is not None else e)


def _logarithmic(counted: Counted, measure: Measure, method: str, *, level: float, note: str | None) -> Estimate:
    """An Estimate whose interval is symmetric in the logarithm: all Hill numbers are positive and skewed."""
    found = jackknife(counted, lambda seen: _log(measure(seen)))
    n = int(counted.spectrum.tokens.sum())
    if not math.isfinite(found.value):
        return Estimate.not_measured("too few repeated types", method=method, n=n, level=level)
    spread = variance([(1.0, found)])
    numbers = (math.exp(x) for x in bounded(found.value, spread, found.groups, level)) if math.isfinite(spread) else ()
    return _finished(tuple(numbers), method, n, level=level, note=note, groups=found.groups)


def _coverage(counted: Counted, level: float, note: str | None) -> Estimate:
    """Good-Turing coverage; the interval is symmetric in the logarithm of what is not covered."""
    method, n = "Good-Turing coverage (Chao & Jost 2012)", int(counted.spectrum.tokens.sum())
    found = jackknife(counted, lambda seen: _log(1.0 - equations.coverage(seen)))
    if not math.isfinite(found.value):
        return Estimate(1.0, 1.0, 1.0, level, method, n, Status.INCONCLUSIVE, "no type occurs exactly once")
    spread = variance([(1.0, found)])
    numbers: tuple[float, ...] = ()
    if math.isfinite(spread):
        missed, low, high = (math.exp(x) for x in bounded(found.value, spread, found.groups, level))
        numbers = (1.0 - missed, max(1.0 - high, 0.0), 1.0 - low)
    return _finished(numbers, method, n, level=level, note=note, groups=found.groups)


def _finished(
    numbers: tuple[float, ...], method: str, n: int, *, level: float, note: str | None, groups: float
) -> Estimate:
    method += ", delete-a-group jackknife"
    if not numbers:
        reason = "one group of documents holds all text, or all of its repeated types"
        return Estimate.not_measured(reason, method=method, n=n, level=level)
    value, lower, upper = numbers
    out = Estimate(value, lower, upper, level, method, n)
    return judged(out.but(Status.INCONCLUSIVE, note) if note else out, groups)


def _log(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf


class LogHill:
    """ln D of an order at a fixed coverage, as a function of frequencies: what losses are made of."""

    def __init__(self, order: int, coverage: float) -> None:
        self.order, self.coverage = order, coverage
        self.share = 0.0  # size that had the coverage: a guess for the next spectrum, which is similar

    def __call__(self, seen: Frequencies) -> float:
        size = equations.size_at(seen, self.coverage, near=self.share * seen.size if self.share else None)
        self.share = size / seen.size
        return _log(equations.HILL[self.order](seen, size))
