"""report.json keeps its contract: the schema file is current, and what is written validates against it."""

import json
import math

import jsonschema
import pytest

from auditor.errors import StoreError
from auditor.records import Estimate, Status
from auditor.reports.model import schema
from auditor.reports.model.base import E
from tests.reports.fixture import KINDS, build_report


def test_the_packaged_schema_is_the_models_own():
    assert json.loads(schema.SCHEMA_PATH.read_text(encoding="utf-8")) == json.loads(json.dumps(schema.json_schema()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hostile", [False, True])
def test_a_written_report_validates_for_any_json_schema_reader(kind, hostile):
    written = json.loads(schema.to_json(build_report(4, kind=kind, hostile=hostile)))
    jsonschema.Draft202012Validator.check_schema(schema.json_schema())
    jsonschema.Draft202012Validator(schema.json_schema()).validate(written)
    assert schema.unknown_keys(written) == []


def test_a_misspelt_key_is_found_and_kept():
    report = build_report(2)
    report["shards"][0]["documentz"] = 3
    assert schema.unknown_keys(report) == ["shards.documentz"]
    assert schema.check(report).model_dump()["shards"][0]["documentz"] == 3


def test_a_missing_quantity_is_named_with_what_to_do():
    report = build_report(1)
    del report["corpus"]["synthetic_fraction"]
    with pytest.raises(StoreError, match=r"corpus.synthetic_fraction.*auditor finalise"):
        schema.check(report)


def test_an_estimate_record_is_taken_as_it_is():
    measured = Estimate(0.2, 0.1, 0.3, n=10)
    assert E.model_validate(measured).upper == 0.3
    assert E.model_validate(Estimate.not_measured("no anchors")).status == Status.NOT_MEASURED


@pytest.mark.parametrize(
    "broken",
    [
        {"value": 0.1, "lower": None, "upper": 0.2, "status": "measured"},
        {"value": 0.1, "lower": 0.0, "upper": 0.2, "status": "not_measured", "reason": "x"},
        {"value": None, "lower": None, "upper": None, "status": "not_measured", "reason": None},
        {"value": 0.1, "lower": 0.0, "upper": 0.2, "status": "perhaps"},
    ],
)
def test_an_estimate_whose_status_and_numbers_disagree_is_refused_by_model_and_schema(broken):
    with pytest.raises(ValueError):
        E.model_validate(broken)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, E.model_json_schema())


@pytest.mark.parametrize("number", [1 - 1e-12, 1e-300, 5e-324, -1 + 1e-12, 0.1 + 0.2, 123456.789012345])
def test_rounding_never_makes_a_0_or_1_that_is_not_exact(number):
    rounded = schema.tidy(number)
    assert rounded not in (0, 1, -1) and math.isclose(rounded, number, rel_tol=1e-7)


def test_exact_zero_one_and_counts_stay_as_they_are():
    assert [schema.tidy(x) for x in (0.0, 1.0, 0, 1, 12345678901)] == [0.0, 1.0, 0, 1, 12345678901]


def test_numbers_that_json_lacks_become_null_and_lone_surrogates_are_replaced():
    assert json.loads(schema.to_json({"a": math.nan, "b": math.inf, "c": "\ud800"})) == {"a": None, "b": None, "c": "?"}
