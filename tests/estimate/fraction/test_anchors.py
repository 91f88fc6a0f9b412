"""Anchors: the best trusted first, matched to the corpus, doubted where two of them disagree."""

import numpy as np
import pytest

from auditor.detectors.first_tier import Ensemble
from auditor.estimate.fraction.anchors import AnchorSet, disagreement, matched
from auditor.estimate.fraction.bundled import bundled_calibration
from auditor.estimate.fraction.checks.goodness import MOST_TOLERANCE, TOLERANCE, excess_misfit, own_distance
from auditor.estimate.fraction.counts import BINS, CENTRES, ScoreCounts
from auditor.estimate.fraction.shift_prior import ShiftPrior, learn_shift_prior
from auditor.known_scores import KnownScores
from auditor.run_columns import GROUPS


def scores(centre, n, seed):
    return np.random.default_rng(seed).normal(centre, 1, n)


def anchor_set(trust, n, centre=0.0, seed=0, origin=""):
    return AnchorSet(origin or trust.name, trust, ScoreCounts.of(scores(centre, n, seed)))


def test_counts_merge_in_any_order_and_lose_nothing():
    rng = np.random.default_rng(1)
    parts = [ScoreCounts.of(rng.normal(size=50), scopes=[name]) for name in "abca"]
    forward = parts[0] + parts[1] + parts[2] + parts[3]
    backward = parts[3] + parts[2] + parts[1] + parts[0]
    for name in "abc":
        a, b = forward.scopes.index(name), backward.scopes.index(name)
        assert (forward.documents[a] == backward.documents[b]).all()
    assert forward.pooled().sizes[0] == 200


def test_scores_that_are_no_numbers_are_counted_apart_and_extreme_ones_kept():
    counts = ScoreCounts.of(np.array([np.nan, np.inf, -50.0, 50.0, 0.0]), tokens=np.array([1, 2, 3, 4, 5]))
    assert counts.unscored[0] == 2 and counts.sizes[0] == 3
    assert counts.histogram[0, 0] == counts.histogram[0, -1] == 1
    assert counts.tokens.sum() == 12
    assert counts.documents.shape == (1, GROUPS, BINS)


def test_matching_reweights_cells_and_says_how_much_is_matched():
    a, b = (
        ScoreCounts.of(scores(-2, 900, 3), scopes=["en/long"]),
        ScoreCounts.of(scores(2, 100, 4), scopes=["en/short"]),
    )
    weighted, effective, share = matched(a + b, {"en/long": 50.0, "en/short": 50.0})
    centre = np.linspace(-12, 12, BINS + 1)[:-1] + 0.125
    assert weighted.sum(0) @ centre / weighted.sum() == pytest.approx(0, abs=0.15)
    assert effective == pytest.approx(1 / (0.25 / 900 + 0.25 / 100), rel=1e-6)
    assert share == 1.0
    assert matched(a, {"en/long": 30.0, "zh": 70.0})[2] == pytest.approx(0.3)
    assert matched(a, {"zh": 70.0})[2] == 0.0


def test_a_contaminated_set_is_seen_beside_a_clean_one():
    clean = ScoreCounts.of(scores(-2, 3000, 5))
    dirty = ScoreCounts.of(np.concatenate([scores(-2, 2700, 6), scores(3, 300, 7)]))
    excess, noise = disagreement(clean, dirty)
    assert excess == pytest.approx(0.1, abs=0.02) and excess > noise
    assert disagreement(clean, ScoreCounts.of(scores(-2, 3000, 8)))[0] < noise


def test_misfit_is_nothing_for_a_fitting_density_and_the_excess_for_another():
    rng = np.random.default_rng(9)
    density = np.full(20, 0.05)
    fitting = rng.multinomial(5000, density, size=200).astype(float)
    assert np.mean(excess_misfit(fitting, np.tile(density, (200, 1)), effect=1.0, tolerance=0.0) > 0) < 0.1
    moved = np.r_[np.full(10, 0.06), np.full(10, 0.04)]
    found = excess_misfit(5000.0 * moved[None], density[None], effect=1.0, tolerance=0.01)
    assert found[0] == pytest.approx(0.1 - 0.01 - 0.025, abs=0.012)


def test_anchors_of_unlike_cells_are_their_own_yardstick():
    starts = np.arange(0, BINS, 4)
    alike = ScoreCounts.of(scores(0, 2000, 10), scopes=["a"]) + ScoreCounts.of(scores(0, 2000, 11), scopes=["b"])
    unlike = ScoreCounts.of(scores(-1, 2000, 12), scopes=["a"]) + ScoreCounts.of(scores(1, 2000, 13), scopes=["b"])
    assert own_distance(alike, starts) < 0.02
    assert own_distance(unlike, starts) == MOST_TOLERANCE
    assert own_distance(unlike.take([0]), starts) == TOLERANCE


def test_the_prior_learns_where_generators_lie_and_leaves_out_what_scores_like_human_text():
    human = [scores(0.0, 300, i) for i in range(5)]
    machine = [
        [ScoreCounts.of(scores(c + move, 100, 10 + i)).histogram[0].astype(float) for move in (-0.5, 0.5)]
        for i, c in enumerate((0, 2, 2.5, 3, 4))
    ]
    prior = learn_shift_prior(human, machine, {"within": 0.4})
    assert prior.profiles.sum(1) == pytest.approx(1) and prior.weights.sum() == pytest.approx(1)
    assert 2.2 < float(prior.weights @ prior.profiles @ CENTRES) < 3.6
    placed = prior.where_placed()
    assert placed.profiles.sum(1) == pytest.approx(1) and placed.weights.sum() == pytest.approx(1)
    assert 2.2 < float(placed.weights @ placed.profiles @ CENTRES) < 3.6
    widths = [np.sqrt(p.profiles @ CENTRES**2 - (p.profiles @ CENTRES) ** 2)[:-1].mean() for p in (prior, placed)]
    assert widths[1] < widths[0]  # domains of one generator differ in place
    assert prior.within == 0.4
    assert learn_shift_prior([], [], {}).profiles.shape == ShiftPrior.vague().profiles.shape


def test_a_calibration_of_another_grid_is_not_used():
    found = bundled_calibration(KnownScores(bins=10))
    assert not found.variance and found.prior("en").profiles.shape[1] == BINS


def test_the_calibration_that_ships_has_priors_by_language_and_a_variance_for_every_kind():
    known = Ensemble.load().calibration.known
    found = bundled_calibration(known)
    assert "en" in found.priors and found.machine.sum() > 0
    assert set(found.variance) == {row.kind for row in known.kinds}
