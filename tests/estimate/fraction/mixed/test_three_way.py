"""The split into human, assisted and machine-written text, on made scores and on the shipped library."""

import numpy as np
import pytest

from auditor.detectors.edited import edited_cells
from auditor.detectors.first_tier import Ensemble
from auditor.estimate.fraction.counts import BINS, CENTRES, ScoreCounts
from auditor.estimate.fraction.mixed.library import Densities, Library, library_of, moved, smoothed
from auditor.estimate.fraction.mixed.three_way import PRIOR, three_way
from auditor.estimate.fraction.mixed.worlds import SHARES, STARTS, TOUCHED, draw_worlds


def normal(centre: float, sd: float) -> np.ndarray:
    density = np.exp(-0.5 * ((CENTRES - centre) / sd) ** 2)
    return smoothed(density / density.sum())


def made_library(assisted: float = 2.0, machine: float = 5.0) -> Library:
    """Sources whose densities differ a little; the classes lie as far apart as asked for."""

    def densities(centre: float, sd: float) -> Densities:
        rows = [normal(centre + by, sd) for by in (-0.15, 0.0, 0.15)]
        return Densities(np.stack(rows), ("a", "b", "c"))

    return Library(densities(0.0, 1.0), densities(assisted, 0.8), densities(machine, 1.0))


def histogram(rng: np.random.Generator, n: int, assisted: float, machine: float, at=(2.0, 5.0)) -> np.ndarray:
    parts = [(1 - assisted - machine, 0.0, 1.0), (assisted, at[0], 0.8), (machine, at[1], 1.0)]
    scores = np.concatenate([rng.normal(centre, sd, round(n * share)) for share, centre, sd in parts])
    return ScoreCounts.of(scores).histogram[0].astype(float)


@pytest.fixture(scope="module")
def worlds():
    return draw_worlds(made_library())


@pytest.fixture(scope="module")
def shipped() -> Library:
    library = library_of(Ensemble.load().calibration.known, edited_cells())
    assert library is not None
    return library


def split(worlds, counts, *, uncovered=0.0, believed=100.0, seed=0):
    rng = np.random.default_rng(seed)
    return three_way(worlds, counts[None], np.ones(1), np.array([uncovered]), rng, draws=2000, believed=believed)[0]


def ends(draws: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize(("assisted", "machine"), [(0.0, 0.0), (0.0, 0.3), (0.3, 0.0), (0.2, 0.2), (0.05, 0.1)])
def test_intervals_hold_the_shares_that_a_corpus_was_made_of(worlds, assisted, machine):
    found = split(worlds, histogram(np.random.default_rng(1), 4000, assisted, machine))
    for truth, draws in ((assisted, found.assisted), (machine, found.machine), (assisted + machine, found.touched)):
        low, high = ends(draws)
        assert low - 0.01 <= truth <= high + 0.01, (truth, low, high)


def test_the_posterior_is_that_of_a_direct_sum_over_worlds():
    """Reference value: the grid, world by world in double precision."""
    worlds = draw_worlds(made_library(), worlds=7)
    counts = histogram(np.random.default_rng(2), 60, 0.2, 0.2)
    found = split(worlds, counts, uncovered=1.0, believed=1e9)
    observed = np.add.reduceat(counts, STARTS)
    expected = np.zeros((len(TOUCHED), len(SHARES)))
    for world in range(7):
        for t in range(len(TOUCHED)):
            for s in range(len(SHARES)):
                expected[t, s] += np.exp(float(worlds.log[world, t, s].astype(float) @ observed)) * PRIOR[t]
    np.testing.assert_allclose(found.grid, expected / expected.sum(), rtol=2e-3, atol=1e-8)


def test_what_cannot_be_told_apart_is_not_split():
    """Assisted text that scores like machine text: the sum is known, the split is the whole range."""
    worlds = draw_worlds(made_library(assisted=5.0, machine=5.0))
    found = split(worlds, histogram(np.random.default_rng(3), 4000, 0.2, 0.2, at=(5.0, 5.0)))
    low, high = ends(found.assisted)
    assert low < 0.06
    assert high > 0.3
    corners = np.array(found.region())
    assert corners[:, 0].max() > 0.3
    assert corners[:, 1].max() > 0.3  # both corners of the line a + m = .4
    assert np.all(corners >= 0)
    assert np.all(corners.sum(1) <= 1 + 1e-9)


def test_more_anchors_make_the_touched_share_sharper(worlds):
    counts = histogram(np.random.default_rng(4), 4000, 0.15, 0.05)
    widths = [np.diff(ends(split(worlds, counts, uncovered=share).touched))[0] for share in (0.0, 1.0)]
    assert widths[0] < widths[1]


def test_a_scope_does_not_depend_on_the_others(worlds):
    counts = np.stack([histogram(np.random.default_rng(k), 500, 0.04 * k, 0.1) for k in range(20)])
    together = three_way(worlds, counts, np.ones(20), np.zeros(20), np.random.default_rng(0))
    for place in (0, 15, 19):
        alone = three_way(worlds, counts[[place]], np.ones(1), np.zeros(1), np.random.default_rng(0))[0]
        np.testing.assert_allclose(together[place].grid, alone.grid, rtol=1e-3, atol=1e-9)


def test_a_design_effect_counts_as_fewer_documents(worlds):
    counts = histogram(np.random.default_rng(5), 90, 0.2, 0.1)
    rng = np.random.default_rng(0)
    whole = three_way(worlds, counts[None], np.ones(1), np.zeros(1), rng, draws=4000)[0]
    half = three_way(worlds, counts[None], np.full(1, 3.0), np.zeros(1), rng, draws=4000)[0]
    assert np.diff(ends(half.touched)) > np.diff(ends(whole.touched))


def test_the_shipped_library_covers_mixtures_of_sources_that_it_does_not_know():
    """A source's edited text, split with the library of the others: the truth lies in nine of ten intervals."""
    calibration, cells = Ensemble.load().calibration.known, edited_cells()
    inside = []
    for source in ("imbd", "l2r"):
        library = library_of(calibration, cells, without=[source])
        known = library_of(calibration, cells)
        assert library is not None
        assert known is not None
        worlds, rng = draw_worlds(library, worlds=600), np.random.default_rng(7)
        edited = [row for row, name in zip(known.assisted.rows, known.assisted.sources, strict=True) if name == source]
        made = [row for row, name in zip(known.machine.rows, known.machine.sources, strict=True) if name == source]
        for touched in (0.0, 0.05, 0.2, 0.5):
            for share in (0.0, 0.5, 1.0):
                h = moved(known.human.rows[rng.integers(len(known.human.rows))], rng.normal(0, 0.25))
                g, f = edited[rng.integers(len(edited))], made[rng.integers(len(made))]
                counts = rng.multinomial(2000, (1 - touched) * h + touched * (share * g + (1 - share) * f))
                found = split(worlds, counts.astype(float))
                for truth, draws in ((touched * share, found.assisted), (touched, found.touched)):
                    low, high = ends(draws)
                    inside.append(low - 0.01 <= truth <= high + 0.01)
    assert np.mean(inside) >= 0.9


def test_the_library_is_of_english_and_knows_all_three_classes(shipped):
    for own in (shipped.human, shipped.assisted, shipped.machine):
        np.testing.assert_allclose(own.rows.sum(1), 1, atol=1e-9)
        assert own.rows.min() > 0
    middle = [float(np.median(own.rows @ CENTRES)) for own in (shipped.human, shipped.assisted, shipped.machine)]
    assert middle[0] + 1 < middle[1] < middle[2] - 1
    assert set(shipped.assisted.sources) == {"imbd", "l2r"}
    assert shipped.human.rows.shape[1] == BINS
