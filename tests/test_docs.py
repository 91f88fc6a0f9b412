"""The generated pages are current, and every file that the docs link is there."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def maker():
    spec = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "configuration.md", "tables.md"])
def test_generated_pages_are_current(name):
    assert (DOCS / name).read_text(encoding="utf-8") == maker().pages()[name], "run `python docs/make.py`"


def test_every_command_has_a_worked_example():
    import typer

    from auditor.cli import commands
    from auditor.cli.main import app

    assert commands
    root = typer.main.get_command(app)
    every = [*root.commands.values(), *(c for g in root.commands.values() for c in getattr(g, "commands", {}).values())]
    assert not [c.name for c in every if not getattr(c, "commands", None) and "Example" not in (c.epilog or "")]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith(("http://", "https://")) or (page.parent / target).exists(), target


def test_every_command_of_the_how_tos_runs(tmp_path, monkeypatch):
    import shlex
    import shutil

    from auditor.cli import commands
    from auditor.cli.main import run as command
    from auditor.sample_data.builder import build_sample

    assert commands
    build_sample(tmp_path / "sample")
    (tmp_path / "crawl").mkdir()
    for name in ("part-0.parquet", "part-4.jsonl.gz"):
        shutil.copy(tmp_path / "sample" / name, tmp_path / "crawl" / name)
    shutil.copytree(tmp_path / "sample.reference", tmp_path / "books")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / "how-to.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line for block in blocks for line in block.strip().splitlines()]
    assert len(lines) > 10
    for line in dict.fromkeys(lines):
        assert command(shlex.split(line)[1:]) in (0, 1, 4), line
