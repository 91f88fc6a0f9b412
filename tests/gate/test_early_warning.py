"""The control chart keeps its false-alarm rate, sees a change, and says when it began."""

import numpy as np
import pytest

from auditor.gate.early_warning import FALSE_ALARMS, HORIZON, alarm_limit, early_warning, self_started


@pytest.mark.parametrize(("mean", "spread"), [(0.1, 0.01), (0.3, 0.2), (-5.0, 1e-6)])
def test_stable_series_raise_false_alarms_at_the_stated_rate(mean, spread):
    rng = np.random.default_rng(3)
    alarms = sum(early_warning(rng.normal(mean, spread, HORIZON)).alarm is not None for _ in range(500))
    assert 0.02 * 500 <= alarms <= 0.085 * 500
    assert FALSE_ALARMS == 0.05


def test_a_step_is_seen_soon_and_dated():
    rng = np.random.default_rng(4)
    seen, begun = [], []
    for _ in range(200):
        values = rng.normal(0.05, 0.01, HORIZON)
        values[12:] += 0.03
        chart = early_warning(values)
        if chart.alarm is not None and chart.alarm >= 12:
            seen.append(chart.alarm - 12)
            begun.append(chart.since - 12)
    assert len(seen) > 180
    assert np.median(seen) <= 2
    assert abs(np.median(begun)) <= 1


def test_the_other_direction_raises_no_alarm():
    values = np.r_[np.random.default_rng(5).normal(0.3, 0.01, 12), np.full(12, 0.1)]
    assert early_warning(values).alarm is None
    assert early_warning(values, upward=False).alarm is not None


def test_self_started_scores_are_standard_normal_and_independent():
    rng = np.random.default_rng(6)
    u = np.stack([self_started(rng.normal(7, 3, 12))[2:] for _ in range(3000)])
    assert np.abs(u.mean(0)).max() < 0.08
    assert np.abs(u.std(0) - 1).max() < 0.06
    assert np.abs(np.corrcoef(u.T) - np.eye(10)).max() < 0.08


def test_gaps_and_equal_values_are_no_alarm():
    assert early_warning(np.array([])).alarm is None
    assert early_warning(np.full(30, np.nan)).alarm is None
    assert early_warning(np.full(30, 0.2)).alarm is None
    assert alarm_limit(48, 0.05) > alarm_limit(24, 0.05) > alarm_limit(24, 0.2)
