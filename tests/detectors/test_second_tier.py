"""What the second tier ships fits together: head, stack and the score counts behind its error rates."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from auditor.detectors import registry, second_tier
from auditor.detectors.deep import language_model, linear_head, surprisal
from auditor.detectors.first_tier import MODELS
from auditor.detectors.interface import Description
from auditor.detectors.second_tier import FIRST, Cell, rates, threshold_of


@pytest.fixture
def shipped(monkeypatch):
    def score(batch):
        return np.array([-2.0, 0.0, 2.0, np.nan], np.float32)

    lm = SimpleNamespace(description=Description("lm", "1", tier=1, revision="r"), score=score)
    monkeypatch.setattr(registry, "usable", lambda names=(), *, tier=None: [lm])
    return second_tier.load()


def test_the_shipped_stack_reads_both_tiers_and_rises_with_each(shipped):
    assert set(shipped.stack.members) == {FIRST, "lm"} and min(shipped.stack.weights) > 0
    logit, members = shipped.score([None] * 4, np.array([-2.0, 0.0, 2.0, 2.0]))
    assert np.all(np.diff(logit[:3]) > 1) and np.isnan(logit[3]) and set(members) == {"lm"}


def test_the_encoder_is_read_beside_lm_only_where_both_are_named(monkeypatch):
    both = [SimpleNamespace(description=Description(name, "1", tier=1, revision="r")) for name in ("encoder", "lm")]
    monkeypatch.setattr(registry, "usable", lambda names=(), *, tier=None: both)
    monkeypatch.setattr(registry, "load", lambda name: next(d for d in both if d.description.name == name))
    assert [d.description.name for d in second_tier.load().detectors] == ["lm"]
    named = second_tier.load(["lm", "encoder"])
    assert {d.description.name for d in named.detectors} == {"lm", "encoder"} <= set(named.stack.members)
    assert {frozenset(stack.members) for stack in named.smaller} == {frozenset((FIRST, d)) for d in ("lm", "encoder")}
    assert second_tier.load(["encoder"]).stack.members == (FIRST, "encoder")


def test_the_shipped_head_has_a_weight_for_every_figure_and_dimension():
    head, mark = linear_head.read(language_model.HEAD, figures=list(surprisal.NAMES), layer=language_model.LAYER)
    assert len(head.weights) == len(head.centre) == len(head.spread) == len(surprisal.NAMES) + 576 and mark
    assert np.isfinite(head.logit(head.centre[None])[0]) and (head.spread > 0).all()


def test_the_bundled_rates_separate_the_classes_on_unseen_families(shipped):
    threshold = threshold_of(shipped.cells)
    human, machine = rates(shipped.cells, "human", threshold), rates(shipped.cells, "ai", threshold)
    assert human[0] / human[1] < 0.1 < 0.4 < machine[0] / machine[1]
    assert machine[1] < sum(cell.counts.sum() for cell in shipped.cells if cell.label == "ai")


def test_only_sources_with_a_stated_licence_taught_what_is_shipped():
    for name in ("second_tier.json", "second_tier_lm.json", "second_tier_encoder.json"):
        card = json.loads((MODELS / name).read_text("utf-8"))
        assert card["sources"] and not any("unstated" in s["licence"].lower() for s in card["sources"])
    named = {s["source"] for s in card["sources"]}
    stacks = json.loads((MODELS / "second_tier.json").read_text("utf-8"))["stacks"]
    assert {cell["source"] for stack in stacks for cell in stack["cells"]} <= named


def test_a_threshold_leaves_the_asked_share_of_human_documents_above():
    cells = [Cell("a", "human", 24, 0, np.full(10, 10))]
    at = threshold_of(cells)
    assert rates(cells * 3, "human", at)[0] == 0 and at == pytest.approx(-2.0)
    assert threshold_of(()) == 0.0
