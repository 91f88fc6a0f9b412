"""The gate over a real run: files, schema, codes, and what a user can get wrong."""

import json
import shutil
import xml.etree.ElementTree as ElementTree

import jsonschema
import junitparser
import pytest

from auditor.cli.main import run as command
from auditor.pipeline.finished.gate import figures_of
from auditor.reports.model import verdict as page
from auditor.reports.render.verdict import render_markdown

LAX = '[[rule]]\nname = "lax"\nscope = "shard"\nquantity = "duplicate_fraction"\nerror_above = 0.9\n'


@pytest.fixture
def copy(audited, tmp_path):
    """The run's folder without its parts, free to be written to."""
    out = tmp_path / "run"
    out.mkdir()
    for name in ("report.json", "audit.duckdb", "manifest.json"):
        shutil.copy(audited / name, out)
    return out


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(LAX)
    return path


def judged(run, policy, *more) -> int:
    return command(["gate", str(run), "--policy", str(policy), *more])


def test_a_verdict_is_written_for_machines_and_for_ci(copy, policy, capsys):
    assert judged(copy, policy) == 0
    verdict = json.loads((copy / "verdict.json").read_text())
    jsonschema.Draft202012Validator(page.json_schema()).validate(verdict)
    assert verdict["counts"]["pass"] == len(verdict["cases"]) == 6
    suite = ElementTree.parse(copy / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("6", "0")
    assert "Passes the policy" in capsys.readouterr().out


def test_the_packaged_schema_is_the_models_own():
    assert json.loads(page.SCHEMA_PATH.read_text()) == json.loads(json.dumps(page.json_schema()))


def test_a_failing_run_exits_1_and_junit_says_why(copy, policy):
    policy.write_text(LAX.replace("0.9", "0.001"))
    assert judged(copy, policy) == 1
    report = junitparser.JUnitXml.fromfile(str(copy / "junit.xml"))
    assert (report.tests, report.failures) == (6, 6)
    for suite in report:
        for case in suite:
            (failure,) = case.result
            assert isinstance(failure, junitparser.Failure)
            assert "0.001" in failure.message


def test_reports_rendered_later_keep_the_verdict_of_their_own_audit(copy, policy):
    policy.write_text(LAX.replace("0.9", "0.001"))
    assert judged(copy, policy) == 1
    assert command(["report", str(copy), "--format", "junit,md"]) == 0
    assert ElementTree.parse(copy / "junit.xml").getroot().get("failures") == "6"
    assert "Fails the policy" in (copy / "report.md").read_text()
    verdict = json.loads((copy / "verdict.json").read_text())
    verdict["run"]["finished_at"] = "2001-01-01"
    (copy / "verdict.json").write_text(json.dumps(verdict))
    assert command(["report", str(copy), "--format", "junit"]) == 0
    assert ElementTree.parse(copy / "junit.xml").getroot().get("tests") == "0"


def test_the_default_policy_judges_the_sample(copy, tmp_path, capsys):
    assert command(["gate", "--init"]) == 0
    written = tmp_path / "default.toml"
    written.write_text(capsys.readouterr().out)
    assert judged(copy, written) in (0, 1, 4)
    assert judged(copy, written, "--strict") in (0, 1)


def test_an_incomplete_run_exits_3_whatever_the_verdict(copy, policy):
    report = json.loads((copy / "report.json").read_text())
    report["audit"]["complete"] = False
    (copy / "report.json").write_text(json.dumps(report))
    assert judged(copy, policy) == 3
    policy.write_text(LAX.replace("0.9", "0.001"))
    assert judged(copy, policy) == 3


def test_mistakes_exit_2_and_overwrite_nothing(copy, policy, tmp_path, capsys):
    (copy / "verdict.json").write_text("mine")
    policy.write_text(LAX.replace("duplicate_fraction", "duplicate_fracton"))
    assert judged(copy, policy) == 2
    assert "did you mean duplicate_fraction" in capsys.readouterr().err
    policy.write_text(LAX + 'match = "nothing*"\n')
    assert judged(copy, policy) == 2
    assert judged(copy, tmp_path / "none.toml") == 2
    assert judged(tmp_path / "none", policy) == 2
    assert command(["gate"]) == 2
    assert (copy / "verdict.json").read_text() == "mine"


def test_a_baseline_of_other_detectors_or_of_another_corpus_is_refused(copy, policy, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(copy, other)
    assert judged(copy, policy, "--baseline", str(other)) == 0
    report = json.loads((copy / "report.json").read_text())
    stranger = report | {"audit": report["audit"] | {"corpus": "else"}, "shards": []}
    (other / "report.json").write_text(json.dumps(stranger))
    assert judged(copy, policy, "--baseline", str(other)) == 2
    assert "another corpus" in capsys.readouterr().err
    report["detectors"][0]["revision"] = "another"
    (other / "report.json").write_text(json.dumps(report))
    assert judged(copy, policy, "--baseline", str(other)) == 2
    assert "other detectors" in capsys.readouterr().err


def test_markdown_is_printed_alone_and_stays_small(copy, policy, capsys):
    policy.write_text(LAX.replace("0.9", "0.001"))
    assert judged(copy, policy, "--markdown", "-") == 1
    said = capsys.readouterr().out
    assert said.startswith("## Fails the policy")
    verdict = json.loads((copy / "verdict.json").read_text())
    verdict["cases"] = [c | {"scope": "<b>" * 5000} for c in verdict["cases"]] * 2000
    assert len(render_markdown(page.Verdict.model_validate(verdict)).encode()) < 1 << 19


def test_every_scope_and_figure_of_the_report_can_be_judged(report):
    figures = figures_of(report)
    assert {kind for kind, _ in figures} >= {"corpus", "shard", "language", "length"}
    corpus = figures["corpus", "corpus"]
    for name in (
        "skipped_share",
        "ineligible_share",
        "unreadable_files",
        "diversity_loss.from_synthetic.q0",
        "reservoir.central.tokens",
        "findings.warning",
    ):
        assert name in corpus


def test_an_audit_with_a_policy_judges_in_one_go(tmp_path, policy):
    text = " ".join(f"word{i % 37} of the long report about rivers" for i in range(40))
    corpus = tmp_path / "a.jsonl"
    corpus.write_text("".join(json.dumps({"text": f"{text} {i}"}) + "\n" for i in range(30)))
    policy.write_text(LAX.replace("0.9", "0.1"))
    out = tmp_path / "out"
    assert command(["audit", str(corpus), "--out", str(out), "--policy", str(policy), "--quiet"]) == 1
    assert json.loads((out / "report.json").read_text())["verdict"]["verdict"] == "fail"
    assert (out / "junit.xml").exists()
    policy.write_text("nonsense = 1")
    assert command(["audit", str(corpus), "--out", str(tmp_path / "no"), "--policy", str(policy), "--quiet"]) == 2
    assert not (tmp_path / "no").exists()
