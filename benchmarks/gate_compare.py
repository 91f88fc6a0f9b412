"""What pairing two audits gains: width and coverage of the change, in one fit and taken as independent.

Scores are simulated: one human and one machine density, few human anchors that both audits share, shards of which some
stand in both audits. Usage: python benchmarks/gate_compare.py [--repeats 100]
"""

import argparse
import json
from pathlib import Path

import numpy as np

from auditor.config import Config
from auditor.detectors.first_tier import Ensemble
from auditor.estimate.fraction.anchors import AnchorSet, Trust
from auditor.estimate.fraction.bundled import bundled_anchors, with_bundled
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.joint_fit import CORPUS, FRACTIONS, Evidence, pair
from auditor.estimate.fraction.prevalence import estimate_prevalence
from auditor.gate.significance import difference

SHARDS, DOCUMENTS, ANCHORS = 8, 400, 300
RESULT = Path(__file__).parent / "results" / "gate_compare.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    repeats = parser.parse_args().repeats
    ensemble = Ensemble.load(Config().detectors)
    rows = []
    for shared in (0, 4):
        for step in (0.0, 0.05):
            tried = [
                once(ensemble, np.random.default_rng([i, shared, round(100 * step)]), shared, step)
                for i in range(repeats)
            ]
            row = {"shards_in_both": shared, "shards": SHARDS, "step_points": 100 * step, "repeats": repeats}
            for name, place in (("paired", 0), ("independent", 1)):
                found = [(truth, both[place]) for truth, *both in tried]
                judged = [(e.lower <= truth <= e.upper, e.upper - e.lower, e.lower > 0) for truth, e in found]
                covered, width, seen = np.mean(np.array(judged, float), axis=0)
                row[name] = {"coverage": covered, "mean_width_points": 100 * width, "seen_as_worse": seen}
            rows.append(row)
            print(row, flush=True)
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")


def once(ensemble: Ensemble, rng: np.random.Generator, shared: int, step: float) -> tuple:
    """True change in the very documents, the paired and the independent estimate of it."""
    human, machine = rng.normal(-3, 0.4), rng.normal(1.5, 0.4)  # domains and generators differ from audit to audit
    own = AnchorSet("reference", Trust.REFERENCE, ScoreCounts.of(rng.normal(human, 1.5, ANCHORS)))
    a = [shard(rng, human, machine, fraction) for fraction in rng.beta(1, 9, SHARDS)]
    b = a[:shared] + [
        shard(rng, human, machine, min(fraction + step * SHARDS / (SHARDS - shared), 1))
        for fraction in rng.beta(1, 9, SHARDS - shared)
    ]
    contents = [{f"{i}": "" if i >= shared else f"same {i}" for i in range(SHARDS)}] * 2
    sides = [Evidence(side(shards), (own,), (), {"": 1.0}, None) for shards in (a, b)]
    joint = pair(*sides, (contents[0], contents[1]), calibration=ensemble.calibration()).change(
        FRACTIONS[0], CORPUS, 0.95
    )
    alone = []
    for evidence in sides:
        anchors = with_bundled(evidence.human, (), bundled_anchors(ensemble.calibration()))
        found = estimate_prevalence(evidence.target, anchors, np.random.default_rng([0, 5]), cells=evidence.cells)
        alone.append((found.corpus.documents[0], found.corpus.replicates[:, 0]))
    (before, draws), (now, later) = alone
    truth = np.mean([share for _, share in b]) - np.mean([share for _, share in a])
    return truth, joint, difference(now, before, (later, draws))


def shard(rng: np.random.Generator, human: float, machine: float, fraction: float) -> tuple[np.ndarray, float]:
    """Scores (DOCUMENTS,) and the share of machine text that came out."""
    made = rng.random(DOCUMENTS) < fraction
    return np.where(made, rng.normal(machine, 1.8, DOCUMENTS), rng.normal(human, 1.5, DOCUMENTS)), float(made.mean())


def side(shards: list[tuple[np.ndarray, float]]) -> ScoreCounts:
    scores = np.concatenate([scores for scores, _ in shards])
    return ScoreCounts.of(
        scores, scope_of=np.repeat(np.arange(SHARDS), DOCUMENTS), scopes=[str(i) for i in range(SHARDS)]
    )


if __name__ == "__main__":
    main()
