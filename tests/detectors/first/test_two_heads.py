"""The smooth maximum of two heads: never below either, their shares sum to one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detectors.first.two_heads import TEMPERATURE, shares_of, soft_maximum

HEAD = st.floats(-30, 30)


@given(HEAD, HEAD, st.floats(0, 2))
def test_the_smooth_maximum_lies_between_the_larger_head_and_a_little_more(
    recent: float, earlier: float, offset: float
):
    found = soft_maximum(np.array([[recent, earlier]]), offset)[0]
    larger = max(recent - offset, earlier)
    assert larger - 1e-9 <= found <= larger + TEMPERATURE * np.log(2) + 1e-9


@given(HEAD, HEAD)
def test_shares_are_the_slopes_of_the_smooth_maximum(recent: float, earlier: float):
    heads, step = np.array([recent, earlier]), 1e-5
    slopes = [
        (soft_maximum(heads[None] + step * unit)[0] - soft_maximum(heads[None] - step * unit)[0]) / (2 * step)
        for unit in np.eye(2)
    ]
    assert shares_of(heads).tolist() == pytest.approx(slopes, abs=1e-4)
    assert shares_of(heads).sum() == pytest.approx(1)


def test_a_missing_head_gives_no_score():
    assert np.isnan(soft_maximum(np.array([[np.nan, np.nan]])))[0]
