"""Anchors: the best trusted first, matched to the corpus, doubted where two of them disagree."""

import numpy as np
import pytest

from auditor.estimate.fraction.anchors import Anchors, AnchorSet, Trust, chosen, disagreement, matched
from auditor.estimate.fraction.checks.goodness import MOST_TOLERANCE, TOLERANCE, excess_misfit, own_distance
from auditor.estimate.fraction.checks.overlap import SEPARATED, VAGUE, human_like, learn_overlap, share_of
from auditor.estimate.fraction.counts import BINS, GROUPS, ScoreCounts, coarse_bins
from auditor.estimate.fraction.domain_shift import (
    NODES,
    DensityPrior,
    default_prior,
    human_units,
    learn_prior,
    log_density,
)


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


def test_coarse_bins_hold_equal_shares_and_one_bin_where_there_is_nothing():
    histogram = ScoreCounts.of(scores(0, 10000, 2)).histogram[0]
    starts = coarse_bins(histogram, 8)
    assert 4 <= len(starts) <= 8 and starts[0] == 0
    assert coarse_bins(np.zeros(BINS), 8).tolist() == [0]


def test_labels_come_before_references_before_dates_before_bundled_anchors():
    sets = tuple(anchor_set(trust, 200) for trust in (Trust.BUNDLED, Trust.DATED, Trust.REFERENCE))
    used, uses = chosen(Anchors(sets), None)
    assert [a.trust for a in used] == [Trust.REFERENCE]
    assert [(u.trust, u.used) for u in uses] == [(1, 200), (2, 0), (3, 0)]
    few = (anchor_set(Trust.LABELS, 12), *sets)
    assert [a.trust for a in chosen(Anchors(few), None)[0]] == [Trust.LABELS, Trust.REFERENCE]


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


def test_a_prior_survives_its_json_and_another_grid_is_refused():
    prior = default_prior()
    again = DensityPrior.from_dict(prior.as_dict())
    assert np.allclose(again.machine_spread, prior.machine_spread, atol=1e-5)
    assert again.shifts == prior.shifts
    with pytest.raises(ValueError, match="another version"):
        DensityPrior.from_dict(prior.as_dict() | {"schema": 0})


def test_priors_learn_where_machine_scores_lie_and_how_far_domains_move():
    rng = np.random.default_rng(14)
    tables = []
    for _ in range(12):
        place, unit = rng.normal(-2, 1.0), np.exp(rng.normal(0, 0.2))
        human = rng.normal(place, unit, 800)
        tables.append((human, [rng.normal(place + unit * rng.normal(2.5, 0.3), unit, 400) for _ in range(3)]))
    prior = learn_prior(tables)
    density = np.exp(prior.machine_mean)
    assert NODES @ density / density.sum() == pytest.approx(2.4, abs=0.4)
    assert prior.shifts[Trust.BUNDLED].location == pytest.approx(1.0, rel=0.5)
    assert prior.shifts[Trust.BUNDLED].scale == pytest.approx(0.2, rel=0.6)
    assert prior.tables == 36


def test_human_units_are_median_and_spread():
    assert human_units(scores(3, 50000, 15)) == pytest.approx((3, 0.994), abs=0.02)
    assert np.exp(log_density(scores(0, 5000, 16))).sum() * 0.5 == pytest.approx(1, abs=0.02)


def test_what_scores_like_human_text_is_learned_with_its_dependence_on_how_well_the_rest_is_told():
    rng = np.random.default_rng(17)
    tables = []
    for _ in range(400):
        odds = rng.uniform(0.5, 3.5)
        share = 1 / (1 + np.exp(-(-2 - 1.5 * (odds - SEPARATED) + 0.7 * rng.normal())))
        area = 1 / (1 + np.exp(-odds))
        tables.append((rng.poisson(60 * share), 60, (1 - share) * area + share / 2))
    assert learn_overlap(tables) == pytest.approx((-2, -1.5, 0.7), abs=0.2)
    assert learn_overlap([(95, 100, 0.52), (3, 100, 0.4)]) == VAGUE


def test_the_human_like_share_of_a_mixture_is_the_human_part():
    human = scores(0, 20000, 18)
    machine = np.concatenate([scores(0, 600, 19), scores(5, 1400, 20)])
    assert share_of(*human_like(human, machine)) == pytest.approx(0.3, abs=0.03)
    assert share_of(*human_like(human, scores(6, 500, 21))) < 0.01
