"""Shards measured by several processes have the figures, to the last bit, that one process gives."""

import dataclasses
import shutil

import numpy as np
import pytest

from auditor.errors import StoreError
from auditor.estimate.fraction.counts import BINS
from auditor.estimate.fraction.scopes import not_measured
from auditor.pipeline.diversity import shards
from auditor.pipeline.diversity.reference import find_reference
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.run.run import load_run


@pytest.fixture
def opened(audited):
    return load_run(audited)


@pytest.fixture
def prevalence(opened):
    """Fractions of every shard, so that human documents are drawn."""
    names = sorted({task.shard.name for task in opened.plan.of_role("corpus")})
    n = len(names)
    return dataclasses.replace(
        not_measured(names, np.ones(n), "not asked for"),
        posterior=np.tile(np.linspace(0.01, 0.9, BINS), (n, 1)),
        replicates=np.random.default_rng(1).uniform(0.05, 0.3, (20, n)),
        histogram=np.ones((n, BINS)),
    )


def measured(opened, prevalence, workers: int):
    spectra = Spectra(opened.folder, opened.plan)
    reference = find_reference(spectra)
    return shards.measure_shards(opened, spectra, prevalence, lambda name: reference, workers=workers)


def test_one_process_or_two_measure_the_same(opened, prevalence, monkeypatch):
    monkeypatch.setattr(shards, "LOT", 2)
    monkeypatch.setattr(shards, "MANY", 2)
    alone, whole = measured(opened, prevalence, 1)
    together, added = measured(opened, prevalence, 2)
    assert [repr(found) for found in together] == [repr(found) for found in alone]
    assert any(found.loss.words.q1.is_number for found in alone)
    assert added.equals(whole)
    assert not list((opened.folder / "clusters").glob(".*"))


def test_a_shard_that_cannot_be_read_in_another_process_is_said(opened, prevalence, monkeypatch, tmp_path):
    monkeypatch.setattr(shards, "LOT", 2)
    copied = tmp_path / "run"
    shutil.copytree(opened.folder, copied)
    for path in (copied / "parts").glob("*/types.parquet"):
        path.write_bytes(b"broken")
    spectra = Spectra(opened.folder, opened.plan)
    reference = find_reference(spectra)
    with pytest.raises(StoreError, match="diversity of shards could not be measured"):
        shards.measure_shards(
            dataclasses.replace(opened, folder=copied), spectra, prevalence, lambda name: reference, workers=2
        )
