"""Coverage: more of the language takes more text, and the corpus reaches what its own human text suffices for."""

import numpy as np
import pytest

from auditor.collapse.coverage import SHARES, coverage_curve, reached_coverage
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.spectrum import Spectrum
from auditor.collapse.stratum import Stratum
from auditor.records import Estimate

OPTIONS = ReservoirOptions()
SKEWED = Spectrum.of_counts(np.round(1e6 / np.arange(1, 5001)).astype(int))
NOTHING = Estimate.not_measured("not asked for")


def stratum(spectrum: Spectrum | None, tokens: int, fraction: float = 0.0) -> Stratum:
    return Stratum("corpus", tokens, 1000, 0, Estimate.census(fraction, 1000), spectrum, NOTHING)


def test_a_point_stands_for_each_share_and_asks_for_more_than_the_one_before():
    curve = coverage_curve([stratum(SKEWED, 10**7)], OPTIONS)
    assert [point.share for point in curve] == list(SHARES)
    tokens = [point.tokens for point in curve]
    assert tokens == sorted(tokens) and tokens[0] < tokens[-1]


def test_a_share_is_reached_where_the_human_text_suffices():
    curve = coverage_curve([stratum(SKEWED, 10**7)], OPTIONS)
    for point in curve:
        assert point.reached == (point.tokens <= 10**7)
    halved = coverage_curve([stratum(SKEWED, 10**7, fraction=0.5)], OPTIONS)
    assert [point.tokens for point in halved] == [point.tokens for point in curve]
    assert sum(point.reached for point in halved) <= sum(point.reached for point in curve)


def test_strata_that_share_no_words_each_need_their_own_text():
    one, two = (coverage_curve([stratum(SKEWED, 10**7)] * n, OPTIONS) for n in (1, 2))
    assert [b.tokens for b in two] == pytest.approx([2 * a.tokens for a in one], abs=1)


def test_the_reached_share_grows_with_the_text_and_lies_on_the_curve():
    reached = [reached_coverage([stratum(SKEWED, tokens)], OPTIONS) for tokens in (10**4, 10**6, 10**8)]
    shares = [found.share for found in reached if found]
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] <= 1
    for point in coverage_curve([stratum(SKEWED, 10**6)], OPTIONS):
        assert not point.reached or shares[1] >= point.share - 1e-9


def test_without_a_spectrum_there_is_no_curve():
    assert (
        coverage_curve([stratum(None, 100)], OPTIONS) == () and reached_coverage([stratum(None, 100)], OPTIONS) is None
    )
