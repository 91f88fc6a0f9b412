"""Reports under a fixed clock: the same to the byte, and nothing of report.json's shape is ever lost."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from auditor.cli.main import run as command
from auditor.pipeline.finalise import finalise
from auditor.pipeline.report.excerpts import forget_excerpts
from auditor.reports.model import schema
from tests.reports import golden


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return golden.audited(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def report(run):
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


# Lists that a run may have nothing in.
LISTS = (
    "actions",
    "findings",
    "shards[].flags",
    "skips",
    "reservoir.appended.pessimistic.per_shard",  # where no finite reservoir will do, with the reason
    "reservoir.appended.pessimistic.strata",
)


@pytest.mark.parametrize("name", sorted(golden.texts()))
def test_a_report_in_text_reads_as_it_did(name):
    kept = (golden.FOLDER / name).read_text(encoding="utf-8")
    assert golden.texts()[name] == kept, "if this is wanted: python -m tests.reports.golden"


def test_no_key_of_report_json_was_lost_or_changed_its_type(report):
    kept = json.loads((golden.FOLDER / golden.SHAPE).read_text(encoding="utf-8"))
    now = golden.shape(report)
    empty = tuple(f"{key}[]" for key in LISTS if f"{key}[]" not in now)  # this run has none of them
    lost = {key for key in kept.keys() - now.keys() if not key.startswith(empty)}
    assert lost == set(), "keys are added, never renamed: see docs/report-format.md"
    both = {key: (kind, now[key]) for key, kind in kept.items() if key in now}
    changed = {key: kinds for key, kinds in both.items() if kinds[0] != kinds[1] and "null" not in kinds}
    assert changed == {}


def test_a_real_report_is_valid_and_holds_no_key_that_the_schema_does_not_know(report):
    jsonschema.Draft202012Validator(schema.json_schema()).validate(report)
    assert schema.unknown_keys(report) == []
    assert report["schema_version"] == schema.SCHEMA_VERSION


def test_under_one_clock_every_report_is_the_same_to_the_byte(run, report):
    files = [run / name for name in ("report.json", "report.html", "report.md")]
    before = [file.read_bytes() for file in files]
    finalise(run, now=golden.CLOCK)
    assert [file.read_bytes() for file in files] == before
    assert report["audit"]["finished_at"] == "2026-01-02T03:04:05+00:00" and b"2 January 2026" in before[2]


def test_excerpts_stand_in_reports_only_where_asked_for_and_are_forgotten_with_the_texts(run, report, tmp_path):
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    quoted = report["excerpts"][0]["excerpt"][:60]
    assert quoted in (copy / "report.html").read_text(encoding="utf-8")
    assert command(["forget", str(copy)]) == 0
    for name in ("report.json", "report.html", "report.md"):
        assert quoted not in (copy / name).read_text(encoding="utf-8"), name
    assert json.loads((copy / "report.json").read_text(encoding="utf-8"))["excerpts"] == []
    assert command(["report", str(copy), "--excerpts"]) == 2, "nothing is left to quote"


def test_a_report_asked_without_excerpts_has_none(run, tmp_path):
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    assert forget_excerpts(copy) and not forget_excerpts(copy)
    assert command(["report", str(copy), "--out", str(tmp_path / "plain")]) == 0
    assert command(["report", str(copy), "--out", str(tmp_path / "quoting"), "--excerpts"]) == 0
    plain, quoting = (tmp_path / name / "report.html" for name in ("plain", "quoting"))
    assert 'id="excerpts"' not in plain.read_text(encoding="utf-8")
    assert 'id="excerpts"' in quoting.read_text(encoding="utf-8")
