"""Kernels of mixtures against the same in plain numpy, over the whole grid at once."""

import numpy as np
import pytest

from auditor.statistics.mixtures import drawn_places, mixture_logs, moved_rows

ATOMS, SHAPE, BINS = 40, (5, 3, 4, 6), 30
CENTRES = np.linspace(-3, 3, BINS)
STEP = CENTRES[1] - CENTRES[0]


@pytest.mark.parametrize("told", [False, True])
def test_places_are_those_of_the_cumulative_sum(told):
    rng = np.random.default_rng(1)
    nodes, scales, variants, fractions = SHAPE
    log = rng.normal(0, 30, (ATOMS, np.prod(SHAPE))).astype(np.float32)
    prior, node = rng.normal(size=np.prod(SHAPE[1:])), rng.normal(0, 5, (ATOMS, nodes))
    widths = (nodes * scales, nodes * variants, fractions) if told else (0, 0, 0)
    known = [rng.normal(0, 5, (ATOMS, width)) for width in widths]
    chance = rng.random((3, ATOMS))
    found = drawn_places(log, prior, *known, node, SHAPE, chance)
    whole = log.astype(float).reshape(-1, *SHAPE) + prior.reshape(SHAPE[1:]) + node[:, :, None, None, None]
    if told:
        whole += known[0].reshape(-1, nodes, scales, 1, 1) + known[1].reshape(-1, nodes, 1, variants, 1)
        whole += known[2][:, None, None, None]
    whole = whole.reshape(ATOMS, -1)
    summed = np.cumsum(np.exp(whole - whole.max(1, keepdims=True)), axis=1)
    for place, own in zip(found, chance, strict=True):
        assert np.array_equal(place, (summed < own[:, None] * summed[:, -1:]).sum(1))
    assert len(np.unique(found)) > 20


def test_densities_are_moved_and_stretched_by_interpolation():
    rng = np.random.default_rng(2)
    density = rng.dirichlet(np.ones(BINS), ATOMS)
    by, log_scale = rng.normal(0, 1, (ATOMS, 7)), rng.normal(0, 0.2, ATOMS)
    found = moved_rows(density, by, np.exp(-log_scale), CENTRES, STEP)
    units = CENTRES - by[..., None]
    units = np.where(units > 0, units * np.exp(-log_scale)[:, None, None], units)
    wanted = np.stack([np.interp(units[i], CENTRES, density[i]) for i in range(ATOMS)])
    # .001 of a bin before its end the last one is read
    assert found == pytest.approx(wanted / wanted.sum(-1, keepdims=True), abs=1e-3)
    assert found.sum(-1) == pytest.approx(np.ones((ATOMS, 7)))


def test_likelihoods_are_those_of_a_mixture():
    rng = np.random.default_rng(3)
    human, machine = rng.dirichlet(np.ones(BINS), (2, ATOMS, 7))
    counts = rng.poisson(0.5, (ATOMS, BINS)).astype(float)
    a = rng.random((ATOMS, 1))
    wanted = np.einsum("ab,akb->ak", counts, np.log((1 - a[..., None]) * human + a[..., None] * machine + 1e-9))
    assert mixture_logs(counts, human, machine, a, 1e-9) == pytest.approx(wanted)
    many = rng.random((ATOMS, 5))
    of_one = (1 - many[..., None]) * human[:, :1] + many[..., None] * machine[:, :1]
    wanted = np.einsum("ab,akb->ak", counts, np.log(of_one + 1e-9))
    assert mixture_logs(counts, human[:, :1], machine[:, :1], many, 1e-9) == pytest.approx(wanted)
