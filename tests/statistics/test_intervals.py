"""Intervals agree with published values and cover as often as they say."""

import numpy as np
import pytest
from scipy import stats

from auditor.statistics.intervals import dkw_band, finite_proportion, shortest_interval, wilson


def test_wilson_agrees_with_scipy():
    for successes, n in ((0, 10), (3, 10), (10, 10), (48, 5000)):
        interval = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
        assert wilson(successes, n) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_nothing_drawn_says_nothing_and_a_full_count_says_all():
    assert wilson(0, 0) == finite_proportion(0, 0, 50) == (0.0, 1.0)
    assert finite_proportion(7, 50, 50) == (0.14, 0.14)


def test_the_finite_population_interval_covers_and_is_narrower_than_the_infinite_one():
    population, drawn = 100, 40
    for machine in (0, 3, 20, 50):
        outcomes = np.arange(max(0, drawn + machine - population), min(machine, drawn) + 1)
        chance = stats.hypergeom.pmf(outcomes, population, machine, drawn)
        covered = [
            low <= machine / population <= high
            for low, high in (finite_proportion(int(k), drawn, population) for k in outcomes)
        ]
        assert chance @ np.array(covered) >= 0.95
    low, high = finite_proportion(8, drawn, population)
    infinite = stats.binomtest(8, drawn).proportion_ci(0.95, method="exact")
    assert high - low < 0.85 * (infinite.high - infinite.low)


def test_the_band_around_a_distribution_function_covers_without_being_needlessly_wide():
    rng = np.random.default_rng(4)
    n = 200
    steps = np.arange(1, n + 1) / n
    worst = [
        max(np.abs(steps - x).max(), np.abs(steps - 1 / n - x).max()) for x in np.sort(rng.random((1000, n)), axis=1)
    ]
    assert 0.93 <= np.mean(np.array(worst) <= dkw_band(n)) <= 0.99


def test_a_pile_of_draws_at_zero_gives_an_interval_that_holds_zero():
    rng = np.random.default_rng(5)
    assert shortest_interval(np.abs(rng.normal(0, 0.01, 2000)))[0] == 0.0
    low, high = shortest_interval(rng.normal(0.3, 0.01, 20000))
    assert low == pytest.approx(0.2804, abs=0.003)
    assert high == pytest.approx(0.3196, abs=0.003)
