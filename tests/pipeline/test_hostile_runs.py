"""Hostile corpora through the whole program, and run folders made by a stranger."""

import gzip
import json
import os
import random
import shutil
from pathlib import Path

import duckdb
import pytest
import zstandard

from auditor.cli.main import run as command
from auditor.config import load
from auditor.pipeline.audit import audit, lay_out
from auditor.pipeline.map.crew import map_all
from tests.pipeline.runs import write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("hostile") / "corpus", files=1, documents=40)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("hostile") / "whole"
    assert audit(load(corpus=[str(corpus)], workers=1), run).exit_code == 0
    return run


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def bomb(path: Path) -> None:
    piece, opener = b" " * (1 << 20), gzip.open if path.suffix == ".gz" else zstandard.open
    with opener(path, "wb") as sink:
        sink.write(b'{"text": "')
        for _ in range(200):
            sink.write(piece)


def wide(path: Path) -> None:
    path.write_bytes(b"text," + b"a," * 10_000_000 + b"b\n" + b"1," * 10_000_001 + b"2\n")


def deep(path: Path) -> None:
    path.write_bytes(b'{"text": ' + b"[" * 5_000_000 + b"\n" + b'{"a":' * 1_000_000 + b"\n")


def lengths(path: Path) -> None:
    head = b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: %d\r\n\r\n"
    path.write_bytes(head % (1 << 62) + b"short\r\n\r\n" + head % 0 + b"not nothing at all\r\n\r\n" + head[:40])


HOSTILE = {"bomb.jsonl.gz": bomb, "bomb.jsonl.zst": bomb, "wide.csv": wide, "deep.jsonl": deep, "lengths.wet": lengths}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_beside_good_ones_is_named_and_costs_them_nothing(corpus, tmp_path, name, capsys):
    folder = Path(shutil.copytree(corpus, tmp_path / "corpus"))
    HOSTILE[name](folder / name)
    code = command(["audit", str(folder), "--out", str(tmp_path / "run"), "--quiet", "--workers", "1", "--json"])
    said, error = capsys.readouterr()
    assert code in (0, 3) and "internal error" not in said + error
    report = json.loads(said)
    assert report["corpus"]["documents"] == 40
    assert name in json.dumps(report["skips"]) or any(shard["error"] for shard in report["shards"])


def test_parquet_that_lies_about_itself_raises_only_our_own_errors(corpus, tmp_path):
    octets = (corpus / "part-0.parquet").read_bytes()
    footer = len(octets) - 8 - int.from_bytes(octets[-8:-4], "little")
    rng = random.Random(3)
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(60):
        lying = bytearray(octets)
        for _ in range(rng.randint(1, 3)):
            lying[rng.randrange(footer, len(octets) - 8)] = rng.randrange(256)
        (folder / f"{number:02}.parquet").write_bytes(lying)
    (folder / "zz.parquet").write_bytes(octets)
    config = load(corpus=[str(folder)], workers=1)
    reasons = map_all(lay_out(config, tmp_path / "run"), config, tmp_path / "run").values()
    assert not [reason for reason in reasons if "internal error" in reason]


NAMES = (
    b"--out.parquet",
    b"new\nline.parquet",
    b"x .. .parquet",
    "\u202egnp.parquet".encode(),
    b"<script>alert(1)<.parquet",
    b"'; DROP TABLE audits; --.parquet",
    b"[x]*?.parquet",
    b"%s{0}.parquet",
    b"caf\xe9.parquet",
)


def test_names_of_files_are_only_names(tmp_path, capsys):
    folder = tmp_path / "corpus"
    folder.mkdir()
    made = write_corpus(tmp_path / "made", files=len(NAMES), documents=6)
    for number, name in enumerate(NAMES):
        os.rename(made / f"part-{number}.parquet", os.fsencode(folder) + b"/" + name)
    assert command(["audit", str(folder), "--out", str(tmp_path / "run"), "--quiet", "--workers", "1"]) == 3
    assert "internal error" not in capsys.readouterr().err
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["corpus"]["documents"] == 6 * (len(NAMES) - 1)
    (skip,) = [skip for skip in report["skips"] if "caf" in skip["shard"]]
    assert skip["shard"] == "caf\\xe9.parquet" and "rename" in skip["detail"]
    assert "<script>alert(1)" not in (tmp_path / "run" / "report.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "made", "run"]


def test_pipes_and_loops_in_a_folder_are_not_waited_for(corpus, tmp_path):
    folder = Path(shutil.copytree(corpus, tmp_path / "corpus"))
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    (folder / "itself.jsonl").symlink_to(folder / "itself.jsonl")
    assert command(["audit", str(folder), "--out", str(tmp_path / "run"), "--quiet", "--workers", "1"]) in (0, 3)


READING = [["report"], ["finalise", "--quiet"], ["map", "--quiet"], ["inspect", "0-1"], ["forget"], ["reservoir"]]


@pytest.mark.parametrize("arguments", READING, ids=lambda arguments: arguments[0])
@pytest.mark.parametrize("field", ["key", "config", "split", "shard"])
def test_a_strangers_manifest_leads_nowhere(run, arguments, field, tmp_path, capsys):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "done.json").write_text("{}")
    manifest = json.loads((run / "manifest.json").read_text())
    if field == "config":
        manifest["config"] = {"corpus": 3, "__class__": "os.system"}
    else:
        manifest["tasks"][0][field] = {"key": "../../victim", "split": 99, "shard": "none"}[field]
    (run / "manifest.json").write_text(json.dumps(manifest))
    code = command([arguments[0], str(run), *arguments[1:]])
    assert code in (0, 2, 3)
    assert "internal error" not in capsys.readouterr().err
    assert [path.name for path in victim.iterdir()] == ["done.json"]


def test_a_strangers_report_is_checked_and_escaped(run, capsys):
    report = json.loads((run / "report.json").read_text())
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    report["audit"]["corpus"] = report["shards"][0]["shard"] = evil
    (run / "report.json").write_text(json.dumps(report))
    assert command(["report", str(run), "--format", "html,md"]) == 0
    page = (run / "report.html").read_text()
    assert "<script>alert(1)" not in page and "<img src=x" not in page
    for broken in ("[]", "{}", '{"corpus": 1}', "[" * 200_000, '{"audit": {"id": {}}}'):
        (run / "report.json").write_text(broken)
        assert command(["report", str(run)]) in (2, 3)
        assert "internal error" not in capsys.readouterr().err


@pytest.mark.parametrize("view", ["SELECT * FROM read_text('{0}')", "SELECT * FROM '{0}'"])
def test_a_strangers_store_reads_no_file(run, view, tmp_path):
    import auditor

    secret = tmp_path / "secret.csv"
    secret.write_text("word\nhidden\n")
    with duckdb.connect(str(run / "audit.duckdb")) as connection:
        connection.execute("DROP TABLE findings")
        connection.execute("CREATE MACRO lower(x) AS 'taken over'")
        connection.execute(f"CREATE VIEW findings AS {view.format(secret)}")
    opened = auditor.open_run(run)
    for ask in (lambda: opened.table("findings"), lambda: opened.table("audits"), lambda: opened.sql("SELECT 1")):
        with pytest.raises(auditor.errors.StoreError, match="holds what auditor never writes"):
            ask()


def test_a_question_to_a_run_reads_no_file(run, tmp_path):
    import auditor

    (tmp_path / "secret.csv").write_text("word\nhidden\n")
    with pytest.raises(auditor.errors.StoreError):
        auditor.open_run(run).sql(f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")


# What a stranger may put in the place of a table, of a function that we call, or of a value that is computed anew.
TRAPS = {
    "view": "DROP TABLE findings; CREATE VIEW findings AS SELECT * FROM range(100)",
    "endless view": "DROP TABLE audits; CREATE VIEW audits AS SELECT * FROM range(100000000000) a, range(100000000) b",
    "more than we write": "CREATE TABLE other AS SELECT 1 AS a",
    "macro": "CREATE MACRO lower(x) AS 'taken over'",
    "macro for the check itself": "CREATE MACRO duckdb_views() AS TABLE SELECT 'x' AS view_name, true AS internal",
    "macro for the setting": "CREATE MACRO current_setting(x) AS 'automatic'",
    "generated column": "ALTER TABLE skips RENAME TO old; "
    "CREATE TABLE skips(audit_id VARCHAR, n INTEGER GENERATED ALWAYS AS (1)); DROP TABLE old",
    "other schema": "CREATE SCHEMA s; CREATE VIEW s.audits AS SELECT 1",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_database_with_more_than_our_tables_is_refused_by_every_command(run, trap, tmp_path, capsys):
    with duckdb.connect(str(run / "audit.duckdb")) as connection:
        for statement in TRAPS[trap].split("; "):
            connection.execute(statement)
    keep = str(tmp_path / "keep.parquet")
    for arguments in (["inspect", str(run), "0-1"], ["export", str(run), "--keep", keep], ["provenance", str(run)]):
        assert command(arguments) == 3
        error = capsys.readouterr().err
        assert "holds what auditor never writes" in error and "internal" not in error, error


def test_a_question_that_takes_too_long_is_given_up(run, monkeypatch):
    import auditor
    from auditor.store import database

    monkeypatch.setattr(database, "QUERY_SECONDS", 0.5)
    with pytest.raises(auditor.errors.StoreError, match="did not answer within"):
        auditor.open_run(run).sql(
            "SELECT count(*) FROM range(1000000000000) a, range(1000000) b WHERE a.range > b.range"
        )
