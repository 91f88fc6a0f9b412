"""Closed form against simulation: tail survival for human shares 0 to .7 and 1e3 to 1e8 tokens a generation.

Run: python benchmarks/collapse_agreement.py [OUT.md]; every cell is simulated present share minus formula, for types
expected twice in the corpus, over as many types and runs as put its standard error near .001.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from auditor.collapse.closed_forms import presence_fresh
from auditor.collapse.simulate.options import SimulationOptions
from auditor.collapse.simulate.simulation import QUANTITIES, run
from auditor.collapse.simulate.source import prepare
from auditor.collapse.spectrum import Frequencies

SHARES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
TOKENS = (10**3, 10**4, 10**5, 10**6, 10**7, 10**8)
GENERATIONS = 10
EXPECTED = 2.0
OBSERVED_TYPES = 400_000


def gap(tokens: int, share: float, rng: np.random.Generator) -> tuple[float, float]:
    """Simulated minus expected survival, and the standard error of the simulated one over runs."""
    types = tokens / EXPECTED
    source = Frequencies(np.array([1 / types]), np.array([types]), np.zeros(1))
    options = SimulationOptions(tokens, GENERATIONS, share, tail_share=1.0)
    prepared, at = prepare(source, options), QUANTITIES.index("tail_presence")
    runs = max(3, int(OBSERVED_TYPES / types))
    found = [run(prepared, options, rng).quantities[-1, at] for _ in range(runs)]
    expected = presence_fresh(EXPECTED, GENERATIONS, share)
    return float(np.mean(found)) - expected, float(np.std(found, ddof=1) / np.sqrt(runs))


def main(out: Path) -> None:
    rng, lines, worst = np.random.default_rng(0), [], 0.0
    for tokens in TOKENS:
        cells = [gap(tokens, share, rng) for share in SHARES]
        worst = max(worst, *(abs(difference) for difference, _ in cells))
        lines.append(f"| {tokens:.0e} | " + " | ".join(f"{d:+.4f} ({e:.4f})" for d, e in cells) + " |")
        print(lines[-1], flush=True)
    expected = " | ".join(f"{presence_fresh(EXPECTED, GENERATIONS, share):.4f}" for share in SHARES)
    head = ["| tokens | " + " | ".join(f"m = {share}" for share in SHARES) + " |", "|" + "---|" * (len(SHARES) + 1)]
    text = [
        f"Largest difference {worst:.4f}; {GENERATIONS} generations, N p = {EXPECTED:g}. Standard errors in brackets."
    ]
    out.write_text("\n".join([*text, "", *head, f"| formula | {expected} |", *lines]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".md"))
