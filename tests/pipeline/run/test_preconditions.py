"""What stops an audit before it reads: a run that would be replaced, and detectors that would do nothing."""

import json
import os
import shutil
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from tests.pipeline.runs import figures, write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("preconditions") / "corpus", files=1, documents=12)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("preconditions") / "whole"
    assert command(["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"]) == 0
    return run


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


CHANGES = {
    "minimum_words": (["--minimum-words", "50"], "minimum_words was 100 and is 50"),
    "level": (["--level", "0.9"], "level was 0.95 and is 0.9"),
    "retain": (["--retain", "none"], "retain was 'sample' and is 'none'"),
    "detectors": (["--detector", "phrases"], "detectors was []"),
    "seed": (["--seed", "3"], "seed was 0 and is 3"),
    "topic_column": (["--id-column", "id"], "id_column was None and is 'id'"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_finished_run_is_not_replaced_by_one_of_other_settings(corpus, run, change, capsys):
    options, said = CHANGES[change]
    before = figures(run)
    audit = ["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet", *options]
    assert command(audit) == 2
    error = capsys.readouterr().err
    assert said in error and "--fresh" in error and str(run) in error
    assert figures(run) == before


def test_with_fresh_it_is(corpus, run):
    audit = ["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet", "--level", "0.9"]
    assert command([*audit, "--fresh"]) == 0
    assert json.loads((run / "manifest.json").read_text())["config"]["level"] == 0.9
    assert command(audit) == 0


@pytest.mark.parametrize("options", [["--workers", "2"], ["--memory-limit", "3GB"], ["--excerpts"]])
def test_settings_that_change_no_figure_replace_nothing(corpus, run, options):
    assert command(["audit", str(corpus), "--out", str(run), "--quiet", *options]) == 0


def test_another_corpus_is_another_run_and_another_way_to_name_it_is_not(corpus, run, tmp_path, capsys, monkeypatch):
    other = write_corpus(tmp_path / "other", files=1, documents=12)
    assert command(["audit", str(other), "--out", str(run), "--quiet"]) == 2
    assert "corpus was" in capsys.readouterr().err
    monkeypatch.chdir(corpus.parent)
    for name in (f"{corpus}/", f"./{corpus.name}", os.path.join(corpus, "..", corpus.name)):
        assert command(["audit", name, "--out", str(run), "--quiet", "--workers", "1"]) == 0


def test_an_unfinished_run_may_change_its_settings(corpus, run):
    (run / "report.json").unlink()
    audit = ["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet", "--level", "0.9"]
    assert command(audit) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--detector", "lm:folder"], "--deep-sample N"),
        (["--detector", "lm:folder", "--detector", "phrases"], "--deep-sample N"),
        (["--detector", "phrase"], "did you mean phrases?"),
        (["--detector", "xx:folder"], "hf:PATH or lm:PATH"),
        (["--detector", "lm:"], "hf:PATH or lm:PATH"),
        (["--detector", "lm:folder", "--deep-sample", "5", "--retain", "none"], "--retain none keeps none"),
    ],
)
def test_a_detector_that_would_do_nothing_is_said_before_anything_is_read(corpus, tmp_path, options, said, capsys):
    run = tmp_path / "run"
    assert command(["audit", str(corpus), "--out", str(run), "--quiet", *options]) == 2
    assert said in capsys.readouterr().err and not run.exists()
