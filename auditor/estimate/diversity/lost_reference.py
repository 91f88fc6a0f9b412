"""What a human reference must be before anything is measured against it."""

from __future__ import annotations

import numpy as np

from auditor.estimate.diversity.spectrum import Counted, Spectrum

NO_REFERENCE = "no human reference"
LEAST_TOKENS = 5_000
MUCH_SMALLER = 0.1
# Measured: halves of one English corpus 94%, unlike English corpora 92%; against English German 28, French 40, Spanish
# 42% (names, numbers and short words are shared).
SAME_LANGUAGE = 0.5


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
