"""Figures of accuracy against known values."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from auditor.detectors.evaluation import first_tier as evaluation
from auditor.errors import DetectorError

RNG = np.random.default_rng(11)


def test_rates_equal_those_of_scikit_learn_with_ties_and_weights():
    scores, machine = RNG.integers(0, 30, 400).astype(float), RNG.random(400) < 0.4
    scores += 5 * machine
    weights = RNG.random((2, 400))
    found = evaluation.rates(scores, machine, weights)
    for row, w in zip(found, weights, strict=True):
        assert row[0] == pytest.approx(roc_auc_score(machine, scores, sample_weight=w))
        assert row[1] == pytest.approx(average_precision_score(machine, scores, sample_weight=w))
    assert np.all(np.diff(found[:, 2:], axis=1) <= 0)


def test_a_folder_without_scores_says_what_to_run(tmp_path):
    with pytest.raises(DetectorError, match="auditor detectors train"):
        evaluation.read_scores(tmp_path)
