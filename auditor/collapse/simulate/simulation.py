"""Generation after generation on a spectrum: what a corpus still holds when models train on the output of models.

A model here is the frequencies of its training text (the best a model can do for rare types), so what is simulated is
drift and decoding, not learning. The kernels are in `drift`; the same quantities by formula in `closed_forms`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.collapse.options import Regime
from auditor.collapse.simulate.by_type import is_small, run_by_type
from auditor.collapse.simulate.drift import Pool, Rates, Training, advance, tally
from auditor.collapse.simulate.options import Decoding, SimulationOptions
from auditor.collapse.simulate.source import Source, prepare
from auditor.collapse.spectrum import Frequencies
from auditor.statistics.intervals import student_quantile

QUANTITIES = ("types", "tail_presence", "tail_mass", "entropy_types", "simpson_types", "heterozygosity")


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One run: quantities (generations + 1, len(QUANTITIES)) and the types present at the end, by source bin."""

    quantities: np.ndarray
    present: np.ndarray


def simulate(source: Frequencies, options: SimulationOptions, rng: np.random.Generator) -> pl.DataFrame:
    """Replicated runs, as one row per generation and quantity.

    Returns: generation, quantity, value (mean over runs), lower, upper (where one run lies, by Student's t)
    """
    prepared = prepare(source, options)
    if is_small(source, options):
        runs = np.stack([run_by_type(source, options, rng) for _ in range(options.replicates)])
    else:
        runs = np.stack([run(prepared, options, rng).quantities for _ in range(options.replicates)])
    mean, spread = runs.mean(axis=0), runs.std(axis=0, ddof=1)
    reach = student_quantile(options.level, options.replicates - 1) * math.sqrt(1 + 1 / options.replicates)
    generations, quantities = mean.shape
    return pl.DataFrame(
        {
            "generation": np.repeat(np.arange(generations), quantities),
            "quantity": list(QUANTITIES) * generations,
            "value": mean.ravel(),
            "lower": np.maximum(mean - reach * spread, 0.0).ravel(),
            "upper": (mean + reach * spread).ravel(),
        }
    )


def run(source: Source, options: SimulationOptions, rng: np.random.Generator) -> Trajectory:
    """One run of G generations; generation 0 is all human."""
    source, parent, pool, fixed = _first(source, options, rng)
    rows = np.empty((options.generations + 1, len(QUANTITIES)))
    fresh = options.tokens * options.share * source.probability
    if options.regime == Regime.REPLACE_REPLAY:
        fresh = np.zeros(fresh.size)
    for generation in range(options.generations + 1):
        thin = 1 / (generation + 1) if options.regime == Regime.ACCUMULATE_SUBSAMPLE else 1.0
        seen = _observe(rng, pool, thin, source.probability.size)
        rows[generation] = measure(seen, source)
        if generation < options.generations:
            scale, power, cut, tie = _decode(seen, pool, source, options)
            keep = int(options.regime in (Regime.ACCUMULATE, Regime.ACCUMULATE_SUBSAMPLE))
            pool = _advance(rng, pool, Rates(scale, fresh, fixed, power, cut, tie, thin, keep))
    return Trajectory(rows, np.bincount(parent, weights=seen.present))


def measure(seen: Training, source: Source) -> np.ndarray:
    """The training text of a generation as QUANTITIES: Hill numbers of orders 0-2, and what is left of the tail."""
    total = float(seen.tokens.sum())
    if total <= 0:
        return np.zeros(len(QUANTITIES))
    tail_types = max(float(source.types[source.tail].sum()), 1.0)
    source_mass = max(float((source.probability * source.types)[source.tail].sum()), 1e-300)
    simpson = seen.sums[0] / total**2
    return np.array(
        [
            seen.present.sum(),
            seen.present[source.tail].sum() / tail_types,
            seen.tokens[source.tail].sum() / total / source_mass,
            math.exp(math.log(total) - seen.sums[1] / total),
            1 / simpson,
            1 - simpson,
        ]
    )


def _first(
    source: Source, options: SimulationOptions, rng: np.random.Generator
) -> tuple[Source, np.ndarray, Pool, np.ndarray]:
    """Generation 0, all human; under replay the types also part by their count in the reservoir, which is kept."""
    bins = source.probability.size
    none = np.zeros(bins, np.int64)
    if options.regime != Regime.REPLACE_REPLAY:
        return source, np.arange(bins), _draw(rng, source, options.tokens * source.probability, none), none
    reservoir = _draw(rng, source, options.share * options.tokens * source.probability, none)
    rare_bin, rare_count = np.nonzero(reservoir.dense)
    # a reservoir count that overran the table is kept as an item and becomes a bin of one rare type
    spilled = reservoir.item_bin < source.rare
    parent = np.concatenate([rare_bin, reservoir.item_bin[spilled], reservoir.item_bin[~spilled]]).astype(np.int64)
    fixed = np.concatenate([rare_count, reservoir.item_count[spilled], reservoir.item_count[~spilled]]).astype(np.int64)
    types = np.append(reservoir.dense[rare_bin, rare_count], np.ones(reservoir.item_bin.size, np.int64))
    rare = rare_bin.size + int(spilled.sum())
    split = Source(source.probability[parent], types, source.tail[parent], rare, source.counts)
    fresh = (1 - options.share) * options.tokens * split.probability
    return split, parent, _draw(rng, split, fresh, fixed), fixed


def _draw(rng: np.random.Generator, source: Source, fresh: np.ndarray, fixed: np.ndarray) -> Pool:
    """Human text: fixed + Poisson(fresh) occurrences of each type."""
    dense = np.zeros((source.rare, source.counts), np.int64)
    dense[:, 0] = source.types[: source.rare]
    items = np.arange(source.rare, source.probability.size, dtype=np.int64)
    nothing = Pool(dense, items, np.zeros(items.size, np.int64))
    return _advance(rng, nothing, Rates(np.zeros(fresh.size), fresh, fixed, 1.0, 0, 1.0, 1.0, 0))


def _advance(rng: np.random.Generator, pool: Pool, rates: Rates) -> Pool:
    """`advance` with as much room as it takes: on overflow the same draws are repeated with twice the room."""
    room = 2 * pool.item_bin.size + 1024
    while True:
        before = rng.bit_generator.state
        out = Pool(np.zeros_like(pool.dense), np.empty(room, np.int64), np.empty(room, np.int64))
        used = advance(rng, pool, rates, out)
        if used >= 0:
            return Pool(out.dense, out.item_bin[:used].copy(), out.item_count[:used].copy())
        rng.bit_generator.state = before
        room *= 2


def _observe(rng: np.random.Generator, pool: Pool, thin: float, bins: int) -> Training:
    seen = Training(
        np.zeros(bins),
        np.zeros(bins),
        np.zeros(2),
        np.zeros(pool.dense.shape[1]),
        np.zeros(pool.item_bin.size, np.int64),
    )
    tally(rng, pool, thin, seen)
    return seen


def _decode(
    seen: Training, pool: Pool, source: Source, options: SimulationOptions
) -> tuple[np.ndarray, float, int, float]:
    """Synthetic occurrences per training occurrence: scale per bin, power, and top-p's cut with its part of ties."""
    made = (1 - options.share) * options.tokens
    total = float(seen.tokens.sum())
    bins = source.probability.size
    if total <= 0:
        return np.zeros(bins), 1.0, 0, 1.0
    if options.decoding == Decoding.RATIO:
        tail = float(seen.tokens[source.tail].sum()) / total
        head = (1 - options.decoding_value * tail) / (1 - tail) if tail < 1 else 1.0
        return made / total * np.where(source.tail, options.decoding_value if tail < 1 else 1.0, head), 1.0, 0, 1.0
    if options.decoding == Decoding.NONE:
        return np.full(bins, made / total), 1.0, 0, 1.0
    counts = np.append(np.arange(seen.at_count.size), seen.items)
    types = np.append(seen.at_count, np.ones(seen.items.size))
    if options.decoding == Decoding.TEMPERATURE:
        power = 1 / options.decoding_value
        # against the mean, so that a low temperature does not overflow
        weight = float(types[counts > 0] @ (counts[counts > 0] / total) ** power)
        return np.full(bins, made / weight / total**power), power, 0, 1.0
    cut, tie, kept = _nucleus(counts, types, options.decoding_value * total)
    return np.full(bins, made / kept), 1.0, cut, tie


def _nucleus(counts: np.ndarray, types: np.ndarray, wanted: float) -> tuple[int, float, float]:
    """The least count still drawn, the part of the types there that is, and the tokens kept."""
    values, member = np.unique(counts, return_inverse=True)
    mass = values * np.bincount(member, weights=types)
    above = mass[::-1].cumsum()[::-1] - mass
    at = int(np.flatnonzero(above < wanted)[0])
    tie = min(1.0, (wanted - above[at]) / mass[at]) if mass[at] > 0 else 1.0
    return int(values[at]), float(tie), float(above[at] + tie * mass[at])
