"""Nothing inside a run's folder is followed out of it: not to read, to write, to remove or to lock."""

import ast
import os
import re
import shutil
import socket
import stat
from contextlib import chdir
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from auditor.config import load
from auditor.errors import StoreError
from auditor.manifest import locked, write_json, write_text
from auditor.pipeline.audit import audit
from auditor.pipeline.run.parts import PartWriter
from auditor.run_folder import (
    link_or_copy,
    make_aside,
    make_empty,
    make_folder,
    move,
    new_file,
    open_lock,
    refuse_links,
    remove,
    whole_file,
)
from tests.pipeline.runs import write_corpus

ROOT = Path(__file__).parents[1]
# Who may change files by itself: the module under test; and what writes into a folder that was handed to it for
# nothing else (neardup spills into the scratch folder of a run), or to a place outside any run.
WRITERS = {
    "auditor/run_folder.py",
    "auditor/pipeline/run/ownership.py",  # the key in the cache folder
    "auditor/neardup/stars.py",
    "auditor/neardup/spill.py",
    "auditor/neardup/shingles.py",
    "auditor/pipeline/finished/weights.py",
}
CHANGING = set(
    "unlink rmtree rmdir removedirs rename renames replace mkdir makedirs mkdtemp mkstemp symlink link symlink_to "
    "hardlink_to touch write_bytes copy copy2 copyfile copytree copyfileobj truncate ftruncate chmod chown".split()
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("links") / "corpus", files=1, documents=24)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("links") / "whole"
    assert audit(load(corpus=[str(corpus)], workers=1), run).exit_code == 0
    return run


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.fixture
def outside(tmp_path) -> Path:
    folder = tmp_path / "outside"
    (folder / "inner").mkdir(parents=True)
    for name in ("sample.parquet", "precious.txt", "inner/members.parquet", "done.json", ".x.host.1.ab"):
        (folder / name).write_text("mine")
    return folder


def content(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (path.read_text() if path.is_file() else "", path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


PLACES = (
    "clusters",
    "spool",
    "slurm",
    "parts",
    "parts/x",
    "parts/KEY",
    "parts/KEY/done.json",
    "parts/KEY/sample.parquet",
    "clusters/.scratch",
    "clusters/members.parquet",
    "lock.json",
    "manifest.json",
    "report.json",
    "report.html",
    "audit.duckdb",
    "labels.parquet",
    ".audit.duckdb.partial",
)
COMMANDS = (
    ["finalise", "RUN"],
    ["forget", "RUN"],
    ["audit", "CORPUS", "--out", "RUN", "--workers", "1"],
    ["audit", "CORPUS", "--out", "RUN", "--workers", "1", "--fresh"],
    ["map", "RUN"],
    ["reduce", "RUN"],
    ["report", "RUN", "--format", "html"],
    ["gate", "RUN", "--policy", "POLICY"],
    ["lookup", "RUN", "CORPUS/part-0.parquet"],
    ["export", "RUN", "--keep", "KEEP"],
    ["provenance", "RUN"],
)


@pytest.mark.parametrize("place", PLACES)
def test_a_link_in_a_run_is_refused_by_name_and_what_it_leads_to_stays(corpus, run, outside, place, tmp_path, capsys):
    key = next(path.name for path in (run / "parts").iterdir())
    path = run / place.replace("KEY", key)
    is_file = path.is_file() or path.suffix in (".json", ".parquet", ".html", ".duckdb", ".partial")
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.symlink_to(outside / "precious.txt" if is_file else outside)
    before = content(outside)
    policy = ROOT / "auditor" / "gate" / "default.toml"
    meant = {"RUN": run, "CORPUS": corpus, "KEEP": tmp_path / "keep.parquet", "POLICY": policy}
    for arguments in COMMANDS:
        words = [re.sub("RUN|CORPUS|KEEP|POLICY", lambda found: str(meant[found[0]]), word) for word in arguments]
        code = command(words)
        said = "".join(capsys.readouterr())
        assert (code, content(outside)) == (3, before), (arguments, said)
        assert str(path) in said.replace("\n", "") and "internal" not in said, (arguments, said)
        assert path.is_symlink()


@pytest.mark.parametrize("kind", ["pipe", "socket", "hard link"])
def test_a_lock_that_is_no_file_of_the_run_is_refused_at_once(run, outside, kind, capsys):
    path = run / "lock.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server, chdir(run):  # the name of a socket may have 107 characters
            server.bind("lock.json")
    else:
        os.link(outside / "precious.txt", path)
    assert command(["finalise", str(run)]) == 3
    assert str(path) in "".join(capsys.readouterr())
    assert (outside / "precious.txt").read_text() == "mine"


def test_the_run_itself_may_be_a_link(corpus, run, tmp_path):
    (tmp_path / "link").symlink_to(run)
    assert command(["finalise", str(tmp_path / "link"), "--quiet"]) == 0


ACTS = {
    "make_folder": lambda run: make_folder(run / "parts" / "a" / "b", within=run),
    "make_empty": lambda run: make_empty(run / "parts" / "inner", within=run),
    "make_aside": lambda run: make_aside(run / "parts" / "a", within=run),
    "remove": lambda run: remove(run / "parts" / "precious.txt", within=run),
    "remove a tree": lambda run: remove(run / "parts" / "inner", within=run),
    "move from": lambda run: move(run / "parts" / "precious.txt", run / "b", within=run),
    "move to": lambda run: move(run / "a", run / "parts" / "precious.txt", within=run),
    "link_or_copy": lambda run: link_or_copy(run / "a", run / "parts" / "b", within=run),
    "new_file": lambda run: new_file(run / "parts" / "b", within=run),
    "open_lock": lambda run: open_lock(run / "parts" / "precious.txt", within=run),
    "write_text": lambda run: write_text(run / "parts" / "precious.txt", "theirs", within=run),
    "write_json": lambda run: write_json(run / "parts" / "new", {}, within=run),
    "whole_file": lambda run: whole_file(run / "parts" / "new", within=run).__enter__(),
    "PartWriter": lambda run: PartWriter(run, "ab" * 10).__enter__(),
}


@pytest.mark.parametrize("act", ACTS)
def test_every_act_refuses_a_folder_that_is_a_link_even_where_nobody_looked_before(act, outside, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "a").write_text("ours")
    (run / "parts").symlink_to(outside)
    before = content(outside)
    with pytest.raises(StoreError, match="parts is a symbolic link"):
        ACTS[act](run)
    assert content(outside) == before


def test_a_path_that_climbs_out_is_no_path_of_the_run(tmp_path):
    (tmp_path / "precious").write_text("mine")
    run = tmp_path / "run"
    (run / "parts").mkdir(parents=True)
    for path in (run / "parts" / ".." / ".." / "precious", run / ".." / "precious"):
        with pytest.raises(StoreError, match="names no folder"):
            remove(path, within=run)
    assert (tmp_path / "precious").read_text() == "mine"


def test_removing_a_link_or_a_tree_with_links_leaves_what_they_lead_to(outside, tmp_path):
    run = tmp_path / "run"
    (run / "clusters").mkdir(parents=True)
    (run / "clusters" / "link").symlink_to(outside)
    (run / "link").symlink_to(outside / "precious.txt")
    before = content(outside)
    assert remove(run / "clusters", within=run) and remove(run / "link", within=run)
    assert not remove(run / "nothing", within=run)
    assert content(outside) == before and not list(run.iterdir())


def test_a_file_replaces_a_link_of_its_name_and_not_its_target(outside, tmp_path):
    (tmp_path / "report.html").symlink_to(outside / "precious.txt")
    write_text(tmp_path / "report.html", "ours", within=tmp_path)
    assert (outside / "precious.txt").read_text() == "mine"
    assert not (tmp_path / "report.html").is_symlink() and (tmp_path / "report.html").read_text() == "ours"


def test_a_folder_that_becomes_a_link_while_it_is_written_receives_nothing(outside, tmp_path):
    """Another process of the same group exchanges the folder between the check and the renaming."""
    run = tmp_path / "run"
    (run / "parts").mkdir(parents=True)
    with whole_file(run / "parts" / "precious.txt", within=run) as partial:
        (run / "parts").rename(run / "before")
        (run / "parts").symlink_to(outside)
        partial.write_text("theirs")
    assert (outside / "precious.txt").read_text() == "mine"
    assert (run / "before" / "precious.txt").read_text() == "theirs"


def test_refuse_links_looks_at_every_depth(tmp_path, outside):
    deep = tmp_path / "run" / "a" / "b" / "c"
    deep.mkdir(parents=True)
    refuse_links(tmp_path / "run")
    os.mkfifo(deep / "pipe")
    with pytest.raises(StoreError, match="pipe is not an ordinary file"):
        refuse_links(tmp_path / "run")


def test_a_run_is_its_owners_alone(corpus, tmp_path):
    run = tmp_path / "new" / "run"
    old = os.umask(0o022)
    try:
        with locked(run):
            pass
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert stat.S_IMODE(make_aside(run / "x", within=run).stat().st_mode) == 0o700
        with whole_file(run / "text", within=run, private=True) as partial:
            partial.write_text("a")
        assert stat.S_IMODE((run / "text").stat().st_mode) == 0o600
        write_text(run / "figures", "a", within=run)
        assert stat.S_IMODE((run / "figures").stat().st_mode) == 0o644
    finally:
        os.umask(old)


def changes(file: Path) -> list[str]:
    """Calls of a module that make, remove or open a file for writing."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        on = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if _changes(node, name, on):
            found.append(ast.unparse(node))
    return found


def _changes(node: ast.Call, name: str, on: str) -> bool:
    if name == "open":
        words = [a.value for a in (*node.args, *(k.value for k in node.keywords)) if isinstance(a, ast.Constant)]
        return on in ("os", "Path") or any(isinstance(word, str) and set(word) & set("wax+") for word in words)
    if name in CHANGING:
        of_files = on in ("os", "shutil", "tempfile") or name not in ("replace", "copy", "truncate")
        return of_files and not any(isinstance(argument, ast.Dict) for argument in node.args)  # columns are renamed so
    if name == "TemporaryDirectory":
        return any(keyword.arg == "dir" for keyword in node.keywords)
    return name == "write_text" and bool(on) and "partial" not in on


def test_nothing_else_removes_or_writes_in_a_run():
    files = [ROOT / "auditor" / "manifest.py", ROOT / "reports" / "render" / "write.py"]
    for folder in ("pipeline", "store", "sources/find", "neardup", "gate", "provenance"):
        files += (ROOT / "auditor" / folder).rglob("*.py")
    offenders = {
        name: found
        for file in files
        if (name := str(file.relative_to(ROOT))) not in WRITERS and (found := changes(file))
    }
    allowed = {
        "auditor/manifest.py": ["os.ftruncate(handle, 0)"],
        # the copy of a table's log, in a private temporary folder
        "auditor/sources/find/delta.py": ["path.parent.mkdir(parents=True, exist_ok=True)", "open(path, 'wb')"],
    }
    assert offenders == allowed


def test_the_search_finds_what_it_looks_for(tmp_path):
    file = tmp_path / "module.py"
    lines = (
        "path.unlink()",
        "shutil.rmtree(path)",
        "os.replace(a, b)",
        "open(path, 'wb')",
        "path.open('ab')",
        "os.open(path, flags)",
        "path.write_text('a')",
        "Path(path).mkdir()",
        "tempfile.TemporaryDirectory(dir=run)",
    )
    for line in lines:
        file.write_text(line + "\n")
        assert changes(file), line
    for line in ("open(path)", "text.replace('a', 'b')", "open(path, 'rb')", "partial.write_text('a')"):
        file.write_text(line + "\n")
        assert not changes(file), line
