"""Human units: planted locations and scales are taken out, lengths between bands lie between them."""

import numpy as np
import pytest

from auditor.detectors.first.kinds import SoftKinds
from auditor.detectors.first.units import CENTRES, KindTable, LengthTerm, standard_words


def test_scores_of_a_kind_become_its_units():
    table = KindTable(("a", "b"), np.array([1.0, -1.0]), np.log([2.0, 0.5]))
    kinds = SoftKinds(("a", "b"), np.array([[0, 1, 0], [1, 0, 0]]), np.array([[1.0, 0, 0], [1.0, 0, 0]]))
    assert table.soft_units(np.array([3.0, -1.5]), kinds).tolist() == pytest.approx([1.0, -1.0])


def test_soft_kinds_agree_with_a_table_of_memberships():
    rng = np.random.default_rng(1)
    table = KindTable(("a", "b", "c"), rng.normal(size=3), rng.normal(size=3) / 5)
    places, weights = np.array([[2, 0, 1]] * 4), rng.dirichlet([1, 1, 1], 4)
    memberships = np.zeros((4, 3))
    np.put_along_axis(memberships, places, weights, 1)
    scores = rng.normal(size=4)
    assert table.soft_units(scores, SoftKinds(table.names, places, weights)).tolist() == pytest.approx(
        table.units(scores, memberships).tolist()
    )


def test_a_document_without_a_kind_keeps_its_score():
    table = KindTable(("a",), np.array([5.0]), np.array([1.0]))
    none = SoftKinds(("a",), np.full((1, 3), -1), np.zeros((1, 3)))
    assert table.soft_units(np.array([0.7]), none).tolist() == [0.7]


def test_the_length_term_is_exact_at_centres_and_constant_beyond():
    term = LengthTerm((0.4, 0.2, 0.0, -0.2, -0.4), (0.0,) * 5)
    assert term.at(np.array(CENTRES))[0].tolist() == pytest.approx(list(term.location))
    assert term.at(np.array([1.0, 1e6]))[0].tolist() == pytest.approx([0.4, -0.4])
    assert 0.2 < term.at(np.array([150.0]))[0][0] < 0.4


def test_lengths_without_spaces_are_counted_in_words():
    found = standard_words(np.array([340, 340]), np.array(["zh", "en"]))
    assert found.tolist() == pytest.approx([200.0, 340.0])
