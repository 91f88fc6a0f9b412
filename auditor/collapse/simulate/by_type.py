"""The same simulation type by type in numpy: for small spectra, where compiling the kernels takes far longer."""

from __future__ import annotations

import math

import numpy as np

from auditor.collapse.options import Regime
from auditor.collapse.simulate.options import Decoding, SimulationOptions
from auditor.collapse.spectrum import Frequencies

MOST_DRAWS = 2e7  # types x generations x replicates: about two seconds


def is_small(source: Frequencies, options: SimulationOptions) -> bool:
    """Whether single draws for every type are fast enough."""
    return float(source.types.sum()) * (options.generations + 1) * options.replicates <= MOST_DRAWS


def run_by_type(source: Frequencies, options: SimulationOptions, rng: np.random.Generator) -> np.ndarray:
    """One run of G generations, quantities (generations + 1, 6) in the order of QUANTITIES; totals are Poisson."""
    order = np.argsort(source.probability, kind="stable")
    types = np.rint(source.types[order]).astype(np.int64)
    tail = np.cumsum(source.mass[order]) <= options.tail_share * (1 + 1e-9)
    tail[0] = True
    probability, in_tail = np.repeat(source.probability[order], types), np.repeat(tail, types)
    replays = options.regime == Regime.REPLACE_REPLAY
    keeps = options.regime in (Regime.ACCUMULATE, Regime.ACCUMULATE_SUBSAMPLE)
    human = options.share * options.tokens * probability
    fixed = rng.poisson(human) if replays else np.zeros(probability.size, np.int64)
    pool = rng.poisson(options.tokens * probability - (human if replays else 0.0)) + fixed
    rows = np.empty((options.generations + 1, 6))
    for generation in range(options.generations + 1):
        thinned = options.regime == Regime.ACCUMULATE_SUBSAMPLE
        seen = rng.binomial(pool, 1 / (generation + 1)) if thinned else pool
        rows[generation] = _measure(seen, probability, in_tail)
        added = rng.poisson(_rates(seen, in_tail, options, rng)) + (fixed if replays else rng.poisson(human))
        pool = pool + added if keeps else added
    return rows


def _measure(seen: np.ndarray, probability: np.ndarray, tail: np.ndarray) -> np.ndarray:
    total = float(seen.sum())
    if total <= 0:
        return np.zeros(6)
    counts = seen[seen > 0].astype(float)
    simpson = float((counts / total) @ (counts / total))
    source_mass = max(float(probability[tail].sum()), 1e-300)
    entropy = math.log(total) - float(counts @ np.log(counts)) / total
    present, mass = (seen[tail] > 0).mean(), seen[tail].sum() / total / source_mass
    return np.array([counts.size, present, mass, math.exp(entropy), 1 / simpson, 1 - simpson])


def _rates(seen: np.ndarray, tail: np.ndarray, options: SimulationOptions, rng: np.random.Generator) -> np.ndarray:
    """Expected synthetic occurrences of each type in the next generation."""
    made, total = (1 - options.share) * options.tokens, float(seen.sum())
    if total <= 0:
        return np.zeros(seen.size)
    share, value = seen / total, options.decoding_value
    if options.decoding == Decoding.RATIO:
        mass = float(share[tail].sum())
        if mass < 1:
            share = share * np.where(tail, value, (1 - value * mass) / (1 - mass))
    elif options.decoding == Decoding.TEMPERATURE:
        share = np.where(seen > 0, share, 0.0) ** (1 / value)
        share /= share.sum()
    elif options.decoding == Decoding.TOP_P:
        # types of equal count are taken in random order until their share of the text is reached
        order = np.lexsort((rng.random(seen.size), -seen))
        carried = np.cumsum(share[order])
        kept = np.zeros(seen.size, bool)
        kept[order[: int(np.searchsorted(carried, value * (1 - 1e-12))) + 1]] = True
        share = np.where(kept, share, 0.0) / share[kept].sum()
    return made * share
