"""A run from somebody else names no path that is written to and no address that is opened."""

import json
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from auditor.errors import ConfigError
from auditor.pipeline.run import ownership
from auditor.pipeline.run.run import load_run
from auditor.sources.find.files import PROTOCOLS, filesystem
from tests.pipeline.runs import figures, write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("ownership") / "corpus", files=2, documents=24)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("ownership") / "whole"
    assert command(["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"]) == 0
    return run


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def forge(run: Path, **changes) -> None:
    """As a stranger would: another manifest, without our seal."""
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"] |= changes.get("config", {})
    for shard in manifest["corpora"]["corpus"]["shards"]:
        if "address" in changes:
            shard["path"] = changes["address"].format(name=shard["name"])
    if "roots" in changes:
        manifest["corpora"]["corpus"]["roots"] = changes["roots"]
    path.write_text(json.dumps(manifest))


def without_clusters(run: Path) -> None:
    """So that finalising has to read texts again."""
    shutil.rmtree(run / "clusters")


@pytest.fixture
def listener():
    """A server on the loopback that counts who connects."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        going = threading.Event()

        def accept() -> None:
            while not going.is_set():
                try:
                    link, _ = server.accept()
                except TimeoutError:
                    continue
                connections.append(link)
                link.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], connections
        going.set()
        thread.join()


ADDRESSES = (
    "ftp://127.0.0.1:{port}/{{name}}",
    "http://127.0.0.1:{port}/{{name}}",
    "https://127.0.0.1:{port}/{{name}}",
    "webhdfs://127.0.0.1:{port}/{{name}}",
    "simplecache::http://127.0.0.1:{port}/{{name}}",
    "zip://a::https://127.0.0.1:{port}/{{name}}",
    "sftp://127.0.0.1:{port}/{{name}}",
    "reference://::http://127.0.0.1:{port}/{{name}}",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_of_a_strangers_manifest_is_opened(run, listener, address, tmp_path, capsys):
    port, connections = listener
    forge(run, address=address.format(port=port), roots=[f"http://127.0.0.1:{port}/"])
    without_clusters(run)
    out = str(tmp_path / "out")
    for arguments in (
        ["inspect", str(run), "0-1"],
        ["export", str(run), "--filtered", out],
        ["provenance", str(run), "--format", "croissant"],
        ["map", str(run)],
        ["finalise", str(run)],
        ["report", str(run)],
    ):
        command(arguments)
        said = "".join(capsys.readouterr())
        assert "internal" not in said, (arguments, said)
    assert connections == []


@pytest.mark.parametrize(
    "config",
    [
        {"store": "{tmp}/planted.duckdb"},
        {"store": "{tmp}/precious.txt"},
        {"against": ["{tmp}/precious"]},
        {"policy": "{tmp}/precious.txt"},
        {"detectors": ["hf:{tmp}/model"], "deep_sample": 5},
    ],
)
def test_no_path_of_a_strangers_manifest_is_written_or_read(run, config, tmp_path, capsys):
    (tmp_path / "precious.txt").write_text("mine")
    before = sorted(path.name for path in tmp_path.iterdir())
    place = json.loads(json.dumps(config).replace("{tmp}", str(tmp_path)))
    forge(run, config=place)
    assert command(["finalise", str(run)]) == 0
    assert "made by another user or on another machine" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_the_same_manifest_with_our_seal_is_followed(run, tmp_path):
    """The control: what the tests above forbid is what is done for an own run."""
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"]["store"] = str(tmp_path / "store.duckdb")
    path.write_text(json.dumps(ownership.sealed(manifest)))
    assert command(["finalise", str(run), "--quiet"]) == 0
    assert (tmp_path / "store.duckdb").exists()


def test_with_the_corpus_named_a_strangers_run_can_be_used(corpus, run, tmp_path, capsys):
    forge(run, address="https://elsewhere.example/{name}")
    elsewhere = shutil.copytree(corpus, tmp_path / "copied")
    os.utime(elsewhere / "part-0.parquet", (1, 1))
    assert command(["export", str(run), "--filtered", str(tmp_path / "a")]) == 2
    assert "--corpus PATH" in capsys.readouterr().err
    assert command(["export", str(run), "--filtered", str(tmp_path / "a"), "--corpus", str(elsewhere)]) == 0
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["part-0.parquet", "part-1.parquet"]
    capsys.readouterr()
    assert command(["inspect", str(run), "0-1", "--text"]) == 0
    assert "--corpus PATH" in capsys.readouterr().out
    assert command(["inspect", str(run), "0-1", "--text", "--corpus", str(elsewhere)]) == 0
    assert "committee" in capsys.readouterr().out


def test_finalising_a_strangers_run_gives_its_figures(corpus, run):
    before = figures(run)
    forge(run, address="https://elsewhere.example/{name}")
    without_clusters(run)
    assert command(["finalise", str(run), "--quiet"]) == 3  # near-duplicates would have to be read again
    assert not ownership.is_own(json.loads((run / "manifest.json").read_text()))
    assert command(["finalise", str(run), "--quiet", "--corpus", str(corpus)]) == 0
    assert figures(run)["corpus"] == before["corpus"]


def test_another_corpus_is_not_taken_for_it(run, tmp_path, capsys):
    other = write_corpus(tmp_path / "other", files=2, documents=6)
    assert command(["inspect", str(run), "0-1", "--corpus", str(other)]) == 2
    assert "is not the corpus of this run" in capsys.readouterr().err


def test_a_run_is_foreign_to_who_has_another_key(whole, tmp_path, monkeypatch):
    assert not load_run(whole).plan.foreign
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))
    opened = load_run(whole)
    plan, config = opened.plan, opened.config
    assert plan.foreign and config.store is None
    assert (tmp_path / "cache" / "run.key").stat().st_mode & 0o777 == 0o600


def test_a_run_that_the_user_calls_their_own_is_mapped_and_finalised(whole, tmp_path, monkeypatch, capsys):
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(ownership, "_TRUSTED", set())
    assert command(["map", str(run), "--quiet"]) == 2
    assert "--trust" in capsys.readouterr().err
    without_clusters(run)
    assert command(["map", str(run), "--quiet", "--trust"]) == 0
    assert command(["finalise", str(run), "--quiet", "--trust"]) == 0


@pytest.mark.parametrize("fault", ["readable by others", "a link", "too short", "nowhere"])
def test_a_key_that_proves_nothing_is_not_used(tmp_path, monkeypatch, fault):
    folder = tmp_path / "cache"
    folder.mkdir()
    key = folder / "run.key"
    (tmp_path / "known").write_bytes(b"k" * 32)
    (tmp_path / "known").chmod(0o600)
    if fault == "a link":
        key.symlink_to(tmp_path / "known")
    elif fault == "nowhere":
        folder = Path("/dev/null/cache")
    else:
        key.write_bytes(b"k" * (32 if fault == "readable by others" else 3))
        key.chmod(0o644 if fault == "readable by others" else 0o600)
    monkeypatch.setenv("AUDITOR_CACHE", str(folder))
    found = ownership._key(str(folder))
    assert len(found) == 32 and found != b"k" * 32
    assert ownership.is_own(ownership.sealed({"a": 1}))  # this process' own runs are its own


@pytest.mark.parametrize(
    "url", ["ftp://h/a", "webhdfs://h/a", "zip://::s3://a", "github://o/a", "s3::https://h/a", "memory://a"]
)
def test_only_listed_protocols_are_asked(url):
    with pytest.raises(ConfigError, match="not read; URLs begin with"):
        filesystem(url, {})


def test_the_list_of_protocols_is_short():
    assert {"s3", "gs", "az", "hf", "https"} <= PROTOCOLS
    assert not PROTOCOLS & {
        "ftp",
        "sftp",
        "ssh",
        "webhdfs",
        "reference",
        "zip",
        "github",
        "smb",
        "file",
        "memory",
    }
