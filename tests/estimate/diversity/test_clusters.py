"""Documents that repeat count once: the effective number of documents, by hand."""

from dataclasses import fields

import numpy as np
import pytest

from auditor.estimate.diversity.measure import effective_documents, lost_documents
from auditor.records import Status


def values(found) -> dict[str, float]:
    return {f.name: getattr(found, f.name).value for f in fields(found)}


def test_clusters_of_one_size_count_as_their_number():
    assert values(effective_documents([20], [5], 100)) == pytest.approx({"q0": 5, "q1": 5, "q2": 5})


def test_documents_that_all_differ_are_all_there():
    found = effective_documents([], [], 8)
    assert values(found) == pytest.approx({"q0": 8, "q1": 8, "q2": 8})
    assert values(lost_documents(found, 8)) == pytest.approx({"q0": 0, "q1": 0, "q2": 0})


def test_a_large_cluster_weighs_more_in_higher_orders():
    shares = np.array([0.5] + [0.05] * 10)
    found = values(effective_documents([50, 5], [1, 10], 100))
    assert found == pytest.approx(
        {"q0": 11, "q1": np.exp(-np.sum(shares * np.log(shares))), "q2": 1 / np.sum(shares**2)}
    )


def test_nothing_is_not_measured():
    found = effective_documents([], [], 0)
    assert found.q1.status == lost_documents(found, 0).q1.status == Status.NOT_MEASURED
