"""The README is true: every command and code block in it runs, every file it names is there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from auditor.cli import commands
from auditor.cli.main import app
from auditor.cli.main import run as command

assert commands
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder as the README assumes it: crawl/ and books/, and the run that its first example makes."""
    from auditor.sample_data.builder import build_sample

    folder = tmp_path_factory.mktemp("readme")
    build_sample(folder / "sample")
    (folder / "crawl").mkdir()
    for name in ("part-0.parquet", "part-4.jsonl.gz"):
        shutil.copy(folder / "sample" / name, folder / "crawl" / name)
    shutil.copytree(folder / "sample.reference", folder / "books")
    return folder


def shell_lines() -> list[str]:
    return [line for language, block in BLOCKS if language == "sh" for line in block.strip().splitlines()]


def test_the_two_commands_are_what_ci_runs():
    ci = (ROOT / ".ci" / "run").read_text()
    for line in ("sh sample_data/demo", "sh tests/run"):
        assert line in shell_lines()
        assert line in ci
    assert all(line.startswith(("sh ", "pip install .", "auditor ")) for line in shell_lines())


def test_every_auditor_command_line_runs(place, monkeypatch):
    monkeypatch.chdir(place)
    lines = [shlex.split(line)[1:] for line in shell_lines() if line.startswith("auditor ")]
    assert lines
    for arguments in lines:
        assert command([*arguments, "--quiet"]) in (0, 1, 4), arguments


def test_every_python_block_runs(place, monkeypatch):
    monkeypatch.chdir(place)
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "README.md", "exec"), {})


def test_every_command_of_the_table_exists_and_every_command_is_documented():
    import typer

    known = set(typer.main.get_command(app).commands)
    named = set(re.findall(r"`auditor (\w+)", README)) | set(
        re.findall(r"`(map|reduce|finalise|label|compare|verify)[ `]", README)
    )
    assert named <= known | {"audit"}
    for name in known:
        documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
        assert f"## auditor {name}" in documented, f"run `python docs/make.py`: {name} is not in docs/commands.md"


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_readme_shows_what_the_audit_says_of_the_sample(place):
    """The table is the audit's own; other library versions may move a digit, not a point."""
    import json

    out = place / "shown"
    arguments = ["audit", str(place / "sample"), "--human-reference", str(place / "books"), "--out", str(out)]
    assert command([*arguments, "--quiet"]) == 0
    report = json.loads((out / "report.json").read_text())
    rows = re.findall(r"\| `(part-[\w.-]+)` \| (\d+)% \| ([\d.]+)% \(([\d.]+) to ([\d.]+)\)", README)
    assert len(rows) == len(report["shards"])
    truth = json.loads((place / "sample.truth.json").read_text())
    true = {shard["shard"]: shard["synthetic_fraction"] for shard in truth["shards"]}
    found = {shard["shard"]: shard["synthetic_fraction"] for shard in report["shards"]}
    for shard, said, value, lower, upper in rows:
        assert abs(true[shard] - float(said) / 100) < 0.01
        for shown, key in ((value, "value"), (lower, "lower"), (upper, "upper")):
            assert abs(100 * found[shard][key] - float(shown)) < 4, (shard, key)
