"""What ships as measured is what was measured: every built-in detector, with an interval around its value."""

import json
from pathlib import Path

import polars as pl
import pytest

from auditor.detectors import registry
from auditor.detectors.training import accuracy


def test_every_built_in_detector_ships_with_what_it_was_measured_to_find():
    measured = accuracy.shipped()
    assert set(registry.BUILT_IN) | {accuracy.TOGETHER, "first tier + lm"} <= set(measured)
    for reach in measured.values():
        for value, lower, upper in (reach[metric] for metric in accuracy.METRICS):
            assert 0 <= lower <= value <= upper <= 1


def test_the_members_of_the_card_have_the_figures_that_ship():
    card = (Path(__file__).parents[3] / "docs" / "detectors.md").read_text("utf-8")
    value, lower, upper = accuracy.shipped()[accuracy.TOGETHER]["auroc"]
    line = next(part for part in card.splitlines() if part.startswith("| instruction-tuned | first tier together"))
    assert f"{value:.3f} ({lower:.3f}-{upper:.3f})" in line


def test_figures_are_those_of_the_scope_and_length_that_are_named():
    scores = ["ngrams", "ensemble", "tfidf"]
    rows = [
        {"kind": kind, "scope": scope, "length": length, "scorer": scorer}
        | {metric + end: n / 10 for metric in accuracy.METRICS for end in ("", "_lower", "_upper")}
        for n, (kind, scope, length) in enumerate(
            [("pooled", accuracy.SCOPE, accuracy.WORDS), ("pooled", "all", accuracy.WORDS), ("source", "a", 250)]
        )
        for scorer in scores
    ]
    assert accuracy.of_first_tier(pl.DataFrame(rows)) == {
        name: {metric: [0.0] * 3 for metric in accuracy.METRICS} for name in ("ngrams", accuracy.TOGETHER)
    }
    deep = [
        {"scope": accuracy.SCOPE, "scorer": name, "auroc": [1, 1, 1], "tpr_1": [1, 1, 1]}
        for name in ("first", "curvature", "lm", "first+lm")
    ]
    assert set(accuracy.of_deep([*deep, {**deep[0], "scope": "all"}])) == {"lm", "first tier + lm"}


@pytest.mark.parametrize("before", [None, {"lm": {"auroc": [0, 0, 0]}, "ngrams": {}}])
def test_what_is_measured_again_takes_the_place_of_what_was(tmp_path, before):
    file = tmp_path / "accuracy.json"
    if before is not None:
        file.write_text(json.dumps(before))
    found = accuracy.together(file, {"lm": {"auroc": [1, 1, 1]}})
    assert found["lm"] == {"auroc": [1, 1, 1]} and ("ngrams" in found) == (before is not None)
