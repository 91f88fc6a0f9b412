"""--shards-sample: a corpus of which some files are read, and figures that say of what they are."""

import json
from importlib import resources

import jsonschema
import pytest

from auditor.api import audit
from auditor.cli.main import run as command
from auditor.pipeline.finished.verify import verify
from tests.pipeline.runs import write_corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("many") / "corpus", files=12, documents=40)


@pytest.fixture(scope="module")
def run(folder):
    reference = write_corpus(folder.parent / "reference", files=1, documents=200)
    return audit(folder, out=folder.parent / "run", human_reference=reference, shards_sample=5)


def test_a_sample_of_shards_is_read_and_the_report_says_so(run):
    corpus = run.report["corpus"]
    assert (corpus["shards"], corpus["shards_listed"]) == (5, 12)
    assert len(run.report["shards"]) == 5
    schema = json.loads(resources.files("auditor.reports.model").joinpath("report.schema.json").read_text())
    jsonschema.validate(run.report, schema)
    found = next(f for f in run.report["findings"] if f["kind"] == "shards_sampled")
    assert "5 of 12 shards" in found["message"]


def test_the_corpus_figure_is_of_all_shards_and_of_repeats_across_unread_ones_nothing_is_claimed(run):
    fraction, within = run.corpus["synthetic_fraction"], run.corpus["duplicate_fraction_within"]
    if fraction.is_number:
        assert fraction.method == "two_stage_ratio"
    assert within.method == "two_stage_ratio"
    assert run.corpus["duplicate_fraction_across"].status == "inconclusive"
    assert "12" in run.corpus["duplicate_fraction_across"].reason


def test_verify_looks_at_the_shards_that_were_read(run, folder):
    assert verify(run.folder, [str(folder)]).verdict == "same"


def test_a_larger_sample_than_the_corpus_reads_all_of_it_and_none_is_refused(folder, capsys):
    assert command(["plan", str(folder), "--shards-sample", "99", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shards_listed"] is None
    assert command(["plan", str(folder), "--shards-sample", "0"]) == 2
