"""The combination: copes with missing members, stays on the grid, and explains in its own units."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors.first_tier import Ensemble, Stack
from auditor.detectors.training.stacking import SHARES, calibration, fit_stack
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

SHIPPED = Ensemble.load()
HUMAN = "We drove up on Friday and it rained, so the tent stayed in the boot. Dad swore at the map. " * 8
CHAT = (
    "Certainly! Here is a rewritten version. It is important to note that the rich tapestry of culture plays a crucial "
    "role in fostering a sense of community. As an AI language model, I delve into the complexities. Moreover, "
) * 5


def scores(*texts: str, language: str = "en"):
    return SHIPPED.score(TextBatch.of(pl.Series(texts), pl.Series([language] * len(texts))))


def test_chat_text_scores_above_a_plain_tale():
    found = scores(HUMAN, CHAT)
    assert found.logit[1] > 3 > found.logit[0]
    assert np.all((found.probability > 0) & (found.probability < 1)) and found.tier.tolist() == [0, 0]


def test_texts_that_no_stack_covers_have_no_logit():
    assert np.isnan(scores("too short").logit[0]) and np.isnan(scores(HUMAN, language="fi").logit[0])


def test_a_missing_member_falls_back_to_a_smaller_stack():
    members = {"a": np.array([1.0, 1, np.nan]), "b": np.array([2.0, np.nan, np.nan])}
    stacks = (Stack(("a", "b"), 0.0, (1.0, 1.0)), Stack(("a",), 0.5, (2.0,)))
    found = Ensemble((), stacks, {}).combine(members, 3)
    assert found.logit[:2].tolist() == [3.0, 2.5] and np.isnan(found.logit[2])


def test_the_logit_stays_on_the_grid():
    stack = Stack(("a",), 0.0, (1.0,))
    assert stack.logit({"a": np.array([1e9, -1e9])}).tolist() == [12.0, -12.0]


def test_members_that_nothing_combines_are_refused():
    with pytest.raises(DetectorError, match="no calibration combines phrases alone"):
        Ensemble.load(["phrases"])


def test_fitting_recovers_scale_and_intercept_and_copes_with_missing_scores():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=20_000), rng.normal(size=20_000)
    joint = SHARES["ngrams"] * a + SHARES["stylometry"] * b
    machine = rng.random(20_000) < 1 / (1 + np.exp(0.5 - 1.5 * joint))
    a[:500] = np.nan
    stack = fit_stack(("ngrams", "stylometry"), {"ngrams": a, "stylometry": b}, machine, np.ones(20_000))
    assert stack.intercept == pytest.approx(-0.5, abs=0.06)
    assert stack.weights == pytest.approx((1.5, 1.5 * SHARES["stylometry"]), abs=0.08)


def test_calibration_counts_every_scored_document_once_in_its_cell():
    frame = pl.DataFrame(
        {
            "family": "f",
            "source": "s",
            "domain": "d",
            "language": "en",
            "label": ["human", "ai", "ai", "ai"],
            "generator": ["", "x", "x", "x"],
            "base": False,
            "words": [150, 500, 500, 50],
        }
    )
    cells = calibration(frame, np.array([-13.0, 0.1, np.nan, 1.0]))["cells"]
    assert [(c["label"], c["band"], c["documents"], c["first"]) for c in cells] == [
        ("ai", 400, 1, 48),
        ("human", 100, 1, 0),
    ]


def test_the_shipped_calibration_covers_families_and_both_classes():
    cells = pl.DataFrame(SHIPPED.calibration()["cells"])
    assert cells["family"].n_unique() >= 5 and set(cells["label"]) == {"human", "ai"}
    assert cells.filter(label="human")["documents"].sum() > 3000
    assert (cells["counts"].list.sum() == cells["documents"]).all()


def test_an_explanation_names_members_and_what_moved_them():
    found = SHIPPED.explain(CHAT)
    assert {e.detector for e in found} >= {"ngrams", "phrases"}
    assert any("As an AI language model" in e.what and e.weight > 1 for e in found)
