"""Kernels of mixtures against the same in plain numpy, over the whole grid at once."""

import numpy as np
import pytest

from auditor.statistics.mixtures import mixture_logs, moved_rows

ATOMS, BINS = 40, 30
CENTRES = np.linspace(-3, 3, BINS)
STEP = CENTRES[1] - CENTRES[0]


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
