"""Drift: stable under sample size, and a test that keeps its size where words clump."""

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon

from auditor.estimate.diversity.divergence import jensen_shannon, measure_drift, two_sample_test
from auditor.records import Status
from auditor.run_columns import TYPES
from tests.estimate.diversity import simulated_spectra as simulated
from tests.estimate.diversity.test_measure import frame_of

LAW = simulated.zipf_mandelbrot(8_000, 1.1, 2.7)
OTHER = np.where(np.arange(8_000) % 3 == 0, 1.5 * LAW, LAW)
OTHER = OTHER / OTHER.sum()


def test_the_divergence_is_lin_s():
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0
    p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2)


def test_the_divergence_does_not_depend_on_the_size_of_the_text():
    top = np.r_[LAW[:1000], LAW[1000:].sum()], np.r_[OTHER[:1000], OTHER[1000:].sum()]
    true = jensen_shannon(*top)
    for tokens in (32_000, 512_000):
        found = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            keys = simulated.random_keys(LAW, rng)
            pair = [frame_of(simulated.drawn(p, n, rng, keys=keys)) for p, n in ((OTHER, tokens), (LAW, 512_000))]
            found.append(measure_drift(*pair, rng=rng))
        assert np.mean([d.divergence.value for d in found]) == pytest.approx(true, rel=0.12)
        assert max(d.p_value for d in found) < 0.01


def clumped(p: np.ndarray, documents: int, rng: np.random.Generator) -> np.ndarray:
    """(cells, 32) counts of documents of 100 tokens whose own frequencies scatter about p."""
    table = np.zeros((p.size, 32))
    for d in range(documents):
        table[:, d % 32] += rng.multinomial(100, rng.dirichlet(p * 30))
    return table


def test_the_test_keeps_its_size_where_words_clump_and_sizes_differ():
    p = simulated.zipf_mandelbrot(80, 1.0)
    rng = np.random.default_rng(12)
    values = [two_sample_test(clumped(p, 96, rng), clumped(p, 320, rng), rng=rng, draws=199) for _ in range(100)]
    assert np.mean(np.array(values) < 0.05) <= 0.10
    assert 0.35 < np.mean(values) < 0.65


def test_no_reference_and_no_text_are_not_measured():
    some = frame_of(simulated.drawn(LAW, 32_000, np.random.default_rng(1)))
    nothing = pl.DataFrame(schema=TYPES)
    rng = np.random.default_rng(2)
    for found in (measure_drift(some, None, rng=rng), measure_drift(nothing, some, rng=rng)):
        assert found.divergence.status == Status.NOT_MEASURED
        assert found.p_value is None
