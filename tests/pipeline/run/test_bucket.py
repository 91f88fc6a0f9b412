"""A run in a bucket gives what one in a folder gives; what was put before a kill is used, and half a part is not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from auditor.pipeline.run.bucket import BucketRun, run_address
from tests.pipeline.run.buckets import RUN, SECRET, fetched
from tests.pipeline.runs import figures, parts, rows


def same(run: Path, whole: Path) -> bool:
    return (parts(run), figures(run), rows(run)) == (parts(whole), figures(whole), rows(whole))


def puts(monkeypatch) -> list[str]:
    """The names in the order in which they are put."""
    order: list[str] = []
    put = BucketRun._put

    def recorded(self, path):
        before = dict(self.same)
        put(self, path)
        order.extend(self.same.keys() - before.keys())

    monkeypatch.setattr(BucketRun, "_put", recorded)
    return order


def test_a_path_remembers_that_it_was_an_address():
    assert run_address(Path("s3://bucket/run")) == "s3://bucket/run"
    assert run_address(Path("gs://b/c/d/")) == "gs://b/c/d"
    assert run_address(Path("runs/s3:/x")) is run_address(Path("run")) is run_address(Path("/tmp/run")) is None


def test_an_audit_into_a_bucket_gives_what_a_folder_gives_markers_last(corpus, whole, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    order = puts(monkeypatch)
    assert command(["audit", str(corpus), "--out", RUN, "--workers", "1", "--quiet"]) == 0
    assert not (tmp_path / "s3:").exists()
    run = fetched(store, tmp_path)
    assert same(run, whole)
    assert order[0] == "manifest.json" and order[-1] == "report.json"
    for name in order:
        if name.endswith("/done.json"):
            folder = name.removesuffix("done.json")
            assert max(i for i, put in enumerate(order) if put.startswith(folder)) == order.index(name)
    assert not any(SECRET.encode() in path.read_bytes() for path in run.rglob("*") if path.is_file())
    assert not [path for path in run.rglob("*") if path.name == "lock.json" or path.name.startswith(".")]


def test_steps_that_share_only_the_bucket_give_what_a_folder_gives(corpus, whole, store, tmp_path):
    assert command(["plan", str(corpus), "--out", RUN, "--json"]) == 0
    for index in (1, 0, 1):  # in any order, and twice
        assert command(["map", RUN, "--shard", f"{index}/2", "--workers", "1", "--quiet"]) == 0
    assert command(["reduce", RUN, "--partition", "0/1"]) == 0
    assert command(["finalise", RUN, "--quiet"]) == 0
    ours, local = figures(fetched(store, tmp_path)), figures(whole)
    assert ours["corpus"] == local["corpus"]


def test_a_part_without_its_marker_is_measured_again_and_a_missing_slice_is_named(
    corpus, whole, store, tmp_path, capsys
):
    assert command(["plan", str(corpus), "--out", RUN, "--json"]) == 0
    assert command(["map", RUN, "--workers", "1", "--quiet"]) == 0
    (first, *_) = sorted(store.glob("bucket/audits/run/parts/*/done.json"))
    store.rm(first)  # as if the upload had been cut off before the marker
    capsys.readouterr()
    assert command(["finalise", RUN]) == 3
    assert "not mapped" in capsys.readouterr().err
    assert command(["map", RUN, "--workers", "1", "--quiet"]) == 0
    assert store.exists(first)
    assert command(["finalise", RUN, "--quiet"]) == 0
    assert figures(fetched(store, tmp_path))["corpus"] == figures(whole)["corpus"]


@pytest.mark.slow
@pytest.mark.parametrize("objects", [1, 6, 14])
def test_a_killed_audit_goes_on_from_what_lies_in_the_bucket(corpus, whole, store, tmp_path, objects):
    line = [sys.executable, "-m", "auditor.cli", "audit", str(corpus), "--out", RUN, "--workers", "1", "--quiet"]
    child = subprocess.Popen(line, start_new_session=True, stderr=subprocess.PIPE)
    while child.poll() is None and len(store.find("bucket")) < objects:
        time.sleep(0.005)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stderr.close()
    assert store.find("bucket")
    assert command(line[3:]) == 0
    assert same(fetched(store, tmp_path), whole)


def test_a_bucket_that_refuses_or_is_not_there_is_said(corpus, store, monkeypatch, capsys):
    assert command(["audit", str(corpus), "--out", "s3://no-such-bucket/run", "--workers", "1", "--quiet"]) == 3
    said = capsys.readouterr().err
    assert "s3://no-such-bucket/run cannot be used" in said and SECRET not in said


def test_a_bucket_that_begins_to_refuse_keeps_what_it_has_and_the_same_command_goes_on(
    corpus, whole, store, tmp_path, monkeypatch, capsys
):
    kind, left = type(store), [9]
    put = kind._put_file

    async def refusing(self, *given, **options):
        left[0] -= 1
        if left[0] < 0:
            raise PermissionError("Access Denied")
        return await put(self, *given, **options)

    monkeypatch.setattr(kind, "_put_file", refusing)
    line = ["audit", str(corpus), "--out", RUN, "--workers", "1", "--quiet"]
    assert command(line) == 3
    said = " ".join(capsys.readouterr().err.split())
    assert f"{RUN} cannot be used (PermissionError: Access Denied)" in said and "the same command goes on" in said
    there = {name.removeprefix("bucket/audits/run/") for name in store.find("bucket")}
    assert len(there) == 9 and "manifest.json" in there and "report.json" not in there
    assert not (tmp_path / "s3:").exists()
    left[0] = 1000
    assert command(line) == 0
    assert same(fetched(store, tmp_path), whole)


@pytest.mark.parametrize("more", [["--launcher", "slurm"], ["--launcher", "ray"]])
def test_what_needs_a_shared_folder_is_refused_before_reading(corpus, more, capsys):
    assert command(["audit", str(corpus), "--out", RUN, "--quiet", *more]) == 2
    assert "auditor plan" in capsys.readouterr().err.replace("\n", " ")


def test_a_name_that_leads_out_of_the_folder_is_not_fetched(corpus, store, tmp_path):
    assert command(["plan", str(corpus), "--out", RUN, "--json"]) == 0
    manifest = json.loads(store.cat("bucket/audits/run/manifest.json"))
    assert manifest
    store.pipe("bucket/audits/run/clusters/../../escaped.parquet", b"x")
    assert command(["reduce", RUN]) == 3
    assert not (tmp_path / "escaped.parquet").exists()


@pytest.fixture
def finished(whole, store) -> None:
    """A finished run in the bucket, put there as it is."""
    store.put(f"{whole}/", "bucket/audits/run/", recursive=True)


@pytest.fixture
def policy(tmp_path, capsys) -> str:
    assert command(["gate", "--init"]) == 0
    (tmp_path / "p.toml").write_text(capsys.readouterr().out)
    return str(tmp_path / "p.toml")


def test_a_run_in_a_bucket_is_judged_there(finished, whole, store, policy, capsys):
    local = command(["gate", str(whole), "--policy", policy, "--json"])
    said = json.loads(capsys.readouterr().out)
    before = {name: store.info(name)["ETag"] for name in store.find("bucket/audits/run/parts")}
    assert command(["gate", RUN, "--policy", policy, "--baseline", RUN, "--json"]) in (0, 1, 4)
    capsys.readouterr()
    assert command(["gate", RUN, "--policy", policy, "--json"]) == local
    assert json.loads(capsys.readouterr().out) == said
    assert json.loads(store.cat("bucket/audits/run/verdict.json")) == said
    assert store.exists("bucket/audits/run/junit.xml")
    assert {name: store.info(name)["ETag"] for name in store.find("bucket/audits/run/parts")} == before


def test_reports_of_a_run_in_a_bucket_are_written_there_or_here(finished, whole, store, tmp_path, capsys):
    store.rm("bucket/audits/run/report.html")
    assert command(["report", RUN, "--format", "html,md"]) == 0
    assert f"{RUN}/report.html" in capsys.readouterr().out.replace("\n", "")
    assert store.cat("bucket/audits/run/report.html")[:15].lower() == b"<!doctype html>"
    assert command(["report", RUN, "--format", "html", "--excerpts"]) == 0
    assert command(["report", RUN, "--format", "card", "--out", str(tmp_path / "card")]) == 0
    assert (tmp_path / "card/README.md").exists()
    capsys.readouterr()
    assert command(["report", RUN, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((whole / "report.json").read_text())


def test_runs_in_buckets_are_compared_and_inspected(finished, whole, capsys):
    assert command(["compare", RUN, str(whole), "--json"]) == 0
    assert command(["compare", f"{RUN}::part-0.parquet", f"{RUN}::part-1.parquet", "--json"]) == 0
    said = []
    for run in (str(whole), RUN):
        capsys.readouterr()
        assert command(["inspect", run, "part-0.parquet:0", "--json"]) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1]


def test_the_trend_of_a_store_in_a_bucket(corpus, store, tmp_path, capsys):
    place = tmp_path / "audits.duckdb"
    line = ["audit", str(corpus), "--out", str(tmp_path / "r"), "--store", str(place), "--workers", "1", "--quiet"]
    assert command(line) == 0
    store.put(str(place), "bucket/audits.duckdb")
    capsys.readouterr()
    assert command(["trend", "s3://bucket/audits.duckdb", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["audits"]) == 1
    assert command(["trend", "s3://bucket/none.duckdb"]) == 2


@pytest.mark.parametrize("line", [["report"], ["gate", "--policy", "{0}"], ["inspect", "a:0"], ["compare", "{1}"]])
def test_no_run_in_a_bucket_is_said(store, policy, line, capsys):
    name, *more = [part.format(policy, RUN) for part in line]
    assert command([name, RUN, *more]) == 2
    assert "there is no run" in capsys.readouterr().err
