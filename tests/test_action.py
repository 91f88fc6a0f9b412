"""The action for GitHub: its steps are run by bash, in the order and with the variables that the runner gives them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from auditor.cli.main import run as command
from auditor.reports.model.verdict import Verdict
from auditor.reports.render.annotations import MOST, render_annotations
from tests.reports.sections import verdict

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step.get("name", step.get("uses")): step for step in ACTION["runs"]["steps"]}


def cases(*outcomes: str, scope: str = "part-0", message: str = "too much") -> Verdict:
    return Verdict.model_validate(verdict("fail", *outcomes, scope=scope, message=message))


class Runner:
    """What a hosted runner does for a composite action, as far as the steps of this one ask for it."""

    def __init__(self, folder: Path, inputs: dict[str, str]) -> None:
        self.folder = folder
        self.inputs = {name: given.get("default", "") for name, given in ACTION["inputs"].items()} | inputs
        self.outputs: dict[str, str] = {}
        tool = folder / "temp" / "auditor" / "bin"
        tool.mkdir(parents=True)
        (tool / "auditor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m auditor.cli "$@"\n')
        (tool / "auditor").chmod(0o755)

    def step(self, name: str) -> subprocess.CompletedProcess:
        step = STEPS[name]
        filled = {
            key: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda m: self.inputs[m[1]], value)
            for key, value in step.get("env", {}).items()
        }
        written = self.folder / "output"
        written.write_text("")
        environment = {
            **os.environ,
            **filled,
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_OUTPUT": str(written),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
        }
        script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(script, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        self.outputs |= dict(line.split("=", 1) for line in written.read_text().splitlines())
        return done


@pytest.fixture(scope="module")
def runner(tmp_path_factory) -> Runner:
    """A corpus in which every document stands twice, audited by the action's own step."""
    folder = tmp_path_factory.mktemp("action")
    corpus = folder / "the corpus"  # with a space, as folders of people have
    corpus.mkdir()
    text = " ".join(f"word{i % 37} of the long report about rivers" for i in range(40))
    (corpus / "a.jsonl").write_text("".join(json.dumps({"text": f"{text} {i % 20}"}) + "\n" for i in range(40)))
    (folder / "p.toml").write_text(
        '[[rule]]\nname = "repeats"\nscope = "corpus"\nquantity = "duplicate_fraction"\nerror_above = 0.1\n'
    )
    given = {"corpus": "the corpus\n", "policy": "p.toml", "store": "audits.duckdb", "options": "--workers 1 --seed 3"}
    runner = Runner(folder, given)
    done = runner.step("Audit")
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.strip().splitlines()
    assert first.startswith("::stop-commands::") and last == f"::{first.removeprefix('::stop-commands::')}::"
    return runner


def test_every_use_of_an_input_or_an_output_has_a_name_that_exists():
    text = (ROOT / "action.yml").read_text("utf-8")
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(ACTION["inputs"])
    ids = {step["id"] for step in ACTION["runs"]["steps"] if "id" in step}
    assert {step for step, _ in re.findall(r"steps\.([a-z]+)\.outputs\.([a-z-]+)", text)} <= ids
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), "an input inside a script would be run as a command"
        assert ("shell" in step) == ("run" in step)


def test_the_corpus_is_audited_kept_in_the_store_and_reported(runner):
    assert runner.outputs["exit-code"] == "0"
    assert json.loads((runner.folder / runner.outputs["report"]).read_text("utf-8"))["corpus"]["documents"] == 40
    assert (runner.folder / "audits.duckdb").exists()


def test_a_failed_policy_fails_the_step_annotates_and_sums_up(runner):
    done = runner.step("Gate")
    assert done.returncode == 1
    assert runner.outputs["verdict"] == "fail"
    assert re.search(r"^::error title=repeats%3A corpus [^:]*::", done.stdout, re.M), done.stdout
    assert "repeats" in (runner.folder / "summary.md").read_text("utf-8")
    assert (runner.folder / "auditor-run" / "junit.xml").exists()


def test_a_passed_policy_passes(runner, tmp_path):
    text = (runner.folder / "p.toml").read_text()
    (runner.folder / "lenient.toml").write_text(text.replace("0.1", "1.0"))
    runner.inputs["policy"] = "lenient.toml"
    try:
        done = runner.step("Gate")
    finally:
        runner.inputs["policy"] = "p.toml"
    assert (done.returncode, runner.outputs["verdict"]) == (0, "pass")
    assert "::error" not in done.stdout


def test_a_corpus_that_is_not_there_stops_the_action(tmp_path):
    runner = Runner(tmp_path, {"corpus": "nowhere; touch owned"})
    done = runner.step("Audit")
    assert done.returncode == 2 and "nowhere; touch owned" in done.stderr
    assert not (tmp_path / "owned").exists()


def test_annotations_stay_within_what_a_step_shows_and_count_the_rest():
    lines = render_annotations(cases(*["fail"] * 25, *["warn"] * 10, "inconclusive", "pass", "waived")).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    warnings = [line for line in lines if line.startswith("::warning")]
    assert (len(errors), len(warnings), len(lines)) == (MOST, MOST, 2 * MOST)
    assert errors[-1] == "::error title=More::16 more in verdict.json"
    assert warnings[-1] == "::warning title=More::2 more in verdict.json"
    assert len(render_annotations(cases(*["fail"] * 10)).splitlines()) == 10


def test_a_name_in_the_corpus_begins_no_command_of_the_runner():
    text = render_annotations(cases("fail", scope="a\n::add-mask::b, title=c", message="50%\r\n::error::x"))
    assert len(text.splitlines()) == 1
    title, _, message = text.removeprefix("::error title=").partition("::")
    assert ":" not in title and "," not in title and "50%25" in message


def test_the_gate_prints_annotations_in_place_of_its_table(runner, capsys):
    policy = str(runner.folder / "p.toml")
    assert command(["gate", str(runner.folder / "auditor-run"), "--policy", policy, "--annotations"]) == 1
    assert all(line.startswith("::") for line in capsys.readouterr().out.splitlines())
