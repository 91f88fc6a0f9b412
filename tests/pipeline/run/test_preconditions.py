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
        (["--detector", "NGRAMS"], "did you mean ngrams?"),
        (["--detector", "phrases", "--detector", "stilometry"], "did you mean stylometry?"),
        (["--detector", ""], "there is no such detector"),
        (["--detector", "lm:/nowhere/model", "--deep-sample", "5"], "there is no such model folder"),
        (["--detector", "hf:/nowhere/model", "--deep-sample", "5"], "there is no such model folder"),
        (["--detector", "xx:folder"], "hf:PATH or lm:PATH"),
        (["--detector", "lm:"], "hf:PATH or lm:PATH"),
        (["--detector", "lm:folder", "--deep-sample", "5", "--retain", "none"], "--retain none keeps none"),
    ],
)
def test_a_detector_that_would_do_nothing_is_said_before_anything_is_read(corpus, tmp_path, options, said, capsys):
    run = tmp_path / "run"
    assert command(["audit", str(corpus), "--out", str(run), "--quiet", *options]) == 2
    assert said in capsys.readouterr().err and not run.exists()


MISTYPED = [
    (["--retain", "sampel"], "did you mean sample?"),
    (["--retain", "NONE"], "did you mean none?"),
    (["--profile", "ful"], "did you mean full?"),
    (["--launcher", "slrum"], "did you mean slurm?"),
    (["--deep-sample", "al"], "did you mean all?"),
    (["--deep-sample", "-3"], "a number of documents is meant, or all"),
    (["--deep-sample", "1.5"], "a number of documents is meant, or all"),
    (["--deep-budget", "5x"], "90s, 5m or 2h"),
    (["--memory-limit", "4GBB"], "2GB or 512MiB"),
    (["--level", "95"], "less than 1"),
    (["--near-dup-threshold", "80"], "less than 1"),
    (["--workers", "0"], "greater than or equal to 1"),
    (["--minimum-words", "-1"], "greater than or equal to 1"),
    (["--text-column", "tex"], "did you mean text?"),
    (["--policy", "nowhere.toml"], "there is no policy"),
    (["--config", "nowhere.toml"], "there is no configuration file"),
    (["--human-reference", "nowhere"], "there is no such file or folder"),
    (["--against", "nowhere"], "there is no run"),
    (["--store", "/nowhere/s.duckdb"], "there is no folder /nowhere"),
]


@pytest.mark.parametrize(("options", "said"), MISTYPED, ids=[" ".join(options) for options, _ in MISTYPED])
def test_a_mistyped_value_ends_at_once_with_code_2_and_what_was_meant(corpus, tmp_path, options, said, capsys):
    run = tmp_path / "run"
    begun = {path.name: path.stat().st_mtime_ns for path in corpus.iterdir()}
    assert command(["audit", str(corpus), "--out", str(run), "--quiet", *options]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1, "said once, in one line"
    assert not (run / "parts").exists() and not (run / "report.json").exists()
    assert {path.name: path.stat().st_mtime_ns for path in corpus.iterdir()} == begun


@pytest.mark.parametrize("out", [[], ["--out"]])
def test_a_plan_meets_a_mistake_before_every_job_would(corpus, tmp_path, out, capsys):
    settings = tmp_path / "auditor.toml"
    settings.write_text('detectors = ["ngram"]\n')
    where = [*out, str(tmp_path / "run")] if out else []
    assert command(["plan", str(corpus), "--config", str(settings), *where]) == 2
    assert "did you mean ngrams?" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "RUN", "--format", "htm"], "did you mean html?"),
        (["report", "RUN", "--format", "html,markdwn"], "choose from html, md"),
        (["provenance", "RUN", "--format", "croisant"], "did you mean croissant?"),
        (["export", "RUN", "--drop-shard", "part-0.parquett", "--dry-run"], "did you mean part-0.parquet?"),
        (["inspect", "RUN", "part-0.parqet:1"], "did you mean part-0.parquet?"),
        (["compare", "RUN::part-0.parqet", "RUN"], "did you mean part-0.parquet?"),
        (["reservoir", "RUN", "--regime", "replace_fres"], "did you mean replace_fresh?"),
        (["reservoir", "RUN", "--sizing", "apended"], "did you mean appended?"),
        (["simulate", "RUN", "--decoding", "tempratur"], "did you mean temperature?"),
        (["detectors", "install", "encodr"], "did you mean encoder?"),
        (["trend", "nowhere.duckdb"], "there is no store"),
    ],
)
def test_mistyped_names_of_other_commands_are_usage_too(run, arguments, said, capsys):
    assert command([part.replace("RUN", str(run)) for part in arguments]) == 2
    assert said in capsys.readouterr().err
