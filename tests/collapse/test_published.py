"""The field's published results that nothing calls, against their figures and small simulations."""

import numpy as np
import pytest

from auditor.collapse.closed_forms import line_survival
from tests.collapse import published


def concentration(counts: np.ndarray) -> float:
    return float(((counts / counts.sum(axis=1, keepdims=True)) ** 2).sum(axis=1).mean())


def zipf(types: int) -> np.ndarray:
    weights = 1 / np.arange(1, types + 1)
    return weights / weights.sum()


def test_seddik_concentration_without_real_text():
    rng, source = np.random.default_rng(1), zipf(50)
    counts = rng.multinomial(50, source, size=20_000)
    for _ in range(9):
        counts = rng.multinomial(50, counts / 50)
    assert concentration(counts) == pytest.approx(published.concentration(50, 10, (source**2).sum()), rel=0.01)


def test_seddik_mean_generations_to_one_type():
    rng, source, runs = np.random.default_rng(2), zipf(50), 4000
    counts, generation, ended = rng.multinomial(50, source, size=runs), 1, []
    while counts.size:
        alive = counts.max(axis=1) < 50
        ended += [generation] * int((~alive).sum())
        counts = rng.multinomial(50, counts[alive] / 50)
        generation += 1
    low, high = published.total_collapse_bounds(50, (source**2).sum())
    assert (low, high) == (pytest.approx(47.0, abs=0.05), pytest.approx(2254, abs=0.5))
    assert np.mean(ended) == pytest.approx(91.6, abs=4 * np.std(ended) / np.sqrt(runs))


@pytest.mark.parametrize(("real", "synthetic"), [(20, 10), (20, 200), (100, 10)])
def test_seddik_concentration_with_real_text_replayed(real, synthetic):
    rng, source, share = np.random.default_rng(3), zipf(20), synthetic / (synthetic + real)
    start = float((source**2).sum())
    sample = rng.multinomial(real, source, size=60_000) / real
    frequencies = sample
    for generation in range(1, 7):
        expected = published.concentration_replay(real, synthetic, generation, start)
        if generation == 1:
            assert expected == pytest.approx(published.concentration(real, 1, start), rel=1e-12)
        assert float((frequencies**2).sum(axis=1).mean()) == pytest.approx(expected, rel=5e-3), generation
        frequencies = (1 - share) * sample + share * rng.multinomial(synthetic, frequencies) / synthetic


def test_suresh_alive_after_k_generations():
    exact = 1 - np.exp(-10 * line_survival(20)[-1])
    assert exact == pytest.approx(0.583, abs=5e-4)
    assert published.alive_bound(10, 20) == pytest.approx(0.393, abs=5e-4)
    assert 1 - np.exp(-50 * line_survival(100)[-1]) == pytest.approx(0.620, abs=5e-4)
    assert exact >= published.alive_bound(10, 20)


def test_shumailov_loss_and_gaussian_variance():
    assert published.loss_in_one_round(1000, 0.0005) == pytest.approx(0.606, abs=5e-4)
    assert published.gaussian_variance(1, 10, 100) == pytest.approx(1.1)
    assert published.gaussian_distance(1, 10, 100) == pytest.approx(0.165)


def test_gerstgrasser_replace_against_accumulate():
    replace, accumulate = published.regression_error(1, 10, 111, 10)
    assert replace == pytest.approx(1.0)
    assert accumulate == pytest.approx(0.155, abs=5e-4)
    assert published.regression_error(1, 10, 111, 100_000)[1] == pytest.approx(0.1645, abs=5e-5)


def test_bertrand_share_without_model_error_is_two_thirds():
    assert published.stable_human_share(1, 0, 1) == pytest.approx(2 / 3)
    assert published.stable_human_share(1, 0.5, 1) > 2 / 3


@pytest.mark.parametrize(("ratio", "printed"), [(0.25, 0.390), (0.5, 0.500), (1, 0.618), (2, 0.732), (4, 0.828)])
def test_he_golden_weight(ratio, printed):
    assert published.golden_weight(ratio) == pytest.approx(printed, abs=5e-4)
