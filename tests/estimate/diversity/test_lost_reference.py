"""A reference that many texts are compared with gives each of them what a measure of its own would."""

import dataclasses

import numpy as np
import pytest

from auditor.estimate.diversity.lost import Bodies, lost_in
from tests.estimate.diversity import simulated_spectra as simulated

LAW = simulated.zipf_mandelbrot(60_000, 1.1, 2.7)


@pytest.mark.parametrize("rate", [1.0, 1 / 8])
def test_figures_of_many_texts_are_those_of_each_alone(rate):
    rng = np.random.default_rng(3)
    keys = simulated.random_keys(LAW, rng)
    reference = simulated.drawn(LAW, 400_000, rng, rate=rate, keys=keys)
    for tokens in (6_000, 60_000, 400_000):  # the last lies beyond the grid: measured as it is
        text = simulated.drawn(LAW, tokens, rng, rate=rate, keys=keys)
        alone, together = (lost_in(Bodies(text, reference, many=many)) for many in (False, True))
        for name in ("q0", "q1", "q2"):
            one, other = getattr(alone, name), getattr(together, name)
            assert one.is_number and one.status == other.status
            for end in ("value", "lower", "upper"):
                assert getattr(other, end) == pytest.approx(getattr(one, end), abs=2e-5), (name, tokens)


def test_what_was_asked_for_before_changes_no_figure():
    rng = np.random.default_rng(4)
    keys = simulated.random_keys(LAW, rng)
    reference, *texts = (simulated.drawn(LAW, n, rng, rate=1 / 8, keys=keys) for n in (300_000, 10_000, 10_500))
    fresh = [dataclasses.replace(reference) for _ in range(2)]
    found = [lost_in(Bodies(text, fresh[0], many=True)) for text in texts]
    assert [lost_in(Bodies(text, fresh[1], many=True)) for text in texts[::-1]][::-1] == found
