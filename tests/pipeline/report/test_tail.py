"""Rare words that a choice of documents loses, counted by hand."""

import numpy as np
import polars as pl
import pytest

from auditor.pipeline.report.tail import TailSample


def sample(total: list[float]) -> TailSample:
    """Three rare words: the first in documents 0 and 1, the second in 1 alone, the third in 2, a word of two kinds."""
    documents = pl.DataFrame(
        {
            "stable_id": [1, 2, 3],
            "shard": ["a", "b", "b"],
            "kind": ["en/recipe", "en/forum", None],
            "words": [100, 100, 200],
            "probability": [0.1, 0.9, None],
        }
    )
    at, document = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])
    return TailSample(np.arange(3, dtype=np.uint64), np.array(total), at, document, np.ones(4), documents)


def test_a_word_goes_when_all_its_documents_go():
    found = sample([2, 1, 1]).loss(np.array([1.0, 0.0, 1.0]), 1.0)
    assert (found.types, found.lost) == (3, 1)
    assert found.by_kind == {"en/forum": 1, "en/recipe": 0}


def test_weights_lose_a_word_with_the_chance_that_none_of_its_documents_is_drawn():
    found = sample([2, 1, 1]).loss(np.array([0.9, 0.1, 1.0]), 1.0)
    assert found.lost == pytest.approx(0.1 * 0.9 + 0.9)


def test_documents_that_were_not_drawn_carry_what_was_not_seen():
    found = sample([3, 1, 1]).loss(np.array([0.0, 0.0, 1.0]), 0.75)
    assert found.lost == pytest.approx(0.25 + 1)


def test_what_stands_in_a_dropped_shard_alone_goes_and_what_others_hold_stays():
    kept = np.array([1.0, 0.0, 0.0])
    found = sample([2, 2, 3]).loss(kept, 1.0, ("b",), np.array([1.0, 2.0, 2.0]))
    assert found.lost == 1  # the first is in a, the third once in another shard
    assert found.by_kind == {"en/forum": 1, "en/recipe": 0}


def test_protection_lifts_the_carriers_of_scarce_words_and_nothing_else():
    plain = np.array([0.9, 0.1, 1.0])
    weights = sample([2, 1, 1]).protected(plain)
    assert weights[1] > plain[1] and weights[0] >= plain[0] and weights[2] == 1
    common = sample([90, 90, 90]).protected(plain)
    assert common == pytest.approx(plain)
