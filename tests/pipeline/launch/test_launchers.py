"""One program, whoever starts its steps: Slurm's arrays, Ray's tasks, many processes at once, files behind a URL."""

import gzip
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from auditor.cli.main import run as command
from auditor.config import load
from auditor.errors import ConfigError
from auditor.pipeline.audit import audit, finish, lay_out, warm_up
from auditor.pipeline.map.split import Job, map_split
from auditor.pipeline.reduce.cluster import reduce_slice
from tests.pipeline.runs import figures, leftovers, parts, rows, write_corpus

# What sbatch does, on this machine and at once: array elements last to first, a log each, --parsable's answer.
SBATCH = """#!/bin/sh
printf '%s\\n' "$*" >> "$SBATCH_CALLS"
elements=none
for argument; do
  case $argument in
    --array=0-*) elements=$(seq "${argument#--array=0-}" -1 0) ;;
    --dependency=afterany:*) grep -qx "${argument#--dependency=afterany:}" "$SBATCH_CALLS.jobs" || exit 9 ;;
  esac
  script=$argument
done
worst=0
for element in $elements; do
  [ "$element" = none ] || export SLURM_ARRAY_TASK_ID=$element
  sh "$script" > "$script.log" 2>&1 || worst=$?
done
number=$(grep -c . "$SBATCH_CALLS")
echo "$number" >> "$SBATCH_CALLS.jobs"
echo "$number;cluster"
case $* in *--wait*) exit $worst ;; esac
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("launch") / "corpus", files=2, documents=40)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("launch") / "whole"
    assert audit(load(corpus=[str(corpus)], workers=1), run).exit_code == 0
    return run


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """The calls that the stub received."""
    stub = tmp_path / "bin" / "sbatch"
    stub.parent.mkdir()
    stub.write_text(SBATCH)
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SBATCH_CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def same(run: Path, whole: Path) -> bool:
    return (parts(run), figures(run), rows(run)) == (parts(whole), figures(whole), rows(whole))


def test_two_workers_give_what_one_process_gives_while_the_end_is_prepared_beside_them(
    corpus, whole, tmp_path, monkeypatch
):
    begun = []
    monkeypatch.setattr("auditor.pipeline.map.crew.ONE_PROCESS_BYTES", 0)
    monkeypatch.setattr("auditor.pipeline.audit.warm_up", lambda: (begun.append("once"), warm_up()))
    assert audit(load(corpus=[str(corpus)], workers=2), tmp_path / "run").exit_code == 0
    assert same(tmp_path / "run", whole)
    assert begun == ["once"]


@pytest.mark.slow
def test_slurm_gives_what_local_processes_give_also_of_a_broken_file(slurm, tmp_path, capsys):
    corpus, run = write_corpus(tmp_path / "corpus", files=1, documents=40), tmp_path / "a run; with 'quotes'"
    lines = pl.read_parquet(corpus / "part-0.parquet").reverse().write_ndjson().encode()
    (corpus / "cut.jsonl.gz").write_bytes(gzip.compress(lines)[:-600])
    assert audit(load(corpus=[str(corpus)], workers=1), tmp_path / "whole").exit_code == 3
    options = ["--out", str(run), "--launcher", "slurm", "--workers", "1", "--quiet", "--json"]
    assert command(["audit", str(corpus), *options]) == 3
    assert "cut.jsonl.gz: damaged gz data" in capsys.readouterr().out
    assert same(run, tmp_path / "whole")
    calls = slurm.read_text().splitlines()
    assert [call.split("slurm/")[-1] for call in calls] == ["map.sh", "reduce.sh", "finalise.sh"]
    assert "--array=0-1" in calls[0] and "afterany:1" in calls[1] and "afterany:2" in calls[2]
    assert subprocess.run(["sh", "-n", str(run / "slurm" / "submit.sh")], check=False).returncode == 0


def takes_jobs() -> bool:
    """Whether a real Slurm runs here (Debian's slurm-wlm on one node is enough)."""
    try:
        return "idle" in subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return False


@pytest.mark.slow
@pytest.mark.skipif(not takes_jobs(), reason="no Slurm here that takes jobs")
def test_the_real_slurm_gives_what_local_processes_give(corpus, whole, tmp_path):
    run = tmp_path / "run"
    options = ["--out", str(run), "--launcher", "slurm", "--workers", "1", "--quiet", "--json"]
    assert command(["audit", str(corpus), *options]) == 0
    assert same(run, whole)
    assert len(list((run / "slurm").glob("map-*.log"))) == 2


def test_slurm_without_sbatch_says_what_to_do(corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command(["audit", str(corpus), "--out", str(tmp_path / "run"), "--launcher", "slurm", "--quiet"]) == 2
    assert "submit.sh" in capsys.readouterr().err


def test_steps_that_meet_in_one_folder_do_no_harm(corpus, whole, tmp_path):
    """Every split three times at once, every partition twice at once: schedulers do start a task again."""
    config, run = load(corpus=[str(corpus)], workers=1), tmp_path / "run"
    plan = lay_out(config, run)
    with ThreadPoolExecutor(6) as pool:
        jobs = [Job(task, config, run, 1) for task in plan.tasks for _ in range(3)]
        markers = list(pool.map(lambda job: map_split(job, lambda documents, size: None), jobs))
        assert markers[0] == markers[1] == markers[2]
        list(pool.map(lambda j: reduce_slice(run, plan, config, j % 3, 3), range(6)))
    assert finish(run).exit_code == 0
    assert same(run, whole)
    assert not leftovers(run)


def test_a_missing_slice_is_listed_with_its_command(corpus, tmp_path, capsys):
    run = str(tmp_path / "run")
    assert command(["plan", str(corpus), "--out", run, "--json"]) == 0
    assert command(["map", run, "--shard", "0/2", "--quiet"]) == 0
    capsys.readouterr()
    assert command(["finalise", run]) == 3
    assert f"part-1.parquet: not mapped (auditor map {run} --shard 1/2)" in capsys.readouterr().err


def test_ray_is_an_extra_that_says_so(corpus, tmp_path):
    try:
        import ray
    except ImportError:
        with pytest.raises(ConfigError, match="ray"):
            audit(load(corpus=[str(corpus)], launcher="ray"), tmp_path / "run")
    else:
        assert ray


def test_ray_gives_what_local_processes_give_though_a_node_is_lost(tmp_path):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'corpus-auditor[ray]'")
    from ray.cluster_utils import Cluster

    corpus = write_corpus(tmp_path / "corpus", files=4, documents=150)
    audit(load(corpus=[str(corpus)], workers=1), tmp_path / "whole")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    node = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        notes: list[str] = []
        run = tmp_path / "run"
        lost = Losing(cluster, node, notes)
        assert audit(load(corpus=[str(corpus)], workers=1, launcher="ray"), run, progress=lost).exit_code == 0
        assert lost.node is None, "the node was not lost while tasks were left"
        assert same(run, tmp_path / "whole"), notes
    finally:
        ray.shutdown()
        cluster.shutdown()


class Losing:
    """Progress that removes a node as soon as the first split is done."""

    def __init__(self, cluster, node, notes) -> None:
        self.cluster, self.node, self.notes = cluster, node, notes

    def stage(self, name: str, total: int) -> None:
        pass

    def step(self, documents: int, size: int) -> None:
        if self.node is not None:
            self.cluster.remove_node(self.node, allow_graceful=False)
            self.node = None

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_corpus_in_s3_gives_what_its_files_give(corpus, whole, tmp_path, monkeypatch):
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[server]' s3fs")
    s3fs = pytest.importorskip("s3fs")
    secret = "not-to-be-written-anywhere"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    here = server.ThreadedMotoServer(port=0)
    here.start()
    try:
        url = "http://{}:{}".format(*here.get_host_and_port())
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        s3fs.S3FileSystem.clear_instance_cache()
        store = s3fs.S3FileSystem(endpoint_url=url)
        store.mkdir("launched")
        store.put(f"{corpus}/", "launched/corpus/", recursive=True)
        run = tmp_path / "run"
        assert audit(load(corpus=["s3://launched/corpus"], workers=1), run).exit_code == 0
    finally:
        here.stop()
    ours, local = figures(run), figures(whole)
    assert ours["corpus"] == local["corpus"]
    assert [shard["digest"] for shard in ours["shards"]] == [shard["digest"] for shard in local["shards"]]
    written = [path for path in run.rglob("*") if path.is_file()]
    assert written and not any(secret.encode() in path.read_bytes() for path in written)
