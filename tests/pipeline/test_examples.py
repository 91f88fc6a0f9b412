"""The examples of the documentation run, offline, against a real run."""

import importlib
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import polars as pl
import pytest
import yaml

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


STUB = """#!/bin/sh
printf '%s' "$(basename "$0")" >> "$CALLS"
for word; do printf ' [%s]' "$word" >> "$CALLS"; done
echo >> "$CALLS"
echo 17
"""


@pytest.mark.parametrize(
    ("name", "scheduler", "slices"),
    [("aws-batch", "aws", "size=4"), ("slurm", "sbatch", "--array=0-3"), ("hugging-face-jobs", "hf", "[3/4]")],
)
def test_a_recipe_for_a_scheduler_plans_maps_every_slice_and_concludes(name, scheduler, slices, tmp_path):
    """Run with stand-ins for the scheduler and for auditor, which write down how they are called."""
    calls = tmp_path / "calls"
    for program in (scheduler, "auditor"):
        (tmp_path / program).write_text(STUB)
        (tmp_path / program).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), "IMAGE": "image"}
    line = ["sh", str(EXAMPLES / f"{name}.sh"), "s3://b/c", "s3://b/run", "4"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    first, *others = calls.read_text().splitlines()
    assert first == "auditor [plan] [s3://b/c] [--out] [s3://b/run]"
    assert others and all(call.startswith(f"{scheduler} ") for call in others)
    said = "\n".join(others) + done.stdout
    assert slices in said and "auditor reduce" in said and "auditor finalise" in said
    mapped = re.findall(r"auditor\]? \[?map[^\n]*?(?:[$\w]+/4|\[\d/4\])", said)
    assert len(mapped) == (4 if name == "hugging-face-jobs" else 1)
    for call in others:
        if scheduler == "aws":  # what is handed over is JSON
            given = json.loads(re.search(r"\[--container-overrides\] \[(\{.*?\})\]", call)[1])
            assert subprocess.run(["sh", "-nc", given["command"][-1]], check=False).returncode == 0


def test_the_indexed_job_for_kubernetes_maps_as_many_slices_as_it_has_pods():
    job = yaml.safe_load((EXAMPLES / "kubernetes.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert container["args"][0].split("--shard ")[1].startswith(f'"$JOB_COMPLETION_INDEX/{job["spec"]["completions"]}"')


def test_a_datatrove_pipeline_keeps_what_the_audit_keeps(audited, sample, tmp_path):
    pytest.importorskip("datatrove")
    from datatrove.pipeline.readers import JsonlReader, ParquetReader

    keep = tmp_path / "keep.parquet"
    assert command(["export", str(audited), "--keep", str(keep), "--probability", "0.8"]) == 0
    example, listed = load("datatrove_filter"), pl.read_parquet(keep)
    for reader, pattern in ((ParquetReader, "*.parquet"), (JsonlReader, "*.jsonl.gz")):
        documents = list(reader(str(sample), glob_pattern=pattern, adapter=example.with_place).run())
        kept = list(example.KeptByAudit(keep).run(iter(documents)))
        shards = {document.metadata["shard"] for document in documents}
        wanted = listed.filter(pl.col("shard").is_in(shards)).select("shard", "row").rows()
        assert 0 < len(kept) < len(documents)
        assert sorted((d.metadata["shard"], d.metadata["row"]) for d in kept) == sorted(wanted)


def test_the_lines_of_the_page_for_polars_and_duckdb_keep_what_the_audit_keeps(audited, sample, tmp_path, monkeypatch):
    import duckdb

    assert command(["export", str(audited), "--keep", str(tmp_path / "keep.parquet"), "--probability", "0.8"]) == 0
    page = (EXAMPLES.parent / "how-to.md").read_text()
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "part-0.parquet").write_bytes((sample / "part-0.parquet").read_bytes())
    monkeypatch.chdir(tmp_path)
    wanted = pl.read_parquet("keep.parquet").filter(pl.col("shard") == "part-0.parquet").height
    given: dict = {}
    exec(re.search(r"```python\n(import polars as pl\n\nkeep = .*?)```", page, re.S)[1], given)
    query = re.search(r"```sql\n(.*?)```", page, re.S)[1]
    assert given["kept"].collect().height == len(duckdb.sql(query).fetchall()) == wanted


def stood_in(monkeypatch, modules: dict[str, dict[str, object]]) -> None:
    """The names that an example imports from a library that is too large to install for it, with what it uses of them.

    They follow NeMo Curator 1.4 and Data-Juicer 1.6; where the library itself is installed it is used.
    """
    try:
        for name in modules:
            importlib.import_module(name)
    except ImportError:
        for name, members in modules.items():
            for depth in range(1, name.count(".") + 2):
                part = ".".join(name.split(".")[:depth])
                monkeypatch.setitem(sys.modules, part, sys.modules.get(part) or types.ModuleType(part))
            vars(sys.modules[name]).update(members)


@dataclass
class Batch:
    """NeMo Curator's DocumentBatch as far as a filter sees it."""

    dataset_name: str
    data: Any
    _metadata: dict = field(default_factory=dict)
    _stage_perf: list = field(default_factory=list)

    def to_pandas(self) -> Any:
        return self.data if not hasattr(self.data, "to_pandas") else self.data.to_pandas()


class Stage(Generic[TypeVar("X"), TypeVar("Y")]):
    """NeMo Curator's ProcessingStage: the framework calls setup, then process for every batch."""


def test_a_stage_of_nemo_curator_keeps_what_the_audit_keeps(audited, sample, tmp_path, monkeypatch):
    pytest.importorskip("pandas")
    stood_in(
        monkeypatch,
        {"nemo_curator.stages.base": {"ProcessingStage": Stage}, "nemo_curator.tasks": {"DocumentBatch": Batch}},
    )
    keep = tmp_path / "keep.parquet"
    assert command(["export", str(audited), "--keep", str(keep), "--probability", "0.8"]) == 0
    listed = pl.read_parquet(keep).unique("id", keep="none")
    listed.write_parquet(keep)
    stage = load("nemo_curator_stage").KeptByAudit(str(keep))
    stage.setup()
    batch = sys.modules["nemo_curator.tasks"].DocumentBatch
    frame = pl.read_parquet(sample / "part-0.parquet").to_pandas()
    kept = stage.process(batch(dataset_name="sample", data=frame))
    wanted = set(listed["id"]) & set(frame["id"])
    assert kept is not None and kept.dataset_name == "sample"
    assert set(kept.to_pandas()["id"]) == wanted and 0 < len(wanted) < len(frame)
    assert stage.process(batch(dataset_name="sample", data=frame[:0])) is None
    pl.concat([listed, listed]).write_parquet(keep)
    with pytest.raises(ValueError, match="not unique"):
        stage.setup()


class Registry:
    """Data-Juicer's registry of operators."""

    def register_module(self, name: str) -> Any:
        return lambda operator: operator


class Filter:
    """Data-Juicer's Filter: it computes statistics of every sample, then asks for each whether it stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.compute_stats, self.process = self.compute_stats_single, self.process_single


def test_an_operator_of_data_juicer_keeps_what_the_audit_keeps(audited, sample, tmp_path, monkeypatch):
    stood_in(
        monkeypatch,
        {
            "data_juicer.ops.base_op": {"OPERATORS": Registry(), "Filter": Filter},
            "data_juicer.utils.constant": {"Fields": types.SimpleNamespace(stats="__dj__stats__")},
        },
    )
    keep = tmp_path / "keep.parquet"
    assert command(["export", str(audited), "--keep", str(keep), "--probability", "0.8"]) == 0
    listed = pl.read_parquet(keep).unique("id", keep="none")
    listed.write_parquet(keep)
    example = load("data_juicer_filter")
    operator = example.KeptByAuditorFilter(str(keep))
    samples = [row | {example.Fields.stats: {}} for row in pl.read_parquet(sample / "part-0.parquet").to_dicts()]
    kept = [row["id"] for row in samples if operator.process(operator.compute_stats(row))]
    assert set(kept) == set(listed["id"]) & {row["id"] for row in samples} and 0 < len(kept) < len(samples)
