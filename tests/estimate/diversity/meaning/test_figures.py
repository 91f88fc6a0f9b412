"""Meaning: values worked out by hand, known similarities found again, intervals that cover them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.estimate.diversity.meaning.figures import (
    AT,
    Embedded,
    Meaning,
    effective_documents,
    measure_meaning,
)
from auditor.estimate.diversity.meaning.pairs import mean_over_pairs
from auditor.records import Status


def alone(n):
    return np.arange(n)


def naive(vectors, group, floor):
    """Every pair looked at, again for each group that is left out."""

    def mean(kept):
        cosines = [
            max(float(vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j])), floor)
            for i in kept
            for j in kept
            if i < j
        ]
        return sum(cosines) / len(cosines)

    everyone = range(len(vectors))
    return mean(everyone), [mean([i for i in everyone if group[i] != g]) for g in sorted(set(group))]


def drawn(rng, n, similarity, *, width=64, topics=None):
    """n embeddings whose expected cosine over pairs is `similarity`: a common direction and one of their own.

    topics: so many groups of documents share their own direction; the expected cosine of two groups is the same
    """
    own = rng.normal(size=(topics or n, width - 1))
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    group = rng.integers(0, topics, n) if topics else alone(n)
    common = np.full((n, 1), math.sqrt(similarity))
    return np.hstack([common, math.sqrt(1 - similarity) * own[group]]), group


def test_three_documents_by_hand():
    """Cosines of (1, 0), (0, 1) and (3, 4): 0, 3/5 and 4/5, so their mean is 7/15."""
    vectors = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    found = mean_over_pairs(vectors, alone(3))
    assert found.mean == pytest.approx(7 / 15)
    assert found.without == pytest.approx([4 / 5, 3 / 5, 0.0])
    # Leinster & Cobbold: 1 / sum_ij p_i p_j Z_ij with p = 1/3 and the matrix of those cosines
    matrix = np.array([[1, 0, 3 / 5], [0, 1, 4 / 5], [3 / 5, 4 / 5, 1]])
    assert effective_documents(found.mean, 3) == pytest.approx(9 / matrix.sum()) == pytest.approx(9 / 5.8)


def test_a_cosine_below_zero_is_a_similarity_of_zero():
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    assert mean_over_pairs(opposite, alone(3)).mean == pytest.approx(-1 / 3)
    assert mean_over_pairs(opposite, alone(3), floor=0.0).mean == 0.0


@given(st.integers(4, 12), st.integers(2, 4), st.integers(0, 2**32 - 1), st.sampled_from([-1.0, 0.0]))
def test_pairs_are_those_of_the_naive_twin(n, groups, seed, floor):
    rng = np.random.default_rng(seed)
    vectors, group = rng.normal(size=(n, 3)), np.arange(n) % groups
    mean, without = naive(vectors, group, floor)
    found = mean_over_pairs(vectors, group, floor=floor)
    assert found.mean == pytest.approx(mean)
    known = np.isfinite(found.without)  # without a group of all but one document no pair is left
    assert found.without[known] == pytest.approx(np.array(without)[known])


def test_blocks_of_the_matrix_do_not_show(monkeypatch):
    vectors, group = drawn(np.random.default_rng(2), 50, 0.3, topics=7)
    whole = mean_over_pairs(vectors, group)
    monkeypatch.setattr("auditor.estimate.diversity.meaning.pairs.BLOCK", 8)
    parts = mean_over_pairs(vectors, group)
    assert parts.mean == pytest.approx(whole.mean) and parts.without == pytest.approx(whole.without)


@pytest.mark.parametrize("n", [20, 100, 300])
def test_identical_documents_are_one_and_orthogonal_ones_are_all(n):
    same = measure_meaning(Embedded(np.tile([0.6, 0.8, 0.1], (n, 1)), alone(n)), None)
    assert same.similarity.value == pytest.approx(1) and same.effective_documents.value == pytest.approx(1)
    apart = measure_meaning(Embedded(np.eye(n), alone(n)), None)
    assert apart.similarity.value == 0 and apart.effective_documents.value == pytest.approx(AT)
    assert effective_documents(0.0, n) == pytest.approx(n) and effective_documents(1.0, n) == pytest.approx(1)


@given(st.floats(0, 1), st.integers(2, 500))
def test_effective_documents_are_between_one_and_all_and_fall_with_similarity(similarity, at):
    found = effective_documents(similarity, at)
    assert 1 - 1e-9 <= found <= at + 1e-9
    assert effective_documents(min(similarity + 0.01, 1), at) <= found


def test_the_number_of_documents_moves_neither_figure():
    """Unbiased at any size: small samples average to what a large one says."""
    rng = np.random.default_rng(5)
    small = [measure_meaning(Embedded(*drawn(rng, 25, 0.2, width=9)), None) for _ in range(400)]
    large = measure_meaning(Embedded(*drawn(rng, 3000, 0.2, width=9)), None)
    assert np.mean([m.similarity.value for m in small]) == pytest.approx(large.similarity.value, abs=0.01)
    assert np.mean([m.effective_documents.value for m in small]) == pytest.approx(
        large.effective_documents.value, rel=0.02
    )


@pytest.mark.parametrize("similarity", [0.05, 0.2, 0.6])
@pytest.mark.parametrize("topics", [None, 32])
def test_a_known_similarity_is_found_again(similarity, topics):
    vectors, group = drawn(np.random.default_rng(1), 1500, similarity, topics=topics)
    found = measure_meaning(Embedded(vectors, group % 32), None)
    # documents of one topic are the same: one pair in 32 is of one topic
    expected = similarity + (1 - similarity) / (topics or math.inf)
    assert found.similarity.value == pytest.approx(expected, abs=0.03)


def mixture(rng, n, spread):
    """Embeddings around a common direction by different amounts; hosts of about four documents share a part."""
    width, host = 24, rng.integers(0, n // 4, n)
    mean = np.zeros(width)
    mean[0] = 1.0
    shared = rng.normal(size=(n // 4, width)) * spread
    return mean + shared[host] + rng.normal(size=(n, width)) * rng.uniform(0.1, 0.5, (n, 1)), host % 32


@pytest.mark.parametrize(("n", "spread"), [(60, 0.0), (160, 0.0), (160, 0.25)])
def test_intervals_cover_the_truth_as_often_as_they_say(n, spread):
    """Of 250 draws 95%, within three of their standard deviations; where hosts share a direction too."""
    rng = np.random.default_rng(11)
    # the truth is of pairs that are independent: another host's
    big, _ = mixture(rng, 8000, spread)
    cosine, alike = (mean_over_pairs(big, np.zeros(8000), floor=floor).mean for floor in (-1.0, 0.0))
    inside = np.zeros(4)
    draws = 250
    for _ in range(draws):
        ours, theirs = (Embedded(*mixture(rng, n, spread)) for _ in range(2))
        found = measure_meaning(ours, theirs)
        expected = (cosine, effective_documents(alike), 0.0, 0.0)
        kept = (found.similarity, found.effective_documents, found.similarity_change, found.loss)
        inside += [e.lower <= truth <= e.upper for e, truth in zip(kept, expected, strict=True)]
    assert np.all(inside / draws >= 0.905) and np.all(inside / draws <= 0.99), inside / draws


def test_a_change_against_the_reference_is_found():
    rng = np.random.default_rng(3)
    found = measure_meaning(Embedded(*drawn(rng, 800, 0.4)), Embedded(*drawn(rng, 800, 0.3)))
    assert found.similarity_change.lower <= 0.1 <= found.similarity_change.upper
    loss = 1 - effective_documents(0.4) / effective_documents(0.3)
    assert found.loss.lower - 0.01 <= loss <= found.loss.upper + 0.01 and found.loss.lower > 0.15
    assert found.reference_similarity.value == pytest.approx(0.3, abs=0.01)


def test_what_cannot_be_measured_says_why():
    rng = np.random.default_rng(4)
    few, many = Embedded(*drawn(rng, 5, 0.2)), Embedded(*drawn(rng, 40, 0.2))
    none = measure_meaning(few, many)
    assert none.similarity.status == none.loss.status == Status.NOT_MEASURED and "5 documents" in none.loss.reason
    assert none.reference_similarity.is_number
    bare = measure_meaning(many, None)
    assert bare.similarity.is_number and bare.loss.reason == "no human reference"
    empty = measure_meaning(many, Embedded(np.zeros((0, 64)), np.zeros(0, int)))
    assert "0 documents" in empty.loss.reason and not empty.reference_similarity.is_number
    one_host = measure_meaning(Embedded(many.vectors, np.zeros(40, int)), None)
    assert "1.0 independent groups" in one_host.similarity.reason
    five = measure_meaning(Embedded(many.vectors, np.arange(40) % 5), None)
    assert five.similarity.status == Status.INCONCLUSIVE and "5.0" in five.similarity.reason
    assert Meaning.nothing("because").loss.reason == "because"
