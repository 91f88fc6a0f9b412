"""Pipes that close, terminals of other encodings and widths, full disks behind stdout: the audit decides the code."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from auditor.errors import EXIT_ORDER, EXIT_WORDS, exhausted, visible
from tests.pipeline.runs import write_corpus

ROOT = Path(__file__).parents[2]
START = [sys.executable, "-m", "auditor.cli"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A finished run with a name that is not ASCII."""
    folder = tmp_path_factory.mktemp("output")
    corpus = write_corpus(folder / "corpus", files=2, documents=24)
    (corpus / "part-0.parquet").rename(corpus / "grüße-日本.parquet")
    assert command(["audit", str(corpus), "--out", str(folder / "run"), "--workers", "1", "--quiet"]) == 0
    return folder / "run"


def shell(line: str, **environment: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        env=os.environ | environment,
        check=False,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )
    return ended.returncode, ended.stdout.decode("latin-1"), ended.stderr.decode("latin-1")


# The command as it is, but that the audit itself has been done: what is tested is what comes after it.
FINALISE = """
import json, sys
import auditor.pipeline.audit as stairs
from auditor.pipeline.run.progress import Outcome
stairs.finish = lambda run, **_: Outcome(json.loads((run / "report.json").read_text("utf-8")), int(sys.argv[1]))
from auditor.cli.main import main
main(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("output") / "finalise.py"
    path.write_text(FINALISE)
    return path


# What becomes of standard output and standard error, as a shell says it.
ENDS = {
    "head": "set -o pipefail; {} | head -c 1 > /dev/null",
    "nobody": "set -o pipefail; {} | true",
    "closed": "{} >&-",
    "all closed": "{} <&- >&- 2>&-",
    "no columns": "COLUMNS=0 {}",
    "words for columns": "COLUMNS=wide {}",
    "one column": "COLUMNS=1 {}",
    "latin-1": "PYTHONUTF8=0 PYTHONIOENCODING=latin-1 {}",
    "ascii": "PYTHONUTF8=0 PYTHONIOENCODING=ascii LC_ALL=C {}",
    "no locale": "PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 LC_ALL=C {}",
    "dumb terminal": "TERM=dumb {}",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("ended", [0, 3])
def test_the_exit_code_depends_on_the_audit_and_not_on_who_reads(run, script, ended, end):
    code, out, error = shell(ENDS[end].format(f"{sys.executable} {script} {ended} finalise {run} --quiet"))
    said = "" if ended == 0 or end == "all closed" else f"exit status {ended}: {EXIT_WORDS[ended]}\n"
    assert (code, error) == (ended, said)
    if "column" in end or end in ("latin-1", "ascii", "no locale", "dumb terminal"):
        assert "Report: " in out and out.count("\n") > 5
        assert max(map(len, out.splitlines())) > 30


def through_terminal(line: str, **environment: str) -> str:
    """What a command writes where its standard output is a terminal."""
    ours, theirs = os.openpty()
    child = subprocess.Popen(line, shell=True, stdout=theirs, stderr=subprocess.DEVNULL, env=os.environ | environment)
    os.close(theirs)
    seen = b""
    try:
        while octets := os.read(ours, 1 << 16):
            seen += octets
    except OSError:  # Linux says so when the other side has closed
        pass
    os.close(ours)
    assert child.wait(240) == 0
    return seen.decode("utf-8")


def test_colours_stand_on_terminals_alone(run, script):
    """Through a pseudo-terminal the summary has colours; through a pipe, a file or NO_COLOR it has none."""
    line, coloured = f"{sys.executable} {script} 0 finalise {run} --quiet", re.compile("\x1b\\[[0-9;]*3[0-9]m")
    assert coloured.search(through_terminal(line, TERM="xterm-256color"))
    assert not coloured.search(through_terminal(line, TERM="xterm-256color", NO_COLOR="1"))
    _, out, error = shell(line, TERM="xterm-256color")
    assert "Report: " in out and "\x1b" not in out + error


def test_what_a_code_other_than_0_means_is_said(tmp_path, capsys):
    assert set(EXIT_WORDS) == set(EXIT_ORDER) - {0}
    assert command(["report", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.rstrip().endswith("(exit status 2)")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_an_answer_that_did_not_arrive_is_said(run, script):
    code, _, error = shell(f"{sys.executable} {script} 0 finalise {run} --quiet --json > /dev/full")
    assert code == 3 and error.startswith("auditor: standard output could not be written (No space left")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1252"])
def test_json_is_the_same_json_in_every_encoding(run, encoding):
    code, out, _ = shell(f"{' '.join(START)} report {run} --json", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert code == 0
    text = out.encode("latin-1").decode(encoding)
    assert json.loads(text) == json.loads((run / "report.json").read_text("utf-8"))
    assert not re.search("[\x7f-\x9f\u202e]", text)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_audit_says_so_and_ends_as_documented(tmp_path, kind):
    corpus = write_corpus(tmp_path / "corpus", files=1, documents=6)
    os.mkfifo(tmp_path / "slow.jsonl")  # as the whole input: the audit waits for somebody to write
    process = subprocess.Popen(
        [*START, "audit", "-", str(corpus), "--out", str(tmp_path / "run"), "--workers", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 120
    while not (tmp_path / "run" / "lock.json").exists() and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(kind)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 3
    assert error.decode().splitlines()[-1] == (
        "auditor: interrupted; the same command goes on from here (exit status 3)"
    )
    assert not (tmp_path / "run" / "lock.json").exists()


HOSTILE = (
    "\x1b]0;title\x07",
    "\x1b[2J",
    "\x9b31m",
    "a\rb",
    "a\nb",
    "\u202egnp.exe",
    "\udce9",
    "\x7f",
    "\u2028",
    "\x00",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_visible_shows_what_a_terminal_would_obey(text):
    shown = visible(text)
    assert shown.isprintable() and "\\" in shown
    assert visible(shown) == shown


@pytest.mark.parametrize("text", ["", "grüße 日本 😀", "a  b", "x\u200d", "C:\\new", "\ufffd…"])
def test_visible_leaves_ordinary_names_alone(text):
    assert visible(text) == text


EVIL = "evil\x1b]0;owned\x07\x9b2J\u202e.jsonl"


def test_a_hostile_name_reaches_no_terminal_raw(tmp_path):
    """Through the audit, its notes, its errors, and every command that prints names."""
    corpus = write_corpus(tmp_path / "corpus", files=1, documents=24)
    lines = [
        json.dumps({"id": f"\x1b[31m{i}", "text": " ".join(f"w{i * k % 91}" for k in range(120))}) for i in range(9)
    ]
    (corpus / EVIL).write_text("\n".join(lines))
    (corpus / ("cut" + EVIL + ".gz")).write_bytes(b"\x1f\x8b\x08\x00broken")
    run, out = tmp_path / "run", tmp_path / "out"
    commands = [
        ["audit", corpus, "--out", run, "--workers", "1"],
        ["plan", corpus],
        ["finalise", run],
        ["map", run],
        ["verify", run, corpus],
        ["export", run, "--filtered", out],
        ["report", run, "--format", "html,md", "--out", tmp_path / "\x1b[2Jreports"],
        ["lookup", run, corpus / EVIL],
        ["inspect", run, "\x1b[31m1"],
        ["inspect", run, "no such \x1b[2J document"],
        ["audit", tmp_path / "not \x1b[2J there", "--out", run],
        ["provenance", run],
        ["gate", run, "--policy", tmp_path / "no\x1bpolicy.toml"],
        ["trend", tmp_path / "no\x1bstore"],
        ["forget", tmp_path / "no\x1brun"],
    ]
    for arguments in commands:
        ended = subprocess.run([*START, *map(str, arguments)], capture_output=True, check=False, timeout=240)
        said = (ended.stdout + ended.stderr).decode("utf-8")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said), (arguments, said)
        assert "internal error" not in said and "Traceback" not in said, (arguments, said)


def test_commands_print_through_one_function():
    for file in sorted((ROOT / "auditor" / "cli").rglob("*.py")):
        if file.parent.name == "output":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "typer.echo", "sys.stdout.write", "sys.stderr.write"), (
                    f"{file}: {called}"
                )
                assert not called.endswith("console.print"), f"{file}: {called}"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(12, "Cannot allocate memory"),
        OSError(28, "No space left on device"),
        RuntimeError("can't start new thread"),
        ImportError("x.so: failed to map segment from shared object"),
        OSError(24, "Too many open files"),
    ],
)
def test_what_ran_out_is_no_defect(error):
    assert exhausted(error)


def test_a_defect_is_not_taken_for_something_that_ran_out():
    assert exhausted(ValueError("wrong")) is None and exhausted(KeyError("a")) is None
