"""The run's folder: resuming, determinism over workers and threads, locks, changed inputs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from auditor.cli.main import run as command
from auditor.config import load
from auditor.errors import StoreError
from auditor.manifest import locked
from auditor.pipeline.audit import audit, finish, prepare
from auditor.pipeline.documents import view
from auditor.pipeline.map.split import Job, map_split
from auditor.pipeline.run.parts import part_folder
from auditor.pipeline.run.run import load_run
from auditor.store.database import connect, query
from tests.pipeline.runs import digests, figures, rows, write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("steps") / "corpus")


def test_parts_are_the_same_bytes_whatever_the_threads_and_batches(corpus, tmp_path):
    found = []
    for number, (threads, batch_bytes) in enumerate(((1, 16 << 20), (3, 16 << 20), (1, 20_000))):
        config = load(corpus=[str(corpus)], batch_bytes=batch_bytes)
        run = tmp_path / str(number)
        plan = prepare(config, run)
        for task in plan.tasks:
            map_split(Job(task, config, run, threads), lambda documents, size: None)
        found.append([digests(part_folder(run, task.key)) for task in plan.tasks])
        assert all(names for names in found[-1])
    assert found[0] == found[1] == found[2]


def test_figures_do_not_depend_on_workers_batches_or_splits(corpus, tmp_path):
    settings = [{"workers": 1}, {"workers": 2, "batch_bytes": 20_000, "split_bytes": 30_000}]
    reports = []
    for number, setting in enumerate(settings):
        audit(load(corpus=[str(corpus)], **setting), tmp_path / str(number))
        reports.append(figures(tmp_path / str(number)))
    assert reports[0]["corpus"] == reports[1]["corpus"]
    assert reports[0]["clusters"] == reports[1]["clusters"]
    assert [s["diversity"] for s in reports[0]["shards"]] == [s["diversity"] for s in reports[1]["shards"]]


def test_many_documents_are_queried_and_stored_where_they_are_to_the_same_tables(corpus, tmp_path, monkeypatch):
    run = tmp_path / "run"
    audit(load(corpus=[str(corpus)], workers=1, split_bytes=30_000), run)
    expected, whole = rows(run), figures(run)
    monkeypatch.setattr(view, "FEW", 50)
    assert len(list(view.pieces(run, load_run(run).plan.tasks))) > 2
    finish(run)
    assert (rows(run), figures(run)) == (expected, whole)
    with connect(run / "audit.duckdb", read_only=True) as connection:
        stored = query(connection, "SELECT shard, row FROM documents")
    assert stored.equals(stored.sort("shard", "row"))


def test_a_second_call_reads_nothing_again(corpus, tmp_path):
    config = load(corpus=[str(corpus)])
    audit(config, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/*/*")}
    first = figures(tmp_path)
    audit(config, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/*/*")} == before
    assert figures(tmp_path) == first


def test_a_changed_file_is_read_again_and_the_others_are_not(tmp_path):
    corpus = write_corpus(tmp_path / "corpus")
    config = load(corpus=[str(corpus)])
    run = tmp_path / "run"
    audit(config, run)
    kept = {path.name for path in (run / "parts").iterdir()}
    pl.read_parquet(corpus / "part-1.parquet").head(30).write_parquet(corpus / "part-1.parquet")
    outcome = audit(config, run)
    assert outcome.report["corpus"]["documents"] == 150
    assert len({path.name for path in (run / "parts").iterdir()} - kept) == 1


def test_a_killed_run_goes_on_to_the_same_figures(corpus, tmp_path):
    audit(load(corpus=[str(corpus)], workers=1), tmp_path / "whole")
    arguments = [sys.executable, "-m", "auditor.cli", "audit", str(corpus), "--out", str(tmp_path / "cut"), "--quiet"]
    for delay in (1.0, 2.5, 4.0):
        process = subprocess.Popen([*arguments, "--workers", "1"], stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run([*arguments, "--workers", "1"], check=False, stdout=subprocess.DEVNULL).returncode == 0
    assert figures(tmp_path / "cut") == figures(tmp_path / "whole")
    assert not [path for path in (tmp_path / "cut").rglob(".*") if path.is_file()]


def test_two_audits_into_one_folder_exclude_each_other(tmp_path):
    with locked(tmp_path), pytest.raises(StoreError, match="in use by another audit"), locked(tmp_path):
        pass


def test_a_dead_owners_lock_is_taken_over(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    import socket

    owner = {"pid": process.pid, "host": socket.gethostname(), "started": 0}
    (tmp_path / "lock.json").write_text(json.dumps(owner))
    with locked(tmp_path):
        assert json.loads((tmp_path / "lock.json").read_text())["pid"] == os.getpid()


def test_the_steps_singly_give_what_the_audit_gives(corpus, tmp_path):
    audit(load(corpus=[str(corpus)]), tmp_path / "whole")
    run = str(tmp_path / "steps")
    assert command(["plan", str(corpus), "--out", run, "--json"]) == 0
    for i in (2, 0, 1):
        assert command(["map", run, "--shard", f"{i}/3", "--quiet"]) == 0
    for j in (1, 0):
        assert command(["reduce", run, "--partition", f"{j}/2"]) == 0
    assert command(["finalise", run, "--quiet"]) == 0
    assert figures(Path(run)) == figures(tmp_path / "whole")
