"""Verdicts on 1,000 simulated shards whose truth lies at the bound and on either side: false fails, false passes.

Usage: python benchmarks/gate_verdicts.py   (a minute)
"""

import json
from datetime import date
from pathlib import Path

import numpy as np

from auditor.estimate.fraction.checks.crosschecks import lang_reiczigel
from auditor.gate.judge import judge
from auditor.gate.policy import parse_policy
from auditor.records import Estimate

SHARDS, REPEATS, BOUND = 1000, 20, 0.10
DOCUMENTS, SENSITIVITY, SPECIFICITY, ANCHORS = 2000, 0.9, 0.99, 1000
RESULT = Path(__file__).parent / "results" / "gate_verdicts.json"
POLICY = parse_policy(
    f'[[rule]]\nname = "r"\nscope = "shard"\nquantity = "synthetic_fraction"\nerror_above = {BOUND}\n'
)
# Share of shards by truth: most are fine, some at the bound, a few far over it.
MIXES = {
    "all at the bound": {0.10: 1.0},
    "half at the bound, half well under": {0.10: 0.5, 0.05: 0.5},
    "one in twenty over": {0.05: 0.55, 0.10: 0.40, 0.15: 0.05},
    "a third over": {0.05: 0.34, 0.08: 0.33, 0.13: 0.33},
}


def main() -> None:
    rows = []
    for name, mix in MIXES.items():
        tallies: dict[float, dict[str, int]] = {truth: {} for truth in mix}
        share, any_fail = [], 0
        for repeat in range(REPEATS):
            rng = np.random.default_rng([repeat, len(rows)])
            truth = np.repeat(list(mix), [round(SHARDS * part) for part in mix.values()])
            cases = judge(POLICY, figures(truth, rng), today=date(2027, 1, 1)).cases
            fails = false = 0
            for case in cases:
                own = truth[int(case.scope)]
                tallies[own][case.verdict] = tallies[own].get(case.verdict, 0) + 1
                fails += case.verdict == "fail"
                false += case.verdict == "fail" and own <= BOUND
            share.append(false / fails if fails else 0.0)
            any_fail += int(false > 0)
        rows.append(
            {
                "mix": name,
                "shards": SHARDS,
                "repeats": REPEATS,
                "false_discovery_rate": float(np.mean(share)),
                "runs_with_a_false_fail": any_fail / REPEATS,
                "by_truth": [
                    {"truth": t, **{v: n / sum(c.values()) for v, n in sorted(c.items())}} for t, c in tallies.items()
                ],
            }
        )
        print(rows[-1])
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")


def figures(truth: np.ndarray, rng: np.random.Generator) -> dict:
    """Shards counted by an imperfect detector whose error rates are known from anchors, each with its own."""
    out = {}
    hits = rng.binomial(ANCHORS, SENSITIVITY, len(truth))
    clear = rng.binomial(ANCHORS, SPECIFICITY, len(truth))
    machine = rng.binomial(DOCUMENTS, truth)
    flagged = rng.binomial(machine, SENSITIVITY) + rng.binomial(DOCUMENTS - machine, 1 - SPECIFICITY)
    for i in range(len(truth)):
        value, lower, upper = lang_reiczigel((flagged[i], DOCUMENTS), (hits[i], ANCHORS), (clear[i], ANCHORS))
        found = Estimate(min(max(value, lower), upper), lower, upper, 0.95, "rogan_gladen", DOCUMENTS)
        out["shard", str(i)] = {"synthetic_fraction": found}
    return out


if __name__ == "__main__":
    main()
