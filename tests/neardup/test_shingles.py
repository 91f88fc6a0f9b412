"""Exact Jaccard against Python's sets, and the store on disk."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.neardup.shingles import ShingleStore, jaccard

SETS = st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 20))


def sorted_array(values: set[int]) -> np.ndarray:
    return np.array(sorted(values), np.uint64)


@given(SETS, SETS)
def test_jaccard_is_that_of_sets(left, right):
    got = jaccard(sorted_array(left), sorted_array(right))
    assert np.isnan(got) if not left | right else got == len(left & right) / len(left | right)


def test_the_store_answers_pairs_and_says_nan_for_what_it_was_not_given(tmp_path):
    store = ShingleStore(tmp_path / "shingles")
    assert np.isnan(store.jaccards(np.array([1], np.uint64), np.array([2], np.uint64))).all()
    sets = {9: {1, 2, 3}, 2**63 + 5: {2, 3, 4}, 4: {2**64 - 1}, 7: set()}
    for document, values in sets.items():
        store.add(document, sorted_array(values))
    left = np.array([9, 9, 4, 7, 9, 8], np.uint64)
    right = np.array([2**63 + 5, 4, 4, 9, 8, 9], np.uint64)
    np.testing.assert_equal(store.jaccards(left, right), [0.5, 0, 1, 0, np.nan, np.nan])
    store.add(9, sorted_array({77}))
    assert store.jaccards(left[:1], right[:1]) == [0.5]  # the first set given counts
    store.close()
    assert not (tmp_path / "shingles").exists()
