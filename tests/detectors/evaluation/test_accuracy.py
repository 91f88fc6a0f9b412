"""What ships as measured is what was measured: every built-in detector, with an interval around its value."""

import json

import polars as pl
import pytest

from auditor.detectors import registry
from auditor.detectors.evaluation import accuracy


def test_every_built_in_detector_ships_with_what_it_was_measured_to_find():
    measured = accuracy.shipped()
    assert set(registry.BUILT_IN) | {accuracy.TOGETHER} <= set(measured)
    for reach in measured.values():
        for value, lower, upper in (reach[metric] for metric in accuracy.METRICS):
            assert 0 <= lower <= value <= upper <= 1


def test_figures_are_those_of_members_languages_and_years():
    figures = dict.fromkeys(("auroc", "tpr_5", "tpr_1"), 0.5)
    row = {"human": 90, "machine": 80, **figures}
    row |= {f"{metric}{end}": 0.5 for metric in accuracy.METRICS for end in ("_lower", "_upper")}
    scopes = [
        ("member", "ngrams"),
        ("member", accuracy.TOGETHER),
        ("language", "de"),
        ("year", "2024"),
        ("source", "a"),
    ]
    table = pl.DataFrame([{"kind": kind, "scope": scope, **row} for kind, scope in scopes])
    found = accuracy.of_first_tier(table, {"de": "measured", "ko": "transferred"})
    assert found["ngrams"] == {metric: [0.5] * 3 for metric in accuracy.METRICS} and accuracy.TOGETHER in found
    reach = found[accuracy.REACH]
    assert reach["languages"]["de"] == {"level": "measured", "human": 90, "machine": 80, **figures}
    assert reach["languages"]["ko"] == {"level": "transferred"} and set(reach["years"]) == {"2024"}
    assert set(found) == {"ngrams", accuracy.TOGETHER, accuracy.REACH}


def test_of_the_deep_detectors_the_scope_that_is_named_counts():
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
