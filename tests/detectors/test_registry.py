"""Detectors are found by name, and what cannot be used says why."""

import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from auditor.detectors import registry
from auditor.detectors.interface import Description, Detector, Obstacle
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch


def plug_in(monkeypatch, **names):
    monkeypatch.setitem(sys.modules, "plugged", SimpleNamespace(**names))
    points = [EntryPoint("plugged", "plugged", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def test_every_built_in_has_a_description_and_loads_or_says_why():
    for listing in registry.listings():
        assert listing.description.name in registry.BUILT_IN and listing.description.version
        if listing.obstacle is None:
            assert isinstance(registry.load(listing.description.name), Detector)


def test_a_mistyped_name_names_the_nearest():
    with pytest.raises(DetectorError, match="did you mean phrases"):
        registry.load("phrasse")


@pytest.mark.parametrize("name", ["nosuch:PATH", "hf:", "lm:"])
def test_a_wrong_scheme_says_what_to_write(name: str):
    with pytest.raises(DetectorError, match="hf:PATH or lm:PATH"):
        registry.load(name)


def test_a_plug_in_is_listed_and_loaded(monkeypatch):
    class Constant:
        description = Description("plugged", "1")

        def score(self, batch: TextBatch) -> np.ndarray:
            return np.zeros(len(batch), np.float32)

    plug_in(monkeypatch, DESCRIPTION=Constant.description, obstacle=lambda: None, load=lambda path=None: Constant())
    assert registry.listings()[-1].origin == "plugged"
    assert registry.load("plugged").description.version == "1"


def test_a_plug_in_that_cannot_be_used_gives_reason_and_command(monkeypatch):
    obstacle = Obstacle("torch is missing", "pip install corpus-auditor[lm]")
    plug_in(monkeypatch, DESCRIPTION=Description("plugged", "1"), obstacle=lambda: obstacle, load=None)
    assert registry.listings()[-1].obstacle == obstacle
    with pytest.raises(DetectorError, match=r"torch is missing; run: pip install corpus-auditor\[lm\]"):
        registry.load("plugged")


def test_a_broken_plug_in_is_listed_with_its_reason(monkeypatch):
    plug_in(monkeypatch)
    assert "lacks DESCRIPTION" in registry.listings()[-1].obstacle.reason
    assert "plugged" not in [d.description.name for d in registry.usable(tier=0)]


def test_a_detector_applies_by_length_and_language_and_lets_the_unknown_through():
    batch = TextBatch.of(
        pl.Series(["one two three"] * 3 + ["one"]), pl.Series(["en", "de", None, "en"], dtype=pl.String)
    )
    english = Description("d", "1", languages=frozenset({"en"}), minimum_words=2)
    assert english.applies(batch).tolist() == [True, False, True, False]
    assert Description("d", "1").applies(batch).all()
