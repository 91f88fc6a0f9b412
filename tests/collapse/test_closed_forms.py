"""Closed forms against the figures of METHODS section 5, to their printed digits."""

import numpy as np
import pytest

from auditor.collapse import closed_forms as forms
from tests.collapse import published


def zipf(types: int, exponent: float = 1.0) -> np.ndarray:
    weights = np.arange(1, types + 1) ** -exponent
    return weights / weights.sum()


def heterozygosity(counts: np.ndarray) -> np.ndarray:
    frequencies = counts / counts.sum(axis=1, keepdims=True)
    return 1 - (frequencies**2).sum(axis=1)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_fresh_human_text_settles_at_the_stated_loss(share):
    source = 0.9
    settled = published.heterozygosity_fresh(20_000, 100, share, source)[-1]
    assert 1 - settled / source == pytest.approx(published.steady_loss_fresh(100, share), rel=1e-9)


def test_fresh_human_text_agrees_with_simulation():
    rng, source, tokens, share, generations, runs = np.random.default_rng(1), zipf(30), 60, 0.2, 6, 40_000
    human = round(share * tokens)
    counts = rng.multinomial(tokens, source, size=runs)
    for _ in range(generations):
        counts = rng.multinomial(human, source, size=runs) + rng.multinomial(tokens - human, counts / tokens)
    expected = published.heterozygosity_fresh(generations, tokens, share, 1 - (source**2).sum())[-1]
    assert heterozygosity(counts).mean() == pytest.approx(expected, rel=2e-3)


def test_replayed_human_text_agrees_with_simulation_and_the_printed_figure():
    rng, source, tokens, share, runs = np.random.default_rng(2), np.full(3, 1 / 3), 100, 0.1, 40_000
    reservoir = rng.multinomial(10, source, size=runs)
    counts = reservoir + rng.multinomial(90, source, size=runs)
    for _ in range(5):
        counts = reservoir + rng.multinomial(90, counts / tokens)
    expected = published.heterozygosity_replay(5, tokens, share, 2 / 3)[-1]
    assert expected == pytest.approx(0.630, abs=5e-4)
    assert heterozygosity(counts).mean() == pytest.approx(expected, abs=0.0025)


def test_accumulating_loses_at_most_pi_squared_over_six_n_and_replacing_without_bound():
    loss = 1 - published.heterozygosity_accumulate(5000, 1000, 1.0)[-1]
    assert loss == pytest.approx(np.pi**2 / 6 / 1000, rel=2e-3)
    assert 1 - published.heterozygosity_replaced(10, 1000, 1.0)[-1] == pytest.approx(11 / 1000, rel=0.01)


def test_variance_inflation_and_its_inverse():
    assert published.variance_inflation(0.5) == pytest.approx(1 / 0.75)
    assert published.variance_inflation(0.5, replay=True) == pytest.approx(2 / 0.75)
    for tolerance in (0.05, 0.1, 0.5):
        share = published.share_for_variance(tolerance)
        assert published.variance_inflation(share) == pytest.approx(1 + tolerance)


@pytest.mark.parametrize(
    ("share", "printed"),
    [(0.01, 0.081), (0.05, 0.258), (0.1, 0.400), (0.2, 0.587), (0.3, 0.713), (0.5, 0.870), (0.7, 0.956)],
)
def test_the_limit_of_the_tail_hazard_is_the_printed_one(share, printed):
    assert published.tail_hazard_limit(share) == pytest.approx(printed, abs=5e-4)
    assert forms.tail_hazard(3000, share) == pytest.approx(published.tail_hazard_limit(share), abs=1e-9)


def test_without_human_text_lines_die_out_as_two_over_g_plus_two():
    assert published.tail_hazard_limit(0.0) == 0
    assert forms.line_survival(50)[-1] == pytest.approx(2 / 52, rel=0.08)


def test_drift_and_decoding_act_together():
    assert forms.presence_fresh(2, 10, 0.1, 0.8) == pytest.approx(0.402, abs=5e-4)
    assert forms.presence_fresh(2, 10, 0.1) == pytest.approx(0.561, abs=5e-4)


def test_drift_and_decoding_agree_with_simulation():
    rng = np.random.default_rng(3)
    counts = rng.poisson(2.0, 200_000)
    for _ in range(10):
        counts = rng.poisson(0.9 * 0.8 * counts) + rng.poisson(0.2, counts.size)
    assert (counts > 0).mean() == pytest.approx(forms.presence_fresh(2, 10, 0.1, 0.8), abs=0.004)


@pytest.mark.parametrize(("share", "ratio"), [(0.0, 1.0), (0.2, 1.0), (0.2, 0.7)])
def test_a_subsampled_pool_agrees_with_simulation(share, ratio):
    rng, expected, generations = np.random.default_rng(4), 1.5, 8
    pool = rng.poisson(expected, 200_000)
    for t in range(1, generations + 1):
        read = rng.binomial(pool, 1 / t)
        pool = pool + rng.poisson((1 - share) * ratio * read) + rng.poisson(share * expected, pool.size)
    present = (rng.binomial(pool, 1 / (generations + 1)) > 0).mean()
    assert present == pytest.approx(forms.presence_accumulate_subsample(expected, generations, share, ratio), abs=0.004)
    mass = pool.mean() / expected / (generations + 1)
    assert mass == pytest.approx(forms.tail_mass_accumulate(generations, share, ratio), abs=0.01)
    assert (pool > 0).mean() == pytest.approx(forms.presence_accumulate(expected, generations, share), abs=0.004)


def test_a_replayed_tail_agrees_with_simulation():
    rng, expected, share = np.random.default_rng(5), 3.0, 0.2
    reservoir = rng.poisson(share * expected, 200_000)
    counts = rng.poisson((1 - share) * expected, reservoir.size)
    for _ in range(6):
        # lines of the reservoir's own tokens do not matter: their type is present anyway
        counts = rng.poisson((1 - share) * counts)
    present = ((reservoir + counts) > 0).mean()
    assert present == pytest.approx(forms.presence_replay(expected, 6, share), abs=0.004)


@pytest.mark.parametrize(("count", "printed"), [(1, 3.00), (5, 9.15), (10, 15.7), (20, 27.9)])
def test_occurrences_that_a_reservoir_must_expect(count, printed):
    assert forms.occurrences(count, 0.05) == pytest.approx(printed, rel=2e-3)


def test_ten_occurrences_at_one_in_a_hundred_million_take_one_and_a_half_billion_tokens():
    assert published.reservoir_for_occurrences(1e-8, 10, 0.05) == pytest.approx(1.57e9, rel=1e-3)


@pytest.mark.parametrize(("ratio", "printed"), [(0.5, 0.818), (0.8, 0.643), (0.9, 0.474), (0.95, 0.310), (0.99, 0.083)])
def test_the_share_that_decoding_asks_for(ratio, printed):
    share = published.share_for_decoding(ratio, 0.1)
    assert share == pytest.approx(printed, abs=5e-4)
    assert forms.tail_mass(100_000, share, ratio) == pytest.approx(0.9)


def test_tail_mass_follows_its_recursion():
    mass = 1.0
    for generation in range(1, 12):
        mass = 0.2 + 0.8 * 0.9 * mass
        assert forms.tail_mass(generation, 0.2, 0.9) == pytest.approx(mass)
    assert forms.tail_mass(10, 0.0, 1.0) == 1.0


def test_the_selection_threshold_is_fengs():
    assert forms.selection_threshold(0.9, 0.3) == pytest.approx(0.75)
    assert forms.selection_threshold(0.9, 0.9) == 0.5


def test_the_perplexity_fit_is_that_of_the_published_series():
    series = np.log([[20.99, 22.06, 23.48, 27.60], [22.59, 23.91, 25.09, 28.64]])
    rise = (series - series[:, :1])[:, 1:].ravel()
    shares = np.tile(np.log(1 / np.array([0.75, 0.5, 0.25])), 2)
    slope = rise @ shares / (shares @ shares)
    error = np.sqrt(((rise - slope * shares) ** 2).sum() / (rise.size - 1) / (shares @ shares))
    assert slope == pytest.approx(forms.PERPLEXITY_SLOPE, abs=5e-4)
    assert error <= forms.PERPLEXITY_SLOPE_SE
    for tolerance, printed in ((0.05, 0.76), (0.10, 0.59), (0.20, 0.36)):
        assert forms.share_for_perplexity(tolerance) == pytest.approx(printed, abs=5e-3)
        assert published.perplexity_rise(forms.share_for_perplexity(tolerance)) == pytest.approx(tolerance)


@pytest.mark.parametrize(("share", "printed"), [(0.0, 541), (0.1, 1978), (0.3, 2716)])
def test_types_of_a_zipf_source_present_after_thirty_generations(share, printed):
    present = -np.expm1(-20_000 * zipf(5000) * forms.tail_hazard(30, share)).sum()
    assert present == pytest.approx(printed, rel=0.02)
