"""Text that a run keeps: its owner's alone, counted, and once forgotten gone for good, while the figures stay."""

import json
import shutil
import stat
from pathlib import Path

import polars as pl
import pytest

from auditor.cli.main import run as command
from auditor.pipeline.run.retained import copies, retained
from tests.pipeline.runs import write_corpus

SECRET = "jane.doe@example.org"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = write_corpus(tmp_path_factory.mktemp("retained") / "corpus", files=2, documents=40)
    for path in folder.iterdir():
        rows = pl.read_parquet(path).with_columns(
            text="Write to " + SECRET + " or use the key AKIAIOSFODNN7EXAMPLE. " + pl.col("text"),
            topic=pl.Series(["rivers", "towns"] * 20),
        )
        rows.write_parquet(path, row_group_size=20)
    return folder


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("retained") / "whole"
    assert command(["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"]) == 0
    return run


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def measured(run: Path) -> dict:
    report = json.loads((run / "report.json").read_text())
    return {part: report[part] for part in ("corpus", "shards", "strata", "profile")}


def sizes(run: Path) -> dict[str, int]:
    found = [path for name in ("sample", "words") for path in run.glob(f"parts/*/{name}.parquet")]
    return {str(path): path.stat().st_size for path in found}


def statuses(node, path: str = "") -> dict[str, str]:
    """Every estimate's status by its path."""
    if isinstance(node, dict) and "status" in node:
        return {path: node["status"]}
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return {key: status for name, value in pairs for key, status in statuses(value, f"{path}.{name}").items()}


def test_retained_text_is_its_owners_alone(whole):
    assert stat.S_IMODE(whole.stat().st_mode) == 0o700
    found = [path for name in ("sample", "words") for path in whole.glob(f"parts/*/{name}.parquet")]
    assert len(found) == 4
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_audit_says_what_it_retained_how_much_and_the_ways_out(corpus, tmp_path, capsys):
    run = tmp_path / "run"
    assert command(["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert f"Retained: the beginnings of {retained(run).documents} documents (" in said and retained(run).documents > 10
    for way in (f"auditor forget {run}", "--retain none", "--retain redacted"):
        assert way in said
    assert command(["audit", str(corpus), "--out", str(run), "--fresh", "--retain", "none", "--workers", "1"]) == 0
    assert "Retained" not in capsys.readouterr().out and not sizes(run)


def test_redacted_text_names_nobody(corpus, tmp_path):
    run = tmp_path / "run"
    arguments = ["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet", "--retain", "redacted"]
    assert command(arguments) == 0
    texts = pl.concat([pl.read_parquet(path)["text"] for path in run.glob("parts/*/sample.parquet")])
    assert len(texts) > 10
    assert not texts.str.contains(SECRET, literal=True).any() and not texts.str.contains("AKIA").any()
    assert texts.str.contains("[e-mail]", literal=True).all()


@pytest.mark.parametrize("then", ["finalise", "label", "audit"])
def test_what_was_forgotten_stays_forgotten_and_the_figures_stay(corpus, run, then, tmp_path, capsys):
    before = measured(run)
    review = tmp_path / "review.csv"
    assert command(["export", str(run), "--review", "20", "--out", str(review)]) == 0
    assert command(["forget", str(run)]) == 0
    assert f"yours to remove: {review}" in capsys.readouterr().out
    assert not sizes(run)
    labels = tmp_path / "labels.csv"
    rows = pl.read_csv(review).select("id", pl.lit("human").alias("label"))
    rows.write_csv(labels)
    arguments = {
        "finalise": ["finalise", str(run), "--quiet"],
        "label": ["label", str(run), str(labels)],
        "audit": ["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"],
    }[then]
    assert command(arguments) == 0
    said = "".join(capsys.readouterr())
    assert "damaged" not in said and not sizes(run)
    if then == "label":
        assert "20 labels taken" in said
        was, after = statuses(before), statuses(measured(run))
        assert [path for path, status in was.items() if status == "measured" and after[path] == "not_measured"] == []
    else:
        assert measured(run) == before


def test_a_part_that_is_made_again_in_a_forgotten_run_retains_nothing_until_it_starts_over(corpus, run):
    assert command(["forget", str(run)]) == 0
    next(run.glob("parts/*/documents.parquet")).write_bytes(b"damaged")
    audit = ["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"]
    assert command(audit) == 0
    assert not sizes(run)
    assert command([*audit, "--fresh"]) == 0
    assert len(sizes(run)) == 4


def test_excerpts_written_elsewhere_are_named_by_forget(run, tmp_path, capsys):
    assert command(["report", str(run), "--excerpts", "--format", "html,md", "--out", str(tmp_path / "pages")]) == 0
    assert command(["report", str(run), "--excerpts", "--format", "html"]) == 0
    assert sorted(Path(path).name for path in copies(run)) == ["report.html", "report.md"]
    capsys.readouterr()
    assert command(["forget", str(run)]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path / "pages" / "report.html") in said and str(tmp_path / "pages" / "report.md") in said
