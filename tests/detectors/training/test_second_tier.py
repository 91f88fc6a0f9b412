"""Heads and stacks of the second tier: what they learn from, what they leave out, and how false alarms are counted."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors.evaluation import second_tier as second_tier_evaluation
from auditor.detectors.second_tier import FIRST
from auditor.detectors.training import second_tier
from auditor.detectors.training.data.labelled import Labelled
from auditor.text.batch import TextBatch

SOURCES = ("outfox", "l2r", "glimpse", "mixset", "qwen_qa_multi")


def frame_of(n: int, rng: np.random.Generator) -> pl.DataFrame:
    source = rng.choice(SOURCES, n)
    return pl.DataFrame(
        {
            "source": source,
            "family": source,
            "label": np.where(rng.random(n) < 0.3, "ai", "human"),
            "licensed": source != "mixset",
            "base": False,
            "held_out": False,
            "reference": False,
            "fold": np.unique(source, return_inverse=True)[1],
        }
    )


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    frame = frame_of(3000, rng)
    machine = (frame["label"] == "ai").to_numpy()
    x = rng.normal(size=(3000, 40))
    x[:, 20] += 1.5 * machine  # a column beyond the few figures
    return frame, x


def test_a_head_finds_the_column_that_tells(drawn):
    frame, x = drawn
    head = second_tier.fit_head("encoder", x, frame)
    assert np.argmax(np.abs(head.weights)) == 20 and head.weights[20] > 5 * np.sort(np.abs(head.weights))[-2]


def test_text_without_a_licence_teaches_nothing(drawn):
    frame, x = drawn
    changed = np.where((frame["source"] == "mixset").to_numpy()[:, None], x * 50 + 7, x)
    one, other = (second_tier.fit_head("encoder", y, frame) for y in (x, changed))
    assert one.as_dict() == other.as_dict()


def test_scores_out_of_family_are_of_heads_that_saw_nothing_of_it(drawn):
    frame, x = drawn
    here = (frame["source"] == "l2r").to_numpy()
    whole = second_tier.out_of_family("encoder", x, frame)
    other = pl.col("label").replace({"ai": "human", "human": "ai"})
    flipped = frame.with_columns(label=pl.when(pl.Series(here)).then(other).otherwise("label"))
    again = second_tier.out_of_family("encoder", x, flipped)
    np.testing.assert_allclose(again[here], whole[here])
    assert np.abs(again[~here] - whole[~here]).max() > 0.01


def test_a_stack_keeps_the_shares_that_are_given(drawn):
    frame, _ = drawn
    rng, machine = np.random.default_rng(1), (frame["label"] == "ai").to_numpy()
    scores = {name: scale * (rng.normal(size=3000) + machine) for name, scale in ((FIRST, 1.0), ("lm", 10.0))}
    stack = second_tier.fit_joint((FIRST, "lm"), scores, frame)
    spread = [scores[name][frame["licensed"].to_numpy()].std() for name in stack.members]
    first, lm = np.array(stack.weights) * spread
    assert first / lm == pytest.approx(second_tier.SHARES[FIRST] / second_tier.SHARES["lm"], rel=1e-3)
    logit = stack.logit(scores)
    assert abs(np.mean(1 / (1 + np.exp(-logit)) - 0.5)) < 0.15  # classes weigh the same


def test_alarms_are_counted_against_both_thresholds():
    frame = pl.DataFrame({"domain": ["essay_toefl"] * 400 + ["essay"] * 400})
    rng = np.random.default_rng(0)
    logit = rng.normal(size=800) + np.repeat([1.0, 0.0], 400)
    found = second_tier_evaluation.false_alarms(Labelled(frame, TextBatch.of(pl.Series([""]))), logit, 1.645)
    assert found["native"] == pytest.approx(0.05, abs=0.03) and found["non_native"] == pytest.approx(0.26, abs=0.06)
    assert (found["native_anchored"] + found["non_native_anchored"]) / 2 == pytest.approx(0.05, abs=0.03)
