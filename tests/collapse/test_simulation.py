"""The simulation against the closed forms, a naive twin, and itself."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2, poisson

from auditor.collapse import closed_forms
from auditor.collapse.options import Regime
from auditor.collapse.simulate.by_type import run_by_type
from auditor.collapse.simulate.drift import Pool, Rates, advance
from auditor.collapse.simulate.options import Decoding, SimulationOptions
from auditor.collapse.simulate.simulation import QUANTITIES, _advance, _nucleus, _observe, run, simulate
from auditor.collapse.simulate.source import prepare, zipf
from auditor.collapse.spectrum import Frequencies, Spectrum, estimate_frequencies
from auditor.errors import ConfigError
from tests.collapse import published


def even(types: float, *, others: float = 0.0) -> Frequencies:
    """Types of one frequency; with `others`, one more type that carries that share of the mass."""
    probability = np.array([(1 - others) / types, others]) if others else np.array([1 / types])
    return Frequencies(probability, np.array([types, 1.0])[: probability.size], np.zeros(probability.size))


def at_end(source: Frequencies, options: SimulationOptions, quantity: str, seed: int = 0) -> float:
    index = QUANTITIES.index(quantity)
    rng = np.random.default_rng(seed)
    return float(np.mean([run(prepare(source, options), options, rng).quantities[-1, index] for _ in range(2)]))


@pytest.mark.parametrize("share", [0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("tokens", [1e5, 1e7])
def test_tail_survival_agrees_with_the_closed_form_within_one_percent(share, tokens):
    options = SimulationOptions(tokens, 10, share, tail_share=1.0)
    expected = closed_forms.presence_fresh(2.0, 10, share)
    assert at_end(even(tokens / 2), options, "tail_presence") == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("regime", "presence"),
    [
        (Regime.REPLACE_FRESH, closed_forms.presence_fresh),
        (Regime.REPLACE_REPLAY, closed_forms.presence_replay),
        (Regime.ACCUMULATE, lambda e, g, m, r: closed_forms.presence_accumulate(e, g, m)),
        (Regime.ACCUMULATE_SUBSAMPLE, closed_forms.presence_accumulate_subsample),
    ],
)
@pytest.mark.parametrize("ratio", [1.0, 0.8])
def test_every_regime_agrees_with_its_closed_form_with_and_without_decoding(regime, presence, ratio):
    source = even(50_000, others=0.9)
    options = SimulationOptions(1e6, 10, 0.2, regime, Decoding.RATIO, ratio, tail_share=0.1)
    expected = presence(2.0, 10, 0.2, ratio)
    assert at_end(source, options, "tail_presence") == pytest.approx(expected, abs=0.008)
    accumulates = regime in (Regime.ACCUMULATE, Regime.ACCUMULATE_SUBSAMPLE)
    mass = closed_forms.tail_mass_accumulate if accumulates else closed_forms.tail_mass
    assert at_end(source, options, "tail_mass") == pytest.approx(mass(10, 0.2, ratio), rel=0.03)


@pytest.mark.parametrize(("share", "printed"), [(0.0, 541), (0.1, 1978), (0.3, 2716)])
def test_types_of_a_zipf_source_after_thirty_generations_are_the_printed_ones(share, printed):
    options = SimulationOptions(20_000, 30, share, replicates=60)
    found = simulate(zipf(5000), options, np.random.default_rng(1))
    row = found.filter((pl.col("generation") == 30) & (pl.col("quantity") == "types"))
    assert row["value"][0] == pytest.approx(printed, rel=0.02)
    assert row["lower"][0] < printed < row["upper"][0]


def test_heterozygosity_agrees_with_the_closed_form():
    options = SimulationOptions(2000, 12, 0.02, replicates=300)
    found = simulate(zipf(40), options, np.random.default_rng(2)).filter(pl.col("quantity") == "heterozygosity")
    weights = 1 / np.arange(1, 41)
    expected = published.heterozygosity_fresh(12, 2000, 0.02, 1 - ((weights / weights.sum()) ** 2).sum())
    error = (found["upper"] - found["value"]).to_numpy() / 1.97 / np.sqrt(301)
    assert (np.abs(found["value"].to_numpy() - expected) < 4 * error).all()
    assert error.max() < 1e-3


@pytest.mark.parametrize("decoding", list(Decoding))
def test_bins_agree_with_a_naive_twin_type_by_type(decoding):
    value = {Decoding.RATIO: 0.7, Decoding.TEMPERATURE: 0.9, Decoding.TOP_P: 0.9}.get(decoding, 1.0)
    options = SimulationOptions(5000, 5, 0.15, decoding=decoding, decoding_value=value, replicates=60)
    weights = 1 / np.arange(1, 1001)
    source = weights / weights.sum()
    tail = np.cumsum(source[::-1])[::-1] <= 0.05
    rng, ends = np.random.default_rng(3), []
    for _ in range(60):
        counts = rng.poisson(5000 * source)
        for _ in range(5):
            counts = rng.poisson(0.15 * 5000 * source + 0.85 * 5000 * naive_decoding(counts, tail, decoding, value))
        ends.append([(counts > 0).sum(), counts[tail].sum() / counts.sum() / source[tail].sum()])
    naive = np.mean(ends, axis=0)
    found = simulate(zipf(1000), options, np.random.default_rng(4)).filter(pl.col("generation") == 5)
    values = dict(zip(found["quantity"], found["value"], strict=True))
    assert values["types"] == pytest.approx(naive[0], rel=0.015)
    assert values["tail_mass"] == pytest.approx(naive[1], rel=0.08)


def naive_decoding(counts: np.ndarray, tail: np.ndarray, decoding: Decoding, value: float) -> np.ndarray:
    frequency = counts / counts.sum()
    if decoding == Decoding.RATIO:
        mass = frequency[tail].sum()
        return frequency * np.where(tail, value, (1 - value * mass) / (1 - mass))
    if decoding == Decoding.TEMPERATURE:
        frequency = frequency ** (1 / value)
    if decoding == Decoding.TOP_P:
        order = np.argsort(-frequency)
        ahead = np.cumsum(frequency[order]) - frequency[order]
        frequency[order[ahead >= value]] = 0
    return frequency / frequency.sum()


def test_the_same_seed_gives_the_same_rows_and_another_seed_does_not():
    options = SimulationOptions(10_000, 4, 0.1, Regime.ACCUMULATE_SUBSAMPLE, replicates=2)
    first, again, other = (simulate(zipf(3000), options, np.random.default_rng(s)) for s in (7, 7, 8))
    assert first.equals(again) and not first.equals(other)


def test_overflowing_items_change_nothing_but_the_room_they_take():
    dense = np.zeros((1, 4), np.int64)
    dense[0, 3] = 5000
    rates = Rates(np.array([3.0]), np.array([0.5]), np.zeros(1, np.int64), 1.0, 0, 1.0, 1.0, 0)
    pool = Pool(dense, np.zeros(0, np.int64), np.zeros(0, np.int64))
    grown = _advance(np.random.default_rng(5), pool, rates)
    wide = Pool(np.zeros((1, 4), np.int64), np.zeros(10_000, np.int64), np.zeros(10_000, np.int64))
    used = advance(np.random.default_rng(5), pool, rates, wide)
    assert grown.item_count.size == used > 1024
    assert (grown.item_count == wide.item_count[:used]).all()
    assert grown.dense.sum() + used == 5000


@pytest.mark.parametrize("types", [1, 3, 40, 2000, 1_000_000])
@pytest.mark.parametrize("rate", [0.05, 3.0, 90.0])
def test_every_way_to_spread_types_has_the_poisson_mean_and_variance(types, rate):
    rng, repeats = np.random.default_rng(6), max(2, 20_000 // types)
    dense = np.zeros((1, 400), np.int64)
    dense[0, 0] = types
    pool = Pool(dense, np.zeros(0, np.int64), np.zeros(0, np.int64))
    rates = Rates(np.zeros(1), np.array([rate]), np.zeros(1, np.int64), 1.0, 0, 1.0, 1.0, 0)
    reached = sum(_advance(rng, pool, rates).dense[0] for _ in range(repeats))
    assert reached.sum() == types * repeats
    at = np.arange(400)
    mean = reached @ at / reached.sum()
    variance = reached @ (at - mean) ** 2 / reached.sum()
    error = np.sqrt(rate / reached.sum())
    assert mean == pytest.approx(rate, abs=4 * error)
    assert variance == pytest.approx(rate, abs=6 * max(rate, 1) / np.sqrt(reached.sum()) * 1.5 + 1e-9)


def test_the_training_text_is_counted_as_a_naive_loop_counts_it():
    weights = np.arange(1, 30, dtype=np.int64)
    dense = np.vstack([weights, weights[::-1]]).copy()
    pool = Pool(dense, np.array([0, 2], np.int64), np.array([70, 500], np.int64))
    seen, twin = _observe(np.random.default_rng(7), pool, 1.0, 3), np.zeros(3)
    for b in range(2):
        for count in range(29):
            twin[b] += dense[b, count] * count
    assert seen.tokens == pytest.approx(twin + np.array([70, 0, 500]))
    assert seen.present == pytest.approx(np.append(dense[:, 1:].sum(axis=1), 0) + np.array([1, 0, 1]))


def test_top_p_cuts_where_the_mass_is_reached():
    counts, types = np.array([0, 1, 2, 10]), np.array([5, 20, 10, 6])
    assert _nucleus(counts, types, 60) == (10, 1.0, 60.0)
    cut, tie, kept = _nucleus(counts, types, 70)
    assert (cut, tie, kept) == (2, 0.5, 70.0)


def test_a_spectrum_runs_with_its_unseen_tail():
    weights = 1 / np.arange(1, 30_001)
    spectrum = Spectrum.of_counts(np.random.default_rng(1).poisson(40_000 * weights / weights.sum()))
    source = estimate_frequencies(spectrum)
    assert source.sample[-1] == 0 and source.types[-1] > 4000
    options = SimulationOptions(spectrum.tokens, 3, 0.0, replicates=3)
    found = simulate(source, options, np.random.default_rng(8)).filter(pl.col("quantity") == "types")["value"]
    # Chao1 is a lower bound, so a new sample of the estimated source shows somewhat fewer types than the first did
    assert 0.9 * spectrum.types < found[0] <= 1.02 * spectrum.types
    assert found.is_sorted(descending=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": 0},
        {"generations": 0},
        {"share": 1.5},
        {"share": float("nan")},
        {"replicates": 1},
        {"decoding_value": 1.2},
        {"tail_share": 0.0},
        {"regime": "foo"},
        {"decoding": "foo"},
    ],
)
def test_impossible_options_stop_with_a_statement(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SimulationOptions(**({"tokens": 100} | wrong))


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("regime", list(Regime))
def test_the_smallest_sources_and_all_or_no_human_text_run(regime, share):
    options = SimulationOptions(3, 3, share, regime, replicates=2)
    found = simulate(even(1), options, np.random.default_rng(9))
    assert found["value"].is_finite().all() and (found["value"] >= 0).all()


@pytest.mark.parametrize("count", [5, 40, 300, 3000])
def test_many_types_at_neighbouring_counts_each_move_by_their_own_poisson(count):
    rng, places, types, rounds = np.random.default_rng(1), np.arange(8192), 300, 40
    dense, nothing = np.zeros((1, 8192), np.int64), np.empty(0, np.int64)
    dense[0, count : count + 40] = types
    rates, found = Rates(np.array([0.9]), np.array([2.5]), np.array([0]), 1.0, 0, 1.0, 1.0, 0), np.zeros(8192)
    for _ in range(rounds):
        out = Pool(np.zeros_like(dense), np.empty(10_000, np.int64), np.empty(10_000, np.int64))
        assert advance(rng, Pool(dense, nothing, nothing), rates, out) == 0
        found += out.dense[0]
    wanted = sum(types * rounds * poisson.pmf(places, 0.9 * at + 2.5) for at in range(count, count + 40))
    likely = wanted > 20
    squares = ((found - wanted) ** 2 / np.maximum(wanted, 1e-300))[likely].sum()
    assert chi2.sf(squares, likely.sum() - 1) > 1e-4


@pytest.mark.parametrize("regime", list(Regime))
@pytest.mark.parametrize(
    ("decoding", "value"),
    [(Decoding.NONE, 1.0), (Decoding.RATIO, 0.7), (Decoding.TEMPERATURE, 0.9), (Decoding.TOP_P, 0.95)],
)
def test_type_by_type_and_kernels_tell_the_same_story(regime, decoding, value):
    source = zipf(3000)
    options = SimulationOptions(2e4, 4, 0.2, regime, decoding, value)
    rng = np.random.default_rng(5)
    plain = np.stack([run_by_type(source, options, rng) for _ in range(30)])
    prepared = prepare(source, options)
    kernels = np.stack([run(prepared, options, rng).quantities for _ in range(30)])
    apart = np.abs(plain.mean(0) - kernels.mean(0))
    noise = np.sqrt((plain.var(0) + kernels.var(0)) / 30)
    assert (apart <= 4.5 * noise + 0.01 * kernels.mean(0)).all()
