"""Heads are written as they are read, cut off what is far, and are refused where they are of other columns."""

import json

import numpy as np
import pytest

from auditor.detectors.deep import linear_head
from auditor.detectors.deep.linear_head import FAR, Head
from auditor.errors import DetectorError


@pytest.fixture
def head():
    return Head(np.array([1.0, -2.0]), np.array([0.5, 4.0]), np.array([2.0, -1.0]), 0.25)


def test_a_logit_is_a_weighted_sum_of_standard_columns(head):
    found = head.logit(np.array([[1.5, 2.0], [1.0, -2.0], [np.nan, 0.0]], np.float32))
    assert found[:2].tolist() == [0.25 + 2.0 - 1.0, 0.25] and np.isnan(found[2])


def test_what_is_far_counts_no_more(head):
    assert head.logit(np.array([[1e9, -2.0]]))[0] == 0.25 + FAR * 2


def test_what_is_written_is_read_with_a_mark_of_its_version(head, tmp_path):
    file = tmp_path / "head.json"
    file.write_text(json.dumps({"layer": 3} | head.as_dict()))
    found, mark = linear_head.read(file, layer=3)
    assert found.as_dict() == head.as_dict()
    file.write_text(json.dumps({"layer": 3} | head.as_dict() | {"intercept": 0.5}))
    assert linear_head.read(file, layer=3)[1] != mark


@pytest.mark.parametrize("text", [None, "{", "[]", '{"layer": 2}', '{"layer": 3}', '{"layer": 3, "centre": "x"}'])
def test_a_head_that_is_missing_damaged_or_of_other_columns_is_refused_with_what_to_do(tmp_path, text):
    file = tmp_path / "head.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DetectorError, match="auditor detectors train --deep"):
        linear_head.read(file, layer=3)
