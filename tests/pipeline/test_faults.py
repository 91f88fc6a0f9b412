"""Everything that breaks while an audit runs: it goes on or ends as documented, names the shard, loses nothing."""

import json
import os
import shutil
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
from auditor.pipeline.audit import audit, finish, lay_out
from auditor.pipeline.launch.processes import run_jobs
from auditor.pipeline.map import split as mapping
from auditor.pipeline.map.crew import map_all
from auditor.pipeline.run.run import load_run
from auditor.run_folder import aside_name, sweep
from tests.pipeline.jobs import misbehave
from tests.pipeline.runs import figures, leftovers, parts, rows, write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("faults") / "corpus", files=2, documents=40)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("faults") / "whole"
    assert audit(load(corpus=[str(corpus)], workers=1), run).exit_code == 0
    return run


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def flip(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 0x40
    path.write_bytes(octets)


def outcomes(kinds, folder, **options) -> dict[str, tuple[str, str]]:
    jobs = [(kind, str(folder / kind)) for kind in kinds]
    events = [event for event in run_jobs(misbehave, jobs, **options) if event.kind != "progress"]
    assert sorted(event.job for event in events) == list(range(len(jobs)))
    return {kinds[event.job]: (event.kind, event.reason or event.result) for event in events}


def test_a_worker_that_dies_costs_its_job_alone(tmp_path):
    kinds = ["good", "killed once", "killed", "raises", "refuses"]
    found = outcomes(kinds, tmp_path, workers=2)
    assert found["good"] == ("done", "good")
    assert found["killed once"] == ("done", "killed once")
    assert found["killed"][0] == "failed" and "memory" in found["killed"][1]
    assert found["refuses"] == ("failed", "a shard is broken")
    assert found["raises"][0] == "failed" and "jobs.py" in found["raises"][1]


RAISED = (
    "panics",
    "exits",
    "is interrupted",
    "generator ends",
    "raises what cannot be sent",
    "no thread",
    "no memory",
)
DIES = ("exits at once", "aborts", "segfaults", "killed")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_way_in_which_a_job_can_end_is_told_at_once(tmp_path, workers):
    kinds = [*RAISED, "good"] if workers == 1 else [*RAISED, "returns what cannot be sent", *DIES, "good"]
    begun = time.monotonic()
    found = outcomes(kinds, tmp_path, workers=workers, stall=300)
    assert time.monotonic() - begun < 300  # what nobody tells is found when nothing was heard for so long
    assert found.pop("good") == ("done", "good")
    assert {kind for kind, (ended, reason) in found.items() if ended != "failed" or not reason} == set()
    assert "Option::unwrap" in found["panics"][1] and "memory" in found["no memory"][1]


def test_a_panic_while_a_file_is_inspected_or_read_costs_that_file_alone(tmp_path, monkeypatch, capsys):
    """Both in the process that plans and in the one that reads."""
    from auditor.pipeline.map import split
    from auditor.sources.find import plan
    from tests.pipeline.jobs import Panic

    folder = write_corpus(tmp_path / "corpus", files=3, documents=12)
    inspect, read = plan.plan_shard, split.read_split

    def inspecting(candidate, options):
        if candidate.file.name == "part-0.parquet":
            raise Panic("while it is inspected")
        return inspect(candidate, options)

    def reading(shard, *arguments):
        if shard.name == "part-1.parquet":
            raise Panic("while it is read")
        return read(shard, *arguments)

    monkeypatch.setattr(plan, "plan_shard", inspecting)
    monkeypatch.setattr(split, "read_split", reading)
    assert command(["audit", str(folder), "--out", str(tmp_path / "run"), "--workers", "1", "--quiet"]) == 3
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["corpus"]["documents"] == 12
    said = json.dumps(report)
    assert "while it is inspected" in said and "while it is read" in said


def test_a_script_without_a_guard_may_start_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from auditor.pipeline.launch.processes import run_jobs\n"
        "from tests.pipeline.jobs import misbehave\n"
        f"jobs = [('good', {str(tmp_path / 'a')!r}), ('good', {str(tmp_path / 'b')!r})]\n"
        "print([event.kind for event in run_jobs(misbehave, jobs, workers=2)])\n"
    )
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, timeout=120)
    assert ended.stdout.count("done") == 2 and "failed" not in ended.stdout, ended.stderr
    assert len(ended.stdout.splitlines()) == 1  # the script ran once


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reader_that_hangs_is_given_up(tmp_path, workers):
    found = outcomes(["hangs", "good"], tmp_path, workers=workers, stall=4)
    assert found["hangs"][0] == "failed" and "has not responded for 4 s" in found["hangs"][1]
    assert found["good"] == ("done", "good")


def test_workers_start_with_the_threads_that_they_are_given(tmp_path):
    before = os.environ.get("POLARS_MAX_THREADS")
    found = outcomes(["threads", "good"], tmp_path, workers=2, threads=3)
    assert found["threads"] == ("done", "3")
    assert os.environ.get("POLARS_MAX_THREADS") == before


@pytest.mark.parametrize("fault", ["gone", "changed"])
def test_a_file_that_is_not_what_was_planned_fails_by_name_and_the_others_stay(tmp_path, capsys, fault):
    corpus, run = write_corpus(tmp_path / "corpus", files=2, documents=40), tmp_path / "run"
    lay_out(load(corpus=[str(corpus)], workers=1), run)
    file = corpus / "part-1.parquet"
    if fault == "gone":
        file.unlink()
    else:
        pl.read_parquet(file).head(20).write_parquet(file)
    assert command(["map", str(run), "--quiet"]) == 3
    assert "part-1.parquet" in capsys.readouterr().err
    assert command(["finalise", str(run)]) == 3
    assert "part-1.parquet: not mapped" in capsys.readouterr().err
    report = figures(run)
    assert [shard["documents"] for shard in report["shards"]] == [40, 0]
    assert [shard["complete"] for shard in report["shards"]] == [True, False]


def test_a_file_that_changes_while_it_is_read_leaves_no_part(tmp_path, monkeypatch):
    corpus, run = write_corpus(tmp_path / "corpus", files=1, documents=40), tmp_path / "run"
    read = mapping.read_split

    def changing(*arguments):
        yield from read(*arguments)
        os.utime(corpus / "part-0.parquet", (1, 1))

    monkeypatch.setattr(mapping, "read_split", changing)
    config = load(corpus=[str(corpus)], workers=1)
    plan = lay_out(config, run)
    (reason,) = map_all(plan, config, run).values()
    assert "changed" in reason
    assert not list((run / "parts").iterdir())


def test_a_file_that_goes_before_the_second_reading_makes_the_run_incomplete(tmp_path):
    corpus, run = write_corpus(tmp_path / "corpus", files=2, documents=40), tmp_path / "run"
    rows = pl.read_parquet(corpus / "part-1.parquet")
    pl.concat([rows, rows]).write_parquet(corpus / "part-1.parquet")
    config = load(corpus=[str(corpus)], workers=1)
    map_all(lay_out(config, run), config, run)
    kept = (corpus / "part-1.parquet").rename(tmp_path / "kept")
    outcome = finish(run)
    assert outcome.exit_code == 3
    assert "part-1.parquet" in outcome.report["shards"][1]["error"]
    kept.rename(corpus / "part-1.parquet")
    assert finish(run).exit_code == 0  # nothing of the failed attempt was kept for good


BROKEN = {
    "a part": "parts/*/documents.parquet",
    "a part's signatures": "parts/*/signatures.parquet",
    "clusters": "clusters/members.parquet",
    "the store": "audit.duckdb",
    "the report": "report.json",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_flipped_bit_is_noticed_and_made_again(run, whole, what):
    flip(sorted(run.glob(BROKEN[what]))[0])
    assert audit(load_run(run).config, run).exit_code == 0
    assert (parts(run), figures(run), rows(run)) == (parts(whole), figures(whole), rows(whole))


@pytest.mark.parametrize("name", ["manifest.json", "clusters/done.json", "done.json"])
@pytest.mark.parametrize("content", ["", "[1]", '{"key": 3}', "[" * 100_000])
def test_a_broken_marker_is_made_again(run, whole, corpus, name, content):
    path = run / name if name != "done.json" else sorted(run.glob("parts/*/done.json"))[0]
    path.write_text(content)
    assert audit(load(corpus=[str(corpus)], workers=1), run).exit_code == 0
    assert (parts(run), figures(run)) == (parts(whole), figures(whole))


def test_finalise_names_a_damaged_part_and_the_command_that_makes_it_again(run, capsys):
    flip(sorted(run.glob("parts/*/documents.parquet"))[0])
    assert command(["finalise", str(run)]) == 3
    said = capsys.readouterr().err
    assert "documents.parquet is damaged" in said and "--shard" in said
    assert command(["map", str(run), "--quiet"]) == 0
    assert command(["finalise", str(run), "--quiet"]) == 0


def test_a_part_that_comes_late_is_clustered_with_the_others(run, whole):
    marker = sorted(run.glob("parts/*/done.json"))[0]
    late = marker.rename(run.parent / "late.json")
    assert finish(run).exit_code == 3
    late.rename(marker)
    assert finish(run).exit_code == 0
    assert figures(run) == figures(whole)


def test_commands_name_a_broken_store(run, capsys):
    (run / "audit.duckdb").write_bytes(b"DUCK" * 5000)
    assert command(["inspect", str(run), "0-1"]) == 3
    error = capsys.readouterr().err
    assert "audit.duckdb" in error and "Traceback" not in error


FULL = """
import resource, sys
from auditor.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


def test_a_full_disk_ends_the_run_in_one_line_and_it_goes_on_later(corpus, whole, tmp_path):
    """No file may grow above a limit: what a full disk does, wherever it strikes."""
    run, biggest = tmp_path / "run", max(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    for limit in (20_000, biggest // 2):
        ended = subprocess.run(
            [sys.executable, "-c", FULL, str(limit), "audit", str(corpus), "--out", str(run), "--workers=1", "--quiet"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 3, ended.stderr
        assert ended.stderr.startswith("auditor: ") and ended.stderr.count("\n") == 1, ended.stderr
        assert "internal" not in ended.stderr
    assert audit(load(corpus=[str(corpus)], workers=1), run).exit_code == 0
    assert (parts(run), figures(run)) == (parts(whole), figures(whole))
    assert not leftovers(run)


def test_what_dead_writers_left_is_swept_and_what_live_ones_write_is_not(tmp_path):
    ours = tmp_path / aside_name("report.json")
    ours.touch()
    dead = subprocess.run(
        [sys.executable, "-c", "from auditor.run_folder import aside_name; print(aside_name('report.json'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (tmp_path / dead).mkdir()
    sweep(tmp_path, within=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ours.name]


def test_a_lock_is_never_held_twice(tmp_path):
    (tmp_path / "lock.json").write_text('{"pid": ')  # of an owner killed while writing it
    with locked(tmp_path):
        for _ in range(3):
            with pytest.raises(StoreError, match="in use"), locked(tmp_path):
                pass
    assert not (tmp_path / "lock.json").exists()


def test_the_lock_of_another_machine_is_respected(tmp_path):
    (tmp_path / "lock.json").write_text('{"pid": 1, "host": "elsewhere", "started": 0}')
    with pytest.raises(StoreError, match="elsewhere"), locked(tmp_path):
        pass
