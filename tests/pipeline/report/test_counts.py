"""Provenance names the packages behind the figures: no more, no fewer."""

from importlib.metadata import version

import pytest

from auditor.config import Config
from auditor.pipeline.report import counts
from auditor.pipeline.report.counts import DEEP, PACKAGES, packages
from auditor.pipeline.run.plan import Plan
from auditor.sources.read.interface import Columns, Corpus, Shard

PLAIN = Shard("a.parquet", "a.parquet", "parquet", None, 1, 0.0, "f")
OF_DELTA = Shard("t/a.parquet", "t/a.parquet", "parquet", None, 1, 0.0, "f", version="Delta version 3")
OF_IMAGES = Shard("b.parquet", "b.parquet", "parquet", None, 1, 0.0, "f", Columns(text="caption", image="image"))


@pytest.fixture(autouse=True)
def everything_is_installed(monkeypatch):
    monkeypatch.setattr(counts, "installed", lambda name: f"1.0 of {name}")


def of(*shards: Shard, **settings) -> set[str]:
    return set(packages(Config(**settings), Plan({"corpus": Corpus("corpus", (), shards)}, ())))


def test_an_audit_without_deep_detectors_names_what_every_audit_uses():
    assert of(PLAIN) == set(PACKAGES)
    assert {"duckdb", "polars", "numpy", "py3langid", "resiliparse"} <= set(PACKAGES)


@pytest.mark.parametrize("settings", [{"deep_sample": 10}, {"deep_budget": "5m"}, {"meaning": 100}])
def test_deep_detectors_and_embeddings_bring_the_packages_that_run_them(settings):
    assert of(PLAIN, **settings) == {*PACKAGES, *DEEP}


def test_tables_and_images_bring_the_packages_that_read_them():
    assert of(PLAIN, OF_DELTA) - set(PACKAGES) == {"deltalake"}
    assert of(OF_IMAGES) - set(PACKAGES) == {"pillow", "c2pa-python"}


def test_a_reference_counts_as_much_as_the_corpus():
    plan = Plan({"corpus": Corpus("corpus", (), (PLAIN,)), "human_reference": Corpus("corpus", (), (OF_DELTA,))}, ())
    assert "deltalake" in packages(Config(), plan)


def test_an_optional_package_that_is_absent_is_not_named(monkeypatch):
    monkeypatch.undo()
    found = packages(Config(), Plan({"corpus": Corpus("corpus", (), (PLAIN,))}, ()))
    assert found == {name: version(name) for name in PACKAGES}
    monkeypatch.setattr(counts, "OF_TABLES", {"Delta": "no-such-package"})
    assert set(packages(Config(), Plan({"corpus": Corpus("corpus", (), (OF_DELTA,))}, ()))) == set(PACKAGES)
