"""Two audits fitted together: the change is found, and what both share cancels."""

import numpy as np
import pytest

from auditor.estimate.fraction.joint_fit import CORPUS, FRACTIONS, Evidence, Unpaired, pair
from auditor.estimate.fraction.scopes import PrevalenceOptions
from tests.estimate.fraction.worlds import atoms, calibration, human_scores, mixed, reference

QUICK = PrevalenceOptions(draws=80, warm_up=50)
NAMES = tuple("pqrst")
KIND = {"en/plain": 0.0}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def sides(rng):
    shared = {name: mixed(a, 600, rng) for name, a in zip("pqr", (0.0, 0.05, 0.1), strict=True)}
    a = shared | {"s": mixed(0.2, 600, rng)}
    b = shared | {"s": mixed(0.5, 600, rng), "t": mixed(0.05, 600, rng)}
    human = reference(600, rng)
    contents = [{name: name if name in shared else name + side for name in NAMES} for side in "ab"]
    return evidence(a, human), evidence(b, human), (contents[0], contents[1])


def evidence(shards, human, shift=KIND):
    return Evidence(tuple(shards), atoms(shards), (human,), (), shift)


def test_a_known_change_is_found_and_unchanged_shards_have_none(sides, rng):
    a, b, contents = sides
    found = pair(a, b, contents, calibration=calibration(rng), shards=[("p", "p"), ("s", "s")], options=QUICK)
    whole = found.change(FRACTIONS[0], CORPUS, 0.95)
    truth = (0 + 0.05 + 0.1 + 0.5 + 0.05) / 5 - (0 + 0.05 + 0.1 + 0.2) / 4
    assert whole.lower < truth < whole.upper
    assert whole.upper - whole.lower < 0.2
    assert found.change(FRACTIONS[0], ("p", "p"), 0.95).upper == 0
    assert found.change(FRACTIONS[0], ("s", "s"), 0.95).lower > 0.05
    assert found.change(FRACTIONS[0], ("nothing", "p"), 0.95) is None


def test_both_directions_agree(sides, rng):
    a, b, (first, second) = sides
    known = calibration(rng)
    forth = pair(a, b, (first, second), calibration=known, options=QUICK).change(FRACTIONS[0], CORPUS, 0.95)
    back = pair(b, a, (second, first), calibration=known, options=QUICK).change(FRACTIONS[0], CORPUS, 0.95)
    assert forth.value == pytest.approx(-back.value, abs=0.03)


def test_other_references_share_nothing(sides, rng):
    a, b, contents = sides
    other = Evidence(b.shards, b.atoms, (reference(600, rng, scores=human_scores(600, rng)),), (), KIND)
    with pytest.raises(Unpaired, match="reference"):
        pair(a, other, contents, calibration=calibration(rng), options=QUICK)


def test_audits_whose_anchors_place_a_kind_differently_are_not_paired(sides, rng):
    a, b, contents = sides
    moved = Evidence(b.shards, b.atoms, b.human, b.machine, {"en/plain": 0.4})
    with pytest.raises(Unpaired, match="differently"):
        pair(a, moved, contents, calibration=calibration(rng), options=QUICK)
