"""Recipes for schedulers and engines audit a corpus in a bucket; what they tell a scheduler is carried out here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from auditor.cli.main import run as command
from tests.pipeline.run.buckets import RUN, fetched
from tests.pipeline.runs import figures
from tests.pipeline.test_examples import EXAMPLES, load

CRAWL = "s3://bucket/corpus"  # the name of its folder enters the random streams, so it is that of the local corpus
# A scheduler that runs each job at once, the last slice first, and nothing but what a real one is told.
SCHEDULER = """
import json, os, re, subprocess, sys

name, words = os.path.basename(sys.argv[0]), sys.argv[1:]
after = dict(zip(words, words[1:]))
if name == "aws":
    command, array = json.loads(after["--container-overrides"])["command"], after.get("--array-properties", "")
    slices, index = re.search(r"size=(\\d+)", array), "AWS_BATCH_JOB_ARRAY_INDEX"
elif name == "sbatch":
    command = ["sh", "-c", next(word for word in words if word.startswith("--wrap=")).removeprefix("--wrap=")]
    slices, index = re.search(r"--array=0-(\\d+)", " ".join(words)), "SLURM_ARRAY_TASK_ID"
else:
    command, slices, index = words[words.index("image") + 1 :], None, "NOTHING"
last = (int(slices[1]) - (name == "aws") if slices else 0)
for number in range(last, -1, -1):
    environment = os.environ | ({index: str(number)} if slices else {})
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
print("job-1")
"""


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    """A folder on the path with auditor, as it is installed where a job runs."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "auditor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m auditor.cli "$@"\n')
    (folder / "auditor").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def crawl(corpus, store) -> str:
    store.put(f"{corpus}/", "bucket/corpus/", recursive=True)
    return CRAWL


def shell(line: str, **more: str) -> str:
    done = subprocess.run(["sh", "-ec", line], env=os.environ | more, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scheduler"), [("aws-batch", "aws"), ("slurm", "sbatch"), ("hugging-face-jobs", "hf")]
)
def test_a_scheduler_that_does_what_its_recipe_says_audits_the_corpus(
    crawl, whole, store, tmp_path, programs, name, scheduler
):
    (programs / scheduler).write_text(f"#!{sys.executable}\n{SCHEDULER}")
    (programs / scheduler).chmod(0o755)
    said = shell(f"sh '{EXAMPLES / name}.sh' {crawl} {RUN} 2", IMAGE="image")
    if name == "hugging-face-jobs":  # its last line says what to do when the jobs have ended
        shell(said.strip().splitlines()[-1].partition(": ")[2])
    assert figures(fetched(store, tmp_path))["corpus"] == figures(whole)["corpus"]


@pytest.mark.slow
def test_pods_of_the_indexed_job_for_kubernetes_audit_the_corpus(crawl, whole, store, tmp_path, programs):
    text = (EXAMPLES / "kubernetes.yaml").read_text()
    text = re.sub(r"\b16\b", "2", text).replace("s3://bucket/run", RUN).replace("s3://bucket/crawl", CRAWL)
    plan, conclude = re.findall(r"^#   (auditor .*)$", text, re.M)
    shell(plan)
    job = yaml.safe_load(text)["spec"]
    (container,) = job["template"]["spec"]["containers"]
    for number in range(job["completions"]):
        pod = os.environ | {"JOB_COMPLETION_INDEX": str(number)}
        subprocess.run([*container["command"], *container["args"]], check=True, env=pod)
    shell(conclude)
    assert figures(fetched(store, tmp_path))["corpus"] == figures(whole)["corpus"]


@pytest.mark.slow
def test_tasks_of_ray_audit_the_corpus(crawl, whole, store, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'corpus-auditor[ray]'")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    assert load("ray_tasks").main(crawl, RUN, 2) == 0
    assert figures(fetched(store, tmp_path))["corpus"] == figures(whole)["corpus"]


@pytest.mark.slow
def test_partitions_of_spark_audit_the_corpus_and_a_join_keeps_what_the_audit_keeps(
    corpus, crawl, whole, store, tmp_path, monkeypatch
):
    pytest.importorskip("pyspark", reason="Spark is not installed: pip install pyspark")
    if not shutil.which("java"):
        pytest.skip("no Java here, which Spark needs")
    from pyspark.sql import SparkSession

    monkeypatch.chdir(tmp_path)  # the Java that is started here stays in this folder
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    assert load("spark_map_partitions").main(crawl, RUN, 2) == 0
    assert figures(fetched(store, tmp_path))["corpus"] == figures(whole)["corpus"]

    (tmp_path / "crawl").symlink_to(corpus)
    keep = tmp_path / "keep.parquet"
    assert command(["export", str(whole), "--keep", str(keep)]) == 0
    line = re.search(r"`(spark\.read\.parquet\([^`]*)`", (EXAMPLES.parent / "how-to.md").read_text().replace("\n", " "))
    spark = SparkSession.builder.getOrCreate()
    try:
        kept = eval(line[1], {"spark": spark})  # noqa: S307 (our own page)
        assert sorted(row["id"] for row in kept.select("id").collect()) == sorted(pl.read_parquet(keep)["id"])
    finally:
        spark.stop()
