"""A run's folder is never corpus: whoever made it, wherever it lies, however the corpus is named."""

import json
import shutil
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from auditor.errors import ConfigError
from auditor.manifest import locked
from auditor.sources.find import files
from auditor.sources.find.discover import discover
from auditor.sources.find.runs import RUN_FOLDER
from auditor.sources.read.interface import SourceOptions
from tests.pipeline.runs import figures, write_corpus


@pytest.fixture
def corpus(tmp_path) -> Path:
    return write_corpus(tmp_path / "corpus", files=2, documents=12)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A finished run, with files of every kind in it."""
    folder = tmp_path_factory.mktemp("made")
    other = write_corpus(folder / "other", files=1, documents=12)
    assert command(["audit", str(other), "--out", str(folder / "run"), "--workers", "1", "--quiet", "--excerpts"]) == 0
    return folder / "run"


@pytest.mark.parametrize("place", ["out", "a/b/out", "z.runs/2026-11"])
def test_the_same_command_gives_the_same_figures_for_ever(corpus, place, capsys):
    run = corpus / place
    arguments = ["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"]
    assert command(arguments) == 0
    first = figures(run)
    assert first["corpus"]["documents"] == 24
    for again in ([], ["--fresh"], []):
        assert command(arguments + again) == 0
        assert figures(run) == first


@pytest.mark.parametrize("how", ["{0}", "{0}/**", "{0}/*", "{0}/**/*.parquet", "{0}/**/*.json*"])
def test_a_strangers_run_in_the_corpus_is_passed_over_and_said(corpus, made, how):
    shutil.copytree(made, corpus / "theirs" / "run")
    (corpus / "theirs" / "c.jsonl").write_text('{"text": "a"}\n')
    found, ignored = discover([how.format(corpus)], SourceOptions())
    names = {candidate.file.path for candidate in found}
    assert names and all("run/" not in name for name in names), names
    assert [unread.reason for unread in ignored if "run" in unread.name].count(RUN_FOLDER) == 1


def test_a_run_that_is_only_beginning_is_one_too(corpus):
    with locked(corpus / "out"):
        (corpus / "out" / "spool").mkdir()
        (corpus / "out" / "spool" / "standard-input.jsonl").write_text('{"text": "a"}\n')
        found, ignored = discover([str(corpus)], SourceOptions())
    assert len(found) == 2 and [unread.reason for unread in ignored] == [RUN_FOLDER]


@pytest.mark.parametrize("path", ["", "parts", "parts/KEY", "parts/KEY/documents.parquet", "report.json", "parts/*/*"])
def test_a_run_that_is_itself_named_as_corpus_is_refused(made, path):
    key = next((made / "parts").iterdir()).name
    with pytest.raises(ConfigError, match="is a run folder"):
        discover([str(made / path.replace("KEY", key))], SourceOptions())


@pytest.mark.parametrize("name", ["manifest.json", "lock.json"])
@pytest.mark.parametrize("content", ["", "{}", '{"files": ["a.jsonl"]}', '{"audit_id": 3}', "[1, 2]"])
def test_a_manifest_or_lock_of_another_program_hides_nothing(corpus, name, content):
    (corpus / name).write_text(content)
    found, _ = discover([str(corpus)], SourceOptions())
    assert len([candidate for candidate in found if candidate.file.name.startswith("part-")]) == 2


def test_runs_in_an_object_store_are_passed_over_too(made, monkeypatch):
    monkeypatch.setattr(files, "PROTOCOLS", files.PROTOCOLS | {"memory"})
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.put(str(made), "/corpus-with-run/old/", recursive=True)
    store.pipe("/corpus-with-run/a.jsonl", json.dumps({"text": "a"}).encode())
    found, ignored = discover(["memory://corpus-with-run"], SourceOptions())
    assert [candidate.file.name for candidate in found] == ["a.jsonl"]
    assert RUN_FOLDER in [unread.reason for unread in ignored]


def test_a_corpus_exported_into_a_run_may_be_audited(made, tmp_path):
    run = Path(shutil.copytree(made, tmp_path / "run"))
    (run / "filtered").mkdir()
    (run / "filtered" / "a.jsonl").write_text('{"text": "a"}\n')
    assert len(discover([str(run / "filtered")], SourceOptions())[0]) == 1
