"""The combination: copes with missing members, stays on the grid, gives human units, and explains in its own units."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors.calibration_file import Combination
from auditor.detectors.first_tier import CLAIMED, LEVELS, Ensemble
from auditor.errors import DetectorError
from auditor.run_columns import BINS
from auditor.text.batch import TextBatch

SHIPPED = Ensemble.load()
HUMAN = "We drove up on Friday and it rained, so the tent stayed in the boot. Dad swore at the map. " * 8
CHAT = (
    "Certainly! Here is a rewritten version. It is important to note that the rich tapestry of culture plays a crucial "
    "role in fostering a sense of community. As an AI language model, I delve into the complexities. Moreover, "
) * 5
ESSAY = (
    "In today's fast-paced world, finding balance is more important than ever. Here's the thing: it isn't about doing "
    "more, it's about doing what matters. Start small. Pick one habit, one quiet moment, and build from there. "
    "The result? A life that feels less like a checklist and more like a conversation. "
) * 4


def batch(*texts: str, language: str | None = "en") -> TextBatch:
    return TextBatch.of(pl.Series(texts), pl.Series([language] * len(texts), dtype=pl.String))


def scores(*texts: str, language: str | None = "en"):
    return SHIPPED.score(batch(*texts, language=language))


def test_machine_text_scores_above_a_plain_tale():
    found = scores(HUMAN, CHAT, ESSAY)
    assert found.logit[1] > 1 > found.logit[0] and found.logit[2] > found.logit[0]
    assert np.all((found.probability > 0) & (found.probability < 1)) and found.tier.tolist() == [0, 0, 0]
    assert list(found.members) == ["phrases", "ngrams", "stylometry"]


def test_texts_that_nothing_combines_have_no_logit_no_units_and_no_kind():
    for text, language in (("too short", "en"), (HUMAN, "fi"), ("", "en")):
        found = scores(text, language=language)
        units, kinds = SHIPPED.in_human_units(batch(text, language=language), found.logit)
        assert np.isnan(found.logit[0]) and np.isnan(units[0]) and kinds.to_list() == [None]


def test_a_missing_member_falls_back_to_a_smaller_combination():
    english = SHIPPED.combinations["en"]
    assert [c.members for c in english] == [("ngrams", "stylometry"), ("ngrams",)]
    both = {"ngrams": np.array([[1.0, 2.0]] * 2), "stylometry": np.array([[0.5, 0.5], [np.nan, np.nan]])}
    joint = SHIPPED._combined(batch("a", "b"), both)
    assert joint[0] == pytest.approx(english[0].score(both)[0])
    assert joint[1] == pytest.approx(english[1].score(both)[1])


def test_a_combination_puts_human_text_at_zero_and_its_spread_at_one():
    own = Combination(("a",), (2.0,), (1.0, 1.0), (2.0, 2.0), 0.0, 0.3, 1.5)
    heads = {"a": np.array([[0.5, 0.5]])}
    assert own.heads(heads)[0].tolist() == [0.0, 0.0]
    assert own.score(heads)[0] == pytest.approx((0.5 * np.log(2) - 0.3) / 1.5)


def test_head_weights_are_the_slopes_of_the_score():
    own, step = SHIPPED.combinations["en"][0], 1e-5
    members = {"ngrams": np.array([[1.0, 0.4]]), "stylometry": np.array([[0.2, -0.3]])}
    joint = own.heads(members)[0]
    for member in members:
        for head, weight in enumerate(own.head_weights(member, joint)):
            moved = {name: values.copy() for name, values in members.items()}
            moved[member][0, head] += step
            assert (own.score(moved)[0] - own.score(members)[0]) / step == pytest.approx(weight, abs=1e-4)


def test_human_units_undo_the_calibration_of_a_kind():
    text = batch(HUMAN, CHAT)
    logit = SHIPPED.score(text).logit
    units, kinds = SHIPPED.in_human_units(text, logit)
    assert units.dtype == np.float64 and kinds.dtype == pl.String and kinds.null_count() == 0
    higher, _ = SHIPPED.in_human_units(text, logit + 1)
    assert np.all(higher > units) and units[1] > units[0]
    assert np.abs(SHIPPED.in_human_units(text, np.array([1e9, -1e9]))[0]).tolist() == [12.0, 12.0]


def test_members_that_nothing_combines_are_refused():
    with pytest.raises(DetectorError, match="no calibration combines phrases alone"):
        Ensemble.load(["phrases"])


def test_ngrams_alone_score_every_language_of_the_ensemble():
    alone = Ensemble.load(["ngrams"])
    assert set(alone.languages) == set(SHIPPED.languages)
    assert np.isfinite(alone.score(batch(HUMAN)).logit[0])


def test_every_language_says_how_far_the_score_was_measured():
    assert set(SHIPPED.reach.values()) <= set(LEVELS) and SHIPPED.reach["en"] == "measured"
    assert set(SHIPPED.languages) == {name for name, level in SHIPPED.reach.items() if level in CLAIMED}
    assert {"en", "de", "fr", "es", "it", "pt", "ru", "zh", "ja"} <= set(SHIPPED.languages)


def test_the_calibration_has_the_form_that_estimates_read():
    found = SHIPPED.calibration.known
    assert found.bins == BINS
    assert {row.kind for row in found.kinds} == set(SHIPPED.kinds.names)
    assert all(row.scale > 0.2 and 0 < row.variance < 3 for row in found.kinds)
    assert set(found.spreads) == {"within", "uncovered", "common", "machine_shift", "log_scale"}
    assert all(0 < value < 2 for value in found.spreads.values())


def test_the_counts_stand_on_the_grid_and_human_text_lies_about_zero():
    cells = pl.DataFrame(SHIPPED.calibration.known.cells)
    assert set(cells["label"]) == {"human", "ai"} and cells["source"].n_unique() >= 15
    assert (cells["counts"].list.sum() == cells["documents"]).all()
    assert (cells["first"] >= 0).all() and (cells["first"] + cells["counts"].list.len() <= 96).all()
    middles = {}
    for label in ("human", "ai"):
        total = np.zeros(96)
        for cell in cells.filter(pl.col("label") == label, ~pl.col("base"), language="en").iter_rows(named=True):
            total[cell["first"] : cell["first"] + len(cell["counts"])] += np.array(cell["counts"]) / cell["documents"]
        middles[label] = -12 + 0.25 * (np.searchsorted(np.cumsum(total), total.sum() / 2) + 0.5)
    assert abs(middles["human"]) < 0.5 and middles["ai"] > 1.2


def test_an_explanation_names_members_and_what_moved_them():
    found = SHIPPED.explain(CHAT)
    assert {e.detector for e in found} >= {"ngrams", "phrases", "stylometry"}
    assert any("As an AI language model" in e.what and e.weight > 0.5 for e in found)
    assert SHIPPED.explain("too short") == []
