"""Against published frequencies: no loss for text that follows them, the true one where rare words are gone."""

import numpy as np
import pytest

from auditor.estimate.diversity.lost_general import Law, lost_words
from auditor.estimate.diversity.spectrum import Body
from auditor.records import Status
from tests.estimate.diversity import simulated_spectra as simulated
from tests.estimate.diversity.test_measure import frame_of

P = simulated.zipf_mandelbrot(20_000, 1.1, 2.7)
KEYS = simulated.random_keys(P, np.random.default_rng(0))
ORDER = np.argsort(KEYS)
LAW = Law(KEYS[ORDER], P[ORDER], "a law")


def text(p: np.ndarray, seed: int, tokens: int = 256_000, rate: float = 1.0) -> Body:
    return Body(frame_of(simulated.drawn(p, tokens, np.random.default_rng(seed), rate=rate, keys=KEYS)))


@pytest.mark.parametrize("rate", [1.0, 1 / 8])
def test_text_that_follows_the_frequencies_has_lost_nothing(rate):
    found = [lost_words(text(P, seed, rate=rate), LAW) for seed in range(10)]
    assert sum(e.lower <= 0 <= e.upper for e in found) >= 8
    assert {e.status for e in found} == {Status.INCONCLUSIVE}


def test_words_that_are_never_written_are_lost():
    cut = P.copy()
    cut[5_000:] = 0
    found = lost_words(text(cut / cut.sum(), 1), LAW)
    assert found.lower > 0.3


def test_another_language_is_refused():
    other = Law(LAW.types ^ np.uint64(1), LAW.p, "another law")
    assert "another language" in lost_words(text(P, 1), other).reason
