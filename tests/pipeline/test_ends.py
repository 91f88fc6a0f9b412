"""A disk that fills, memory that is not given, a locale without letters: one clear line, the documented code."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.errors import exhausted, no_room
from tests.pipeline.runs import WORDS, figures, leftovers, write_corpus

START = [sys.executable, "-m", "auditor.cli"]
AUDIT = ["--workers", "1", "--quiet"]


def run(*arguments: object, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*START, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300, **more
    )


def one_line(error: str) -> bool:
    ours = [line for line in error.splitlines() if not line.startswith("<jemalloc>")]
    return len(ours) == 1 and ours[0].startswith("auditor: ") and "internal" not in error and "defect" not in error


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("ends") / "corpus", files=1, documents=40)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("ends") / "whole"
    assert run("audit", corpus, "--out", out, *AUDIT).returncode == 0
    return out


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own; sized by the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def resized(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def test_a_disk_that_fills_at_any_step_ends_in_one_line_and_the_run_goes_on(disk, corpus, whole):
    out = disk / "run"
    for size in ("40k", "200k", "600k", "1600k"):  # a part, the clusters, the database, its checkpoint
        resized(disk, size)
        ended = run("audit", corpus, "--out", out, *AUDIT)
        assert ended.returncode == 3 and one_line(ended.stderr), (size, ended.stderr)
        assert "the disk is full" in ended.stderr and "the same command goes on" in ended.stderr, (size, ended.stderr)
    resized(disk, "16m")
    assert run("audit", corpus, "--out", out, *AUDIT).returncode == 0
    assert figures(out) == figures(whole) and not leftovers(out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "RUN", "--format", "html"],
        ["export", "RUN", "--keep", "DISK/k.parquet"],
        ["finalise", "RUN", "--quiet"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_other_commands_on_a_full_disk(disk, whole, arguments):
    shutil.copytree(whole, disk / "run")
    subprocess.run(["dd", "if=/dev/zero", f"of={disk / 'filler'}", "bs=64k"], capture_output=True, check=False)
    before = {path: path.stat().st_size for path in (disk / "run").rglob("*") if path.is_file()}
    ended = run(*(part.replace("RUN", str(disk / "run")).replace("DISK", str(disk)) for part in arguments))
    assert ended.returncode == 3 and one_line(ended.stderr) and "the disk is full" in ended.stderr, ended.stderr
    after = {path: path.stat().st_size for path in (disk / "run").rglob("*") if path.is_file()}
    assert after == before and not (disk / "k.parquet").exists()


@pytest.mark.parametrize("megabytes", [250, 500, 1100, 1700])
def test_memory_that_is_not_given_is_said(corpus, tmp_path, megabytes):
    """The address space is bounded; libraries fail to load, threads to start, databases to open."""
    bound = (megabytes << 20,) * 2
    begun = time.monotonic()
    ended = run(
        *("audit", corpus, "--out", tmp_path / "run", *AUDIT),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, bound),
        env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
    )
    if ended.returncode == 0 and megabytes > 1024:
        return  # it was enough
    assert ended.returncode == 3, ended.stderr
    said = [line for line in ended.stderr.splitlines() if line.startswith("auditor: ")]
    assert len(said) == 1 and "internal" not in said[0] and "defect" not in said[0], ended.stderr
    assert "memory" in said[0].lower() or "ulimit" in said[0], said
    assert time.monotonic() - begun < 300


def test_help_needs_no_memory():
    bound = (400 << 20,) * 2
    ended = run("--version", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, bound))
    assert ended.returncode == 0 and ended.stdout.startswith("auditor ")


LOCALES = [
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "xx_YY.UTF-8"},
]


@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: "+".join(locale.values()))
def test_names_and_texts_of_any_script_in_any_locale(tmp_path, locale):
    folder = tmp_path / "Sammlung é 日本"
    folder.mkdir()
    text = " ".join(word + "é" for word in WORDS * 3)
    (folder / "naïve 日本.jsonl").write_text(json.dumps({"id": "ü-1", "text": text}), encoding="utf-8")
    (folder / "ключ.txt").write_text("Это текст. " * 60, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))} | locale
    ended = run("audit", folder, "--out", tmp_path / "ergebnis é", "--workers", "1", env=environment)
    assert ended.returncode == 0, ended.stderr
    assert "internal" not in ended.stderr and "Traceback" not in ended.stderr
    for arguments in (
        ("verify", tmp_path / "ergebnis é", folder),
        ("inspect", tmp_path / "ergebnis é", "naïve 日本.jsonl:0"),
        ("export", tmp_path / "ergebnis é", "--filtered", tmp_path / "gefiltert ж"),
    ):
        ended = run(*arguments, env=environment)
        assert ended.returncode == 0, (arguments[0], ended.stderr, ended.stdout)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interruption_while_files_are_read_ends_with_a_sentence(tmp_path, workers):
    folder = write_corpus(tmp_path / "corpus", files=4, documents=2500)
    process = subprocess.Popen(
        [*START, "audit", str(folder), "--out", str(tmp_path / "run"), "--workers", workers],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 120
    while not (tmp_path / "run" / "parts").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 3
    assert error.decode().splitlines()[-1] == "auditor: interrupted; the same command goes on from here (exit status 3)"
    assert not (tmp_path / "run" / "lock.json").exists()
    assert run("audit", folder, "--out", tmp_path / "run", *AUDIT).returncode == 0


def test_what_libraries_say_of_a_full_disk_is_understood():
    for said in (
        'FATAL Error: Failed to create checkpoint because of error: Could not write file "x": No space left on device',
        "parquet: File out of specification: underlying IO error: No space left on device (os error 28)",
        "Error writing bytes to file. Detail: [errno 122] Disk quota exceeded",
        "IO Error: Could not write file: Read-only file system",
    ):
        assert no_room(RuntimeError(said)) and "the disk is full" in str(exhausted(RuntimeError(said)))
    assert not no_room(RuntimeError("row 28 is bad")) and exhausted(ValueError("x")) is None
