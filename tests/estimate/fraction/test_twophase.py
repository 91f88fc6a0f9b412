"""Cheap scores on all documents and labels on some: unbiased, covering, and narrower than labels alone."""

import numpy as np
import polars as pl
import pytest

from auditor.estimate.fraction.checks.crosschecks import lang_reiczigel
from auditor.estimate.fraction.counts import BINS
from auditor.estimate.fraction.review import (
    check_labels,
    estimate_from_labels,
    review_allocation,
    review_sample,
)
from auditor.estimate.fraction.twophase import (
    Strata,
    corrected_for_error,
    difference_estimate,
    neyman_allocation,
    width_after,
)
from auditor.records import Estimate, Status


def population(rng, n=4000):
    cheap = rng.beta(0.4, 2.5, n)
    return cheap, (rng.random(n) < cheap).astype(float)


def one_stratum(y, f, rows):
    return Strata.of([len(y)], [f.mean()], np.zeros(len(rows), int), y[rows], f[rows])


def test_the_difference_estimator_covers_and_beats_the_labels_alone():
    rng = np.random.default_rng(11)
    f, y = population(rng)
    hits, widths, plain = [], [], []
    for _ in range(500):
        e = difference_estimate(one_stratum(y, f, rng.choice(4000, 400, replace=False)))
        hits.append(e.lower <= y.mean() <= e.upper)
        widths.append(e.upper - e.lower)
        plain.append(2 * 1.96 * np.sqrt(0.9 * y.var() / 400))
    assert 0.92 <= np.mean(hits) <= 0.98
    assert np.mean(widths) < 0.9 * np.mean(plain)


def test_half_the_population_labelled_has_the_variance_of_a_finite_population():
    rng = np.random.default_rng(12)
    f, y = population(rng, 1000)
    values = [difference_estimate(one_stratum(y, f, rng.choice(1000, 500, replace=False))) for _ in range(800)]
    spread = np.std([e.value for e in values])
    believed = np.mean([(e.upper - e.lower) / 2 / 1.96 for e in values])
    assert believed == pytest.approx(spread, rel=0.1)


def test_neyman_allocation_follows_size_spread_and_cost():
    drawn = neyman_allocation(np.array([1000, 1000, 2000]), np.array([0.1, 0.4, 0.1]), 700)
    assert drawn.sum() == 700
    assert drawn == pytest.approx([100, 400, 200], abs=2)
    dear = neyman_allocation(np.array([1000, 1000]), np.array([0.3, 0.3]), 1000, cost=np.array([1.0, 4.0]))
    assert dear @ [1, 4] <= 1000 and dear[0] == pytest.approx(2 * dear[1], rel=0.05)
    full = neyman_allocation(np.array([10, 10000]), np.array([500.0, 0.1]), 100)
    assert full[0] == 10 and full.sum() == 100
    assert neyman_allocation(np.array([5, 5]), np.array([0.5, 0.5]), 100).tolist() == [5, 5]


def test_more_labels_buy_width_and_all_of_them_buy_certainty():
    rng = np.random.default_rng(13)
    f, y = population(rng)
    strata = one_stratum(y, f, rng.choice(4000, 200, replace=False))
    now, later = width_after(strata, 600)
    assert later == pytest.approx(now * np.sqrt((200 / 800) * (1 - 800 / 4000) / (1 - 200 / 4000)), rel=0.03)
    assert width_after(strata, 10**6)[1] < 1e-6


def test_no_label_is_not_measured_and_five_are_inconclusive():
    nothing = Strata.of([100], [0.1], np.array([], int), np.array([]), np.array([]))
    assert difference_estimate(nothing).status == Status.NOT_MEASURED
    few = Strata.of([100], [0.1], np.zeros(5, int), np.zeros(5), np.full(5, 0.1))
    found = difference_estimate(few)
    assert found.status == Status.INCONCLUSIVE
    assert found.upper > 0.3


def test_an_expensive_detector_is_corrected_for_its_own_error():
    flagged = Estimate(0.14, 0.12, 0.16, n=1000)
    corrected = corrected_for_error(flagged, (90, 100), (950, 1000))
    assert corrected.value == pytest.approx((0.14 - 0.05) / 0.85, abs=0.003)
    assert corrected.upper - corrected.lower > 0.04


def test_lang_reiczigel_agrees_with_its_formula_worked_by_hand_and_covers():
    value, lower, upper = lang_reiczigel((240, 1000), (90, 100), (95, 100))
    assert value == pytest.approx(0.19 / 0.85)
    assert (lower, upper) == pytest.approx(reference_lang_reiczigel(240, 1000, 90, 100, 95, 100), abs=1e-12)
    rng = np.random.default_rng(14)
    hits = []
    for _ in range(1500):
        flagged = rng.binomial(800, 0.1 * 0.9 + 0.9 * 0.03)
        _, low, high = lang_reiczigel((flagged, 800), (rng.binomial(150, 0.9), 150), (rng.binomial(300, 0.97), 300))
        hits.append(low <= 0.1 <= high)
    assert 0.935 <= np.mean(hits) <= 0.985


def reference_lang_reiczigel(k, n, tp, n1, tn, n0):
    """The formulas of METHODS, section 2, written out without sharing code."""
    z = 1.959963984540054
    nn = n + z**2
    qq = (n * (k / n) + z**2 / 2) / nn
    se, sp = (n1 * (tp / n1) + 1) / (n1 + 2), (n0 * (tn / n0) + 1) / (n0 + 2)
    p = (qq + sp - 1) / (se + sp - 1)
    v = qq * (1 - qq) / nn + p**2 * se * (1 - se) / (n1 + 2) + (1 - p) ** 2 * sp * (1 - sp) / (n0 + 2)
    v /= (se + sp - 1) ** 2
    d = 2 * z**2 * (p * se * (1 - se) / (n1 + 2) - (1 - p) * sp * (1 - sp) / (n0 + 2))
    return p + d - z * v**0.5, p + d + z * v**0.5


def test_labels_are_checked_before_they_count():
    labels = pl.DataFrame(
        {
            "id": ["a", "b", "c", "c", "d", "zz", "e", "f", "f"],
            "label": ["human", "AI ", "ai", "human", "robot", "ai", "unsure", "ai", "ai"],
            "rater": ["x", "x", "x", "y", "x", "x", "x", "x", "y"],
        }
    )
    checked = check_labels(labels, pl.Series(["a", "b", "c", "d", "e", "f"]))
    assert dict(checked.usable.iter_rows()) == {"a": "human", "b": "ai", "f": "ai"}
    assert set(checked.problems["problem"]) == {"unknown id", "unknown answer", "raters contradict each other"}
    assert checked.twice == 2


def test_review_is_blind_and_goes_where_labels_narrow_most():
    rng = np.random.default_rng(15)
    histogram, posterior = np.zeros(BINS), np.zeros(BINS)
    histogram[[10, 50, 90]], posterior[[50, 90]] = [8000, 1000, 1000], [0.5, 0.99]
    allocation = review_allocation(histogram, posterior, 100)
    assert allocation.sum() == 100
    assert allocation[50] / 1000 > 2 * allocation[10] / 8000
    frame = pl.DataFrame({"id": range(600), "bin": np.repeat([10, 50, 90], 200), "score_x": 0.0, "excerpt": "t"})
    shown = review_sample(frame, allocation, rng)
    assert shown.height == 100 and shown["id"].n_unique() == 100
    assert shown.columns == ["id", "excerpt"]


def test_labels_correct_a_wrong_posterior():
    rng = np.random.default_rng(16)
    histogram, truth = np.zeros(BINS), np.zeros(BINS)
    histogram[[20, 40, 60]], truth[[20, 40, 60]] = [6000, 3000, 1000], [0.01, 0.3, 0.95]
    wrong = np.clip(truth * 0.4, 0, 1)
    bins = np.repeat([20, 40, 60], [100, 200, 100])
    answers = np.where(rng.random(400) < truth[bins], "ai", "human")
    found = estimate_from_labels(histogram, wrong, bins, answers)
    share = (histogram @ truth) / histogram.sum()
    assert found["synthetic_fraction"].lower < share < found["synthetic_fraction"].upper
    assert found["synthetic_fraction"].upper - found["synthetic_fraction"].lower < 0.07
    assert found["mixed_fraction"].upper < 0.05
