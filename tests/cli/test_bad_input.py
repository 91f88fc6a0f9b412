"""Everything a user can get wrong: one clear line and the right exit code, never a traceback."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from auditor.cli.main import run as command

TEXT = " ".join(f"word{i % 37} of the long report about rivers" for i in range(40))


def write_jsonl(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def good(tmp_path) -> Path:
    return write_jsonl(tmp_path / "good.jsonl", [{"id": str(i), "text": f"{TEXT} {i}"} for i in range(30)])


def audit(corpus, tmp_path, *more) -> int:
    return command(["audit", str(corpus), "--out", str(tmp_path / "run"), "--quiet", *more])


def said(capsys) -> str:
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.count("\n") <= 6, error
    return error


def test_a_mistyped_path_never_passes(tmp_path, good, capsys):
    assert audit(tmp_path / "godo.jsonl", tmp_path) == 2
    error = said(capsys)
    assert "godo.jsonl" in error
    assert "good.jsonl" in error


def test_an_empty_folder_is_said(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert audit(tmp_path / "empty", tmp_path) in (2, 5)
    assert "empty" in said(capsys)


def test_a_wrong_format_is_named(tmp_path, capsys):
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04" + bytes(200))
    assert audit(tmp_path / "book.xlsx", tmp_path) == 2
    assert "book.xlsx" in said(capsys)


def test_a_missing_text_column_names_those_found(tmp_path, good, capsys):
    pl.DataFrame({"headline": [TEXT] * 5, "year": [1] * 5}).write_parquet(tmp_path / "t.parquet")
    assert audit(tmp_path / "t.parquet", tmp_path, "--text-column", "body") == 2
    error = said(capsys)
    assert "body" in error
    assert "headline" in error


def test_a_truncated_file_is_incomplete_and_loses_no_good_document(tmp_path, good, capsys):
    packed = gzip.compress(good.read_bytes() * 40)
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) * 2 // 3])
    assert audit(tmp_path / "cut.jsonl.gz", tmp_path) == 3
    said(capsys)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["corpus"]["documents"] > 0
    assert not report["audit"]["complete"]
    assert any(f["kind"] == "incomplete" for f in report["findings"])


def test_a_broken_parquet_beside_a_good_file_is_named(tmp_path, good, capsys):
    folder = tmp_path / "corpus"
    folder.mkdir()
    shutil.copy(good, folder / "good.jsonl")
    (folder / "bad.parquet").write_bytes(b"PAR1" + bytes(500))
    assert audit(folder, tmp_path) == 3
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["corpus"]["documents"] == 30
    assert "bad.parquet" in json.dumps(report["skips"])


def test_bad_records_are_counted_skips(tmp_path, good):
    lines = good.read_bytes().splitlines(keepends=True)
    bad = [
        b"{not json\n",
        b'{"id": 1}\n',
        b'{"id": "x", "text": ""}\n',
        b'{"id": "y", "text": "caf\xe9 ' + TEXT.encode() + b'"}\n',
    ]
    (tmp_path / "mixed.jsonl").write_bytes(b"".join([*lines[:10], *bad, *lines[10:]]))
    assert audit(tmp_path / "mixed.jsonl", tmp_path) == 0
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["corpus"]["documents"] == 32
    assert report["corpus"]["skipped"] == 2
    assert report["corpus"]["eligible_documents"] == 31


def test_no_eligible_document_is_not_measured_and_passes(tmp_path):
    corpus = write_jsonl(tmp_path / "short.jsonl", [{"text": f"too short {i}"} for i in range(20)])
    assert audit(corpus, tmp_path) == 0
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["corpus"]["synthetic_fraction"]["status"] == "not_measured"
    assert report["corpus"]["diversity_loss"]["q0"]["status"] == "not_measured"
    assert report["reservoir"]["central"]["tokens"] is None


def test_nothing_readable_exits_5(tmp_path, capsys):
    (tmp_path / "bad.jsonl").write_text("{not json\n" * 20)
    assert audit(tmp_path / "bad.jsonl", tmp_path) in (2, 5)
    said(capsys)


def test_wrong_settings_are_said_together_before_reading(tmp_path, good, capsys):
    config = tmp_path / "auditor.toml"
    config.write_text('near_dup_treshold = 0.8\nlevel = 2.0\nmemory_limit = "lots"\n')
    assert audit(good, tmp_path, "--config", str(config)) == 2
    error = said(capsys)
    for word in ("near_dup_threshold", "level", "memory_limit"):
        assert word in error
    assert not (tmp_path / "run" / "parts").exists()


def test_unknown_options_and_commands_are_usage_errors(capsys):
    assert command(["audit", "--nonsense"]) == 2
    assert command(["audti"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_with_other_things_is_not_taken_for_a_run(tmp_path, good, capsys):
    out = tmp_path / "run"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    assert audit(good, tmp_path) == 2
    assert (out / "thesis.txt").read_text() == "mine"
    assert "thesis.txt" in said(capsys)


def test_a_run_that_is_not_there_is_said(tmp_path, capsys):
    for arguments in (["report"], ["inspect", "x"], ["lookup", "x"], ["reservoir"], ["finalise"], ["forget"]):
        name, *rest = arguments
        assert command([name, str(tmp_path / "none"), *rest]) in (2, 3)
        said(capsys)


@pytest.mark.parametrize(("arguments", "code", "said"), [(["--version"], 0, "auditor "), (["nothing"], 2, "nothing")])
def test_what_was_printed_arrives_though_the_process_ends_at_once(arguments, code, said):
    ended = subprocess.run([sys.executable, "-m", "auditor.cli", *arguments], capture_output=True, text=True)
    assert ended.returncode == code
    assert said in ended.stdout + ended.stderr
