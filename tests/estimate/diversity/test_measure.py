"""Diversity of spectra of known truth, and of spectra that can't be measured."""

from dataclasses import fields

import numpy as np
import polars as pl
import pytest

from auditor.estimate.diversity.measure import measure_diversity, measure_spectrum
from auditor.estimate.diversity.spectrum import Cells, Counted, Spectrum
from auditor.records import Status
from auditor.run_columns import KEEP_ALL, TYPES
from tests.estimate.diversity import simulated_spectra as simulated

LAW = simulated.zipf_mandelbrot(8_000, 1.1, 2.7)


def frame_of(spectrum: Spectrum, *, level: int = 1, bin: int = 255) -> pl.DataFrame:
    """A spectrum as the frame that it could have come from."""
    threshold = KEEP_ALL if spectrum.rate >= 1 else int(spectrum.rate * 2**64) - 1
    cells = pl.DataFrame(
        {
            "type": spectrum.types[spectrum.index],
            "group": spectrum.group,
            "count": spectrum.count,
            "blocks": spectrum.blocks,
            "fixed": spectrum.fixed[spectrum.index],
        }
    )
    group = np.flatnonzero(spectrum.tokens)
    whole = pl.DataFrame(
        {
            "type": pl.Series([None] * len(group), dtype=pl.UInt64),
            "group": group,
            "count": spectrum.tokens[group],
            "blocks": spectrum.block_totals[group],
            "fixed": [True] * len(group),
        },
        schema_overrides={"fixed": pl.Boolean},
    )
    both = pl.concat([whole, cells]).with_columns(
        level=pl.lit(level), bin=pl.lit(bin), threshold=pl.lit(threshold, pl.UInt64)
    )
    return both.select(TYPES.keys()).cast(TYPES)


@pytest.mark.parametrize("rate", [1.0, 1 / 16])
def test_rarefied_measures_are_unbiased_and_their_intervals_cover(rate):
    """A short form of benchmarks/diversity.py coverage, which has the 93-97% over more draws and laws."""
    rng, size, draws = np.random.default_rng(7), 100_000, 40
    truth = {key: expected(LAW, size) for key, expected in simulated.EXPECTED.items()}
    found = [measure_spectrum(simulated.drawn(LAW, 256_000, rng, rate=rate), tokens=size) for _ in range(draws)]
    for key, true in truth.items():
        values = np.array([getattr(e, key).value for e in found])
        assert abs(values.mean() - true) < 3.5 * values.std() / np.sqrt(draws), key
        assert sum(getattr(e, key).lower <= true <= getattr(e, key).upper for e in found) >= 0.85 * draws, key
        width = np.mean([getattr(e, key).upper - getattr(e, key).lower for e in found]) / 2
        assert width < 1.5 * 2.04 * values.std(ddof=1), f"{key}: needlessly wide"


def test_a_frame_and_back_is_the_same_spectrum():
    spectrum = simulated.drawn(LAW, 64_000, np.random.default_rng(1), rate=1 / 4)
    once = Spectrum.from_frame(frame_of(spectrum), 1)
    twice = Spectrum.from_frame(frame_of(once), 1)
    assert once.rate == twice.rate == spectrum.rate
    assert once.count.sum() == spectrum.count.sum()
    assert measure_spectrum(once, tokens=50_000) == measure_spectrum(twice, tokens=50_000)


def test_leaving_out_a_group_is_counting_without_it():
    spectrum = simulated.drawn(LAW, 64_000, np.random.default_rng(2))
    for counted in (Counted.tokens, Counted.blocks):
        for g, rest in list(counted(spectrum).without_each_group())[::9]:
            alone = counted(spectrum.of_groups(np.arange(32) != g)).frequencies()
            order, other = np.argsort(rest.k), np.argsort(alone.k)
            np.testing.assert_allclose(rest.k[order], alone.k[other])
            np.testing.assert_allclose(rest.f[order], alone.f[other])
            assert (rest.size, rest.total) == (alone.size, alone.total)


def test_the_spectrum_of_chosen_bins_and_groups_is_that_of_their_cells_added_up():
    rng = np.random.default_rng(4)
    place = np.unique(rng.integers(0, 60 * 32 * 4, 3_000))  # type, group, bin
    index, group, bin = place // 128, place // 4 % 32, place % 4
    types, index = np.unique(index, return_inverse=True)
    count, blocks = rng.integers(0, 3, (2, len(place))).astype(float)
    cells = Cells(
        types.astype(np.uint64), types % 2 == 0, index, group, bin, count, blocks, *np.ones((2, 256, 32)), 1.0
    )
    chosen = {b: np.flatnonzero(rng.random(32) < 0.4) for b in (0, 1, 3)}
    expected: dict[tuple[int, int], np.ndarray] = {}
    for i, g, b, *counts in zip(index, group, bin, count, blocks, strict=True):
        if g in chosen.get(b, ()) and sum(counts):
            expected[types[i], g] = expected.get((types[i], g), 0.0) + np.array(counts)
    found = cells.spectrum(chosen)
    entries = zip(found.types[found.index], found.group, strict=True)
    assert list(entries) == sorted(expected)
    assert [*zip(found.count, found.blocks, strict=True)] == [tuple(expected[key]) for key in sorted(expected)]
    assert found.tokens.sum() == sum(map(len, chosen.values()))
    assert not cells.spectrum({}).types.size


def test_calibrated_weights_give_back_the_known_number_of_tokens():
    counted = Counted.tokens(simulated.drawn(LAW, 256_000, np.random.default_rng(3), rate=1 / 64))
    seen = counted.frequencies()
    assert np.sum(seen.k * seen.f) == pytest.approx(seen.size)


def test_thinning_is_sampling_at_the_lower_rate():
    keys = simulated.random_keys(LAW, np.random.default_rng(5))
    dense = simulated.drawn(LAW, 64_000, np.random.default_rng(6), keys=keys).thinned(1 / 8)
    kept = (np.arange(LAW.size) < simulated.FREQUENT) | (keys < 2**61)
    assert set(dense.types) <= set(keys[kept])
    assert dense.rate == 1 / 8


def test_no_text_is_not_measured():
    found = measure_diversity(pl.DataFrame(schema=TYPES))
    assert found.words.q0.status == Status.NOT_MEASURED
    assert found.levels["trigram"].q2.reason == "no eligible text"


def test_a_small_shard_is_measured_at_its_own_size_and_inconclusive():
    found = measure_spectrum(simulated.drawn(LAW, 19_200, np.random.default_rng(8)))
    assert found.q0.status == Status.INCONCLUSIVE
    assert "too few for 100,000" in found.q0.reason


def test_one_document_has_no_interval():
    spectrum = simulated.drawn(LAW, 64_000, np.random.default_rng(9)).of_groups(np.arange(32) == 4)
    assert measure_spectrum(spectrum).q1.status == Status.NOT_MEASURED


def test_a_few_groups_make_a_rough_interval():
    spectrum = simulated.drawn(LAW, 640_000, np.random.default_rng(10)).of_groups(np.arange(32) < 6)
    assert measure_spectrum(spectrum).q0.status == Status.INCONCLUSIVE


def test_types_that_all_occur_once_are_inconclusive():
    one = np.ones(3200)
    types = np.sort(simulated.random_keys(one, np.random.default_rng(1)))
    index = np.arange(3200)
    unique = Spectrum(types, one < 0, index, index % 32, one, one, np.full(32, 100.0), np.full(32, 5.0), 1.0)
    found = measure_spectrum(unique)
    assert {getattr(found, f.name).status for f in fields(found)} <= {Status.INCONCLUSIVE, Status.NOT_MEASURED}


def test_the_size_of_an_empty_corpus_measures_nothing():
    found = measure_spectrum(simulated.drawn(LAW, 19_200, np.random.default_rng(8)), tokens=0)
    assert {getattr(found, f.name).status for f in fields(found)} == {Status.NOT_MEASURED}
