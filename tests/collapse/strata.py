"""Strata and shards to size: a Zipf corpus of which everything is known."""

import numpy as np

from auditor.collapse.spectrum import Spectrum
from auditor.collapse.stratum import Shard, Stratum
from auditor.records import Estimate


def estimate(value: float, half: float = 0.0) -> Estimate:
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0), method="given")


def zipf_spectrum(types: int = 20_000, tokens: int = 200_000, exponent: float = 1.0, seed: int = 0) -> Spectrum:
    weights = np.arange(1, types + 1) ** -exponent
    return Spectrum.of_counts(np.random.default_rng(seed).poisson(tokens * weights / weights.sum()))


def stratum(name: str = "en", **changes) -> Stratum:
    fields = {
        "tokens": 2e9,
        "documents": 4e6,
        "bytes": 1.2e10,
        "fraction": estimate(0.1, 0.03),
        "spectrum": zipf_spectrum(),
        "tail_retention": estimate(0.98, 0.01),
    }
    return Stratum(name, **(fields | changes))


def shards(ratio: float = 0.8, count: int = 8) -> list[Shard]:
    """Shards from 2 to 18% synthetic whose tail shrank by that decoding ratio."""
    out = []
    for i, fraction in enumerate(np.linspace(0.02, 0.18, count)):
        retention = estimate(1 - (1 - ratio) * fraction, 0.01)
        out.append(Shard(f"{i}.jsonl", 2.5e8, 5e5, 1.5e9, estimate(fraction, 0.01), retention, estimate(0.1, 0.01)))
    return out
