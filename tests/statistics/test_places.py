"""Draws on a grid of mixtures against the same in plain numpy, over the whole grid at once."""

import numpy as np
import pytest

from auditor.statistics.places import concave_bound, drawn_places, mixture_log, row_bounds

ATOMS, NODES, SCALES, VARIANTS, RUNS = 40, 5, 3, 4, 25
FRACTIONS = np.concatenate([[0.0], np.geomspace(0.002, 0.06, 6), np.linspace(0.09, 1.0, 9)])
COARSE = np.array([0, 1, 4, 7, 10, 13, 15])


def _grid(told, size):
    rng = np.random.default_rng(1)
    human = rng.dirichlet(np.ones(RUNS), (NODES, SCALES)).astype(np.float32) + np.float32(1e-9)
    machine = rng.dirichlet(np.ones(RUNS), (NODES, VARIANTS)).astype(np.float32) + np.float32(1e-9)
    counts = rng.poisson(size / RUNS, (ATOMS, RUNS)).astype(np.float32)
    counts[:3, 0] = -1  # labels beyond what is believed
    widths = (NODES * SCALES, NODES * VARIANTS, len(FRACTIONS)) if told else (0, 0, 0)
    known = [rng.normal(0, 2, (ATOMS, width)) for width in widths]
    if told:
        known[2] = 9 * np.log(1 - FRACTIONS + 1e-4) + 3 * np.log(FRACTIONS + 1e-4) + 0 * known[2]
    prior, node = rng.normal(size=(SCALES, VARIANTS)), rng.normal(0, 2, (ATOMS, NODES))
    of_fraction = -0.75 * np.log(FRACTIONS + 0.004)
    return (counts, human, machine, FRACTIONS), (of_fraction, prior, node, *known)


def _whole(grid, terms):
    """The log-posterior (atoms, rows, fractions) of every cell."""
    (counts, human, machine, a), (of_fraction, prior, node, known_human, known_machine, answers) = grid, terms
    h, f = human.astype(float)[:, :, None, None], machine.astype(float)[:, None, :, None]
    out = np.einsum("ir,nsvar->insva", counts, np.log((1 - a[:, None]) * h + a[:, None] * f))
    out += of_fraction + prior[:, :, None] + node[:, :, None, None, None]
    if known_human.shape[1]:
        out += known_human.reshape(ATOMS, NODES, SCALES, 1, 1) + known_machine.reshape(ATOMS, NODES, 1, VARIANTS, 1)
        out += answers[:, None, None, None]
    return out.reshape(ATOMS, -1, len(a))


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("size", [20, 400])
def test_places_are_those_of_the_cumulative_sum(told, size):
    grid, terms = _grid(told, size)
    chance = np.random.default_rng(2).random((50, ATOMS))
    found = drawn_places(*grid, *terms, *row_bounds(*grid, COARSE, *terms), chance)
    whole = _whole(grid, terms).reshape(ATOMS, -1)
    summed = np.cumsum(np.exp(whole - whole.max(1, keepdims=True)), axis=1)
    wanted = np.stack([(summed < own[:, None] * summed[:, -1:]).sum(1) for own in chance])
    assert (found == wanted).mean() > 0.999  # of chance next to the end of a cell single precision decides
    assert len(np.unique(found)) > 20


@pytest.mark.parametrize("told", [False, True])
def test_no_cell_exceeds_the_bound_of_its_row_and_many_rows_are_left_out(told):
    grid, terms = _grid(told, 400)
    bounds, best = row_bounds(*grid, COARSE, *terms)
    whole = _whole(grid, terms)
    assert (bounds >= whole.max(2) - 0.01).all()
    assert (best <= whole.max((1, 2)) + 0.01).all()
    assert np.isinf(bounds[:3]).all() and (bounds[3:] < best[3:, None] - 30).mean() > 0.3


def test_the_bound_of_a_concave_function_holds_and_is_near():
    at = np.array([0.0, 0.1, 0.3, 0.6, 1.0])
    fine = np.linspace(0, 1, 1001)
    for peak in (-0.2, 0.05, 0.2, 0.7, 1.3):
        bound = concave_bound(at, -100 * (at - peak) ** 2, 1 / np.diff(at), np.zeros(4), np.empty(6))
        most = (-100 * (fine - peak) ** 2).max()
        assert most - 1e-9 <= bound <= most + 10


def test_logarithms_are_right_to_single_precision():
    rng = np.random.default_rng(3)
    h, f = np.exp(rng.uniform(-20, 0, (2, RUNS))).astype(np.float32)
    a = FRACTIONS.astype(np.float32)
    out = np.empty((RUNS, len(a)), np.float32)
    mixture_log(h, f, a, out, np.empty(len(a), np.float32))
    assert out == pytest.approx(np.log(h[:, None] + a * (f - h)[:, None]), rel=3e-7, abs=3e-7)
