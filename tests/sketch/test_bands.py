"""The rule for bands and rows, its S-curve, and band hashes as a partition of equal bands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import ConfigError
from auditor.run_columns import BANDS
from auditor.sketch.bands import band_frame, band_hashes, candidate_probability, parameters
from auditor.sketch.minhash import EMPTY


def test_a_threshold_of_eight_tenths_gives_16_bands_of_8_rows_with_recall_987():
    cut = parameters(0.8, 128)
    assert (cut.bands, cut.rows) == (16, 8)
    assert cut.recall == pytest.approx(0.987, abs=5e-4)


def test_the_recall_of_datasketchs_own_rule_is_what_the_choice_avoids():
    assert candidate_probability(0.8354, 9, 13) == pytest.approx(0.60, abs=0.01)
    assert candidate_probability(0.80, 9, 13) == pytest.approx(0.40, abs=0.01)


@given(st.floats(0.2, 0.99), st.integers(32, 256))
def test_the_cut_is_the_longest_that_keeps_the_recall(threshold, count):
    cut = parameters(threshold, count)
    assert cut.bands * cut.rows <= count < (cut.bands + 1) * cut.rows
    assert cut.recall >= 0.97 or cut.rows == 1
    for rows in range(cut.rows + 1, count // 2 + 1):
        reach = candidate_probability(threshold + cut.deviation, count // rows, rows)
        assert reach < 0.97


def test_the_s_curve_rises_from_none_to_all():
    curve = parameters(0.8).s_curve()
    assert curve["probability"][0] == 0 and curve["probability"][-1] == 1
    assert curve["probability"].is_sorted()


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 80, float("nan")])
def test_a_threshold_that_is_no_jaccard_is_refused(threshold):
    with pytest.raises(ConfigError, match="threshold"):
        parameters(threshold)


def test_more_bands_than_a_byte_can_number_are_refused():
    with pytest.raises(ConfigError, match="over 256"):
        parameters(0.05, 512)
    with pytest.raises(ConfigError, match="at least 2"):
        parameters(0.8, 1)


def test_simulated_pairs_become_candidates_as_often_as_the_curve_says():
    rng, cut, n = np.random.default_rng(3), parameters(0.8), 4000
    for jaccard in (0.6, 0.8, 0.9):
        left = rng.integers(0, 1 << 32, (n, 128), np.uint32)
        right = np.where(rng.random((n, 128)) < jaccard, left, rng.integers(0, 1 << 32, (n, 128), np.uint32))
        share = (band_hashes(left, cut) == band_hashes(right, cut)).any(axis=1).mean()
        expected = float(candidate_probability(jaccard, cut.bands, cut.rows))
        assert abs(share - expected) < 4 * (expected * (1 - expected) / n) ** 0.5 + 1e-9


def test_bands_are_equal_exactly_where_signatures_are():
    rng, cut = np.random.default_rng(0), parameters(0.8)
    rows = rng.integers(0, 2, (300, 128), np.uint32)
    rows[:, 8:] = 7
    hashes = band_hashes(rows, cut)
    same = (rows[:, None, :8] == rows[None, :, :8]).all(axis=2)
    assert ((hashes[:, None, 0] == hashes[None, :, 0]) == same).all()
    assert len(np.unique(hashes[:, 1:])) == cut.bands - 1  # the same values in another band are another bucket


def test_documents_without_a_signature_are_in_no_bucket():
    rows = np.full((3, 128), EMPTY, np.uint32)
    rows[1] = 5
    frame = band_frame(np.array([10, 11, 12], np.uint64), rows, parameters())
    assert frame.schema == BANDS
    assert frame["document"].to_list() == [11] * 16 and frame["band"].to_list() == list(range(16))


def test_rows_are_in_order_of_band_and_hash_and_buckets_in_order_of_document():
    rng = np.random.default_rng(5)
    rows = rng.integers(0, 3, (400, 128), np.uint32)  # many equal bands
    ids = rng.permutation(400).astype(np.uint64)
    frame = band_frame(ids, rows, parameters())
    assert frame.equals(frame.sort("band", "hash", "document"))
    assert frame.equals(band_frame(ids[::-1].copy(), rows[::-1].copy(), parameters()))
