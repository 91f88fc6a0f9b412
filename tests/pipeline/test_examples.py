"""The examples of the documentation run, offline, against a real run."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import polars as pl
import pytest

from auditor.cli.main import run as command

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands_of(path) -> list[list[str]]:
    """Every auditor command of an example, its shell variables filled in."""
    text = re.sub(r"\$\((CORPUS|RUN|POLICY)\)", lambda m: m[1].lower(), path.read_text())
    found = re.findall(r"(?:^|[\s:'&])(auditor (?:audit|gate|trend|export|report) [^'\n>&]*)", text)
    return [shlex.split(re.sub(r"\$\(date [^)]*\)", "now", line))[1:] for line in found]


@pytest.mark.parametrize(
    "name", ["github-actions.yml", "Makefile", "pre-commit-config.yaml", "auditor.service", "auditor.timer"]
)
def test_every_option_of_an_example_exists(name, capsys):
    lines = commands_of(EXAMPLES / name)
    assert lines
    for line in lines:
        assert command([line[0], "--help"]) == 0
        known = re.sub(r"\s+", " ", capsys.readouterr().out)
        for option in (part for part in line if part.startswith("--")):
            assert option in known, f"{name}: {option}"


def test_the_keep_list_reads_in_polars_and_as_a_datatrove_step(audited, sample, tmp_path):
    keep = tmp_path / "keep.parquet"
    assert command(["export", str(audited), "--keep", str(keep), "--probability", "0.8"]) == 0
    example = load("keep_list")
    listed = pl.read_parquet(keep).filter(pl.col("shard") == "part-0.parquet")
    frame = example.kept(sample, keep, "part-0.parquet").collect()
    assert 0 < frame.height == listed.height < pl.read_parquet(sample / "part-0.parquet").height
    every = pl.read_parquet(sample / "part-0.parquet").to_dicts()
    assert list(example.keep_step(keep, "part-0.parquet")(every, 0, 1)) == frame.to_dicts()


def test_the_orchestrators_task_stops_the_flow(tmp_path):
    example = load("orchestrator")
    text = " ".join(f"word{i % 37} of the long report about rivers" for i in range(40))
    corpus, policy, store = tmp_path / "a.jsonl", tmp_path / "p.toml", tmp_path / "audits.duckdb"
    corpus.write_text("".join(json.dumps({"text": f"{text} {i}"}) + "\n" for i in range(30)))
    rule = '[[rule]]\nname = "r"\nscope = "corpus"\nquantity = "duplicate_fraction"\nerror_above = '
    policy.write_text(rule + "1.0\n")
    report = example.audited(str(corpus), str(tmp_path / "run"), str(policy), store=str(store))
    assert Path(report).exists()
    assert store.exists()
    policy.write_text(rule + "0.1\n")
    with pytest.raises(example.PolicyFailed):
        example.audited(str(corpus), str(tmp_path / "run"), str(policy))
