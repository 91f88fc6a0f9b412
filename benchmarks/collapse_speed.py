"""Simulation speed against a plain numpy multinomial of the same model, in one run, and the spectrum of 1e8 types.

Run: python benchmarks/collapse_speed.py [OUT.json]; times are CPU seconds of one process, best of several.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from auditor.collapse.options import Regime
from auditor.collapse.simulate.options import SimulationOptions
from auditor.collapse.simulate.simulation import run
from auditor.collapse.simulate.source import prepare, zipf

GENERATIONS, SHARE = 10, 0.1


def best(function: Callable[[], object], times: int) -> float:
    """The least CPU time of several calls: the machine is shared."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return min(taken)


def plain(tokens: int, types: int) -> Callable[[], int]:
    """Wright-Fisher with immigration as anybody would write it: one multinomial over all types per generation."""
    weights = 1 / np.arange(1, types + 1)
    source = weights / weights.sum()
    rng = np.random.default_rng(0)

    def generations() -> int:
        counts = rng.multinomial(tokens, source)
        for _ in range(GENERATIONS):
            counts = rng.multinomial(tokens, SHARE * source + (1 - SHARE) * counts / tokens)
        return int((counts > 0).sum())

    return generations


def binned(tokens: int, types: int, generations: int = GENERATIONS, regime: Regime = Regime.REPLACE_FRESH) -> Callable:
    options = SimulationOptions(tokens, generations, SHARE, regime)
    rng = np.random.default_rng(0)
    # bins are made anew each time: they are part of the job
    return lambda: run(prepare(zipf(types), options), options, rng).quantities[-1, 0]


def main(out: Path) -> None:
    binned(1000, 1000)()
    rows = []
    for tokens in (100_000, 1_000_000, 10_000_000, 100_000_000):
        simple, ours = plain(tokens, 1_000_000), binned(tokens, 1_000_000)
        slow, fast = best(simple, 3), best(ours, 40)
        rows.append({"types": 10**6, "tokens": tokens, "generations": GENERATIONS, "numpy_s": slow, "binned_s": fast})
        rows[-1] |= {"times_faster": slow / fast, "types_left_numpy": simple(), "types_left_binned": int(ours())}
        print(rows[-1], flush=True)
    large = []
    for regime in Regime:
        for tokens in (10**9, 10**10):
            taken = best(binned(tokens, 10**8, 30, regime), 1)
            large.append(
                {"types": 10**8, "tokens": tokens, "generations": 30, "regime": str(regime), "binned_s": taken}
            )
            print(large[-1], flush=True)
    out.write_text(json.dumps({"against_numpy": rows, "hundred_million_types": large}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".json"))
