"""Resampling over groups, many shards at once, samples of shards, agreement of raters."""

import math

import numpy as np
import pytest

from auditor.records import Status
from auditor.statistics.agreement import cohen_kappa, krippendorff_alpha
from auditor.statistics.multiplicity import benjamini_hochberg, false_coverage_level
from auditor.statistics.resampling import design_effect, jackknife_variance
from auditor.statistics.twostage import sample_shards, two_stage_draws, two_stage_ratio


def test_the_group_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(2).normal(size=32)
    left_out = (values.sum() - values) / 31
    assert jackknife_variance(left_out) == pytest.approx(values.var(ddof=1) / 32)


def test_a_group_without_which_nothing_can_be_measured_makes_the_variance_infinite_and_warns_of_nothing(recwarn):
    values = np.array([[1.0, 2.0], [np.inf, 2.5], [1.5, 3.0]])
    found = jackknife_variance(values)
    assert np.isinf(found[0]) and np.isfinite(found[1]) and not recwarn.list
    assert np.isinf(jackknife_variance(np.array([np.inf, 1.0, np.nan])))


def test_clustered_documents_count_as_fewer():
    rng = np.random.default_rng(3)
    weight = np.linspace(-1, 1, 5)
    alone = np.stack([rng.multinomial(100, np.full(5, 0.2)) for _ in range(32)])
    clusters = 10 * np.stack([rng.multinomial(10, np.full(5, 0.2)) for _ in range(32)])
    assert design_effect(alone, weight) < 1.6
    assert 5 < design_effect(clusters, weight) < 18
    assert design_effect(np.zeros((32, 5)), weight) == 1.0


def test_benjamini_hochberg_rejects_as_in_the_papers_example():
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert benjamini_hochberg(np.array(p), rate=0.05).sum() == 4  # 1995, section 3.2: four of fifteen
    assert not benjamini_hochberg(np.array([np.nan, 0.9])).any()


def test_selected_scopes_get_wider_levels():
    assert false_coverage_level(5, 100) == pytest.approx(0.9975)
    assert false_coverage_level(0, 100) == 0.95


def test_a_sample_of_shards_covers_the_corpus_mean():
    rng = np.random.default_rng(6)
    truth = np.clip(rng.gamma(2, 0.05, 60), 0, 1)
    sizes = rng.integers(500, 2000, 60)
    mean = (truth * sizes).sum() / sizes.sum()
    hits, widths = [], []
    for _ in range(600):
        rows = rng.choice(60, 12, replace=False)
        noise = np.sqrt(truth[rows] * (1 - truth[rows]) / sizes[rows])
        seen = truth[rows] + noise * rng.normal(size=12)
        e = two_stage_ratio(seen, noise**2, sizes[rows], 60)
        hits.append(e.lower <= mean <= e.upper)
        widths.append(e.upper - e.lower)
    assert 0.90 <= np.mean(hits) <= 0.985
    assert np.median(widths) < 0.12


def test_reading_every_shard_leaves_no_between_shard_error_and_one_shard_says_nothing():
    full = two_stage_ratio([0.1, 0.3], [0.0, 0.0], [100, 100], 2)
    assert (full.value, full.lower, full.upper) == (pytest.approx(0.2),) * 3
    one = two_stage_ratio([0.1], [0.0], [100], 50)
    assert one.status == Status.INCONCLUSIVE and (one.lower, one.upper) == (0, 1)
    assert two_stage_ratio([], [], [], 5).status == Status.NOT_MEASURED


def test_sampled_shards_are_spread_and_distinct():
    rows = sample_shards(100, 10, np.random.default_rng(7))
    assert len(set(rows)) == 10 and (np.diff(rows) == 10).all()
    assert len(sample_shards(5, 10, np.random.default_rng(8))) == 5


def test_agreement_has_the_published_values():
    # Cohen's kappa: 20 yes-yes, 5, 10, 15 no-no of 50 -> 0.4
    first = np.repeat(["y", "y", "n", "n"], [20, 5, 10, 15])
    second = np.repeat(["y", "n", "y", "n"], [20, 5, 10, 15])
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    # Krippendorff 2011, part A (binary, two observers, ten units): alpha .095
    a = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    b = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    units = np.tile(np.arange(10), 2)
    assert krippendorff_alpha(units, np.array(a + b)) == pytest.approx(0.095, abs=5e-4)
    assert math.isnan(krippendorff_alpha(np.arange(3), np.arange(3)))


def test_joint_draws_over_a_sample_of_shards_cover_the_corpus_mean_though_the_shards_err_together():
    rng = np.random.default_rng(9)
    hits = []
    for _ in range(300):
        truth = np.clip(rng.gamma(2, 0.05, 60), 0, 1)
        sizes = rng.integers(500, 2000, 60)
        rows = rng.choice(60, 15, replace=False)
        wrong = 1 + 0.1 * rng.normal()  # of all shards alike
        draws = truth[rows] * wrong * (1 + 0.1 * rng.normal(size=(200, 1)))
        found = two_stage_draws(draws, sizes[rows].astype(float), 60, rng)
        low, high = np.quantile(found, [0.025, 0.975])
        hits.append(low <= truth @ sizes / sizes.sum() <= high)
    assert 0.91 <= np.mean(hits) <= 0.99
    whole = two_stage_draws(np.array([[0.1, 0.3]]), np.array([1.0, 1.0]), 2, rng)
    assert whole == pytest.approx([0.2])
