"""The full profile against other packages' values (tests/estimate/reference_values.py) and known answers."""

import numpy as np
import pytest

from auditor.estimate.diversity import profile
from auditor.records import Status
from tests.estimate.diversity.reference_values import VECTORS, WORDS

CODES = np.unique(WORDS, return_inverse=True)[1].astype(np.uint64)


def test_mattr_and_hdd_are_lexicalrichness_s():
    assert profile.mattr(CODES, 100) == pytest.approx(0.3522754491017979, abs=1e-12)
    assert profile.hdd(CODES, 42) == pytest.approx(0.5645444726072987, abs=1e-9)


def test_the_vendi_score_by_covariance_is_vendi_score_s():
    assert profile.vendi(VECTORS) == pytest.approx(1.921164375751025, abs=1e-9)
    assert profile.vendi(np.eye(7)) == pytest.approx(7.0)


def test_self_repetition_finds_the_documents_that_repeat():
    documents = [[1, 2, 3, 4, 5], [9, 8, 7, 6, 5], [0, 1, 2, 3, 4], [2, 3, 4], [5, 5, 5, 5, 5, 5]]
    hashes = np.array([w for d in documents for w in d], np.uint64)
    offsets = np.cumsum([0, *map(len, documents)])
    assert profile.self_repetition(hashes, offsets) == pytest.approx(1 / 5)


def test_the_zipf_exponent_is_recovered():
    rng = np.random.default_rng(4)
    inside = []
    for _ in range(40):
        counts = rng.zipf(1.9, 20_000)
        found = profile.zipf_exponent(counts)
        inside.append(found.lower <= 1.9 <= found.upper)
    assert 34 <= sum(inside) <= 40
    assert profile.zipf_exponent(np.ones(500)).status == Status.NOT_MEASURED


def test_distinct_n_counts_distinct_n_grams():
    assert profile.distinct_n(np.array([1, 2, 1, 2, 1]), 2) == 2 / 4


def test_a_repetitive_text_compresses_more():
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, 2**16).astype(np.uint8)
    assert profile.compression_ratio(np.tile(noise[:64], 2**10)) > 50 > 1.01 > profile.compression_ratio(noise)


def test_the_profile_of_a_tiny_sample_says_so():
    found = profile.profile_text(np.arange(30, dtype=np.uint64), np.array([0, 30]), np.zeros(100, np.uint8))
    assert {e.status for e in found.values()} == {Status.NOT_MEASURED}
