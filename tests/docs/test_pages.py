"""The pages agree with the code: generated ones are current, commands, options and linked files exist."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer

from auditor.cli.main import app
from auditor.reports.model import schema
from auditor.store import database

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
EXAMPLES = sorted(path for path in (DOCS / "examples").iterdir() if path.is_file())
COMMAND = re.compile(
    r"(?:^\s*|[`'\"&;|] ?|run: |entry: |ExecStart=|\t)auditor ((?:[^`\n'\"&;|\\]|\\\n)+)", re.MULTILINE
)
LOOSE = re.compile(r"`(--[a-z][a-z-]+)[^`]*`")
SCRIPTS = [*(ROOT / "benchmarks").glob("*.py"), DOCS / "make.py"]  # pages name their options too


def maker():
    spec = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def every_command() -> dict[tuple[str, ...], typer.core.TyperCommand]:
    root = typer.main.get_command(app)
    inner = {
        (name, sub): found
        for name, group in root.commands.items()
        for sub, found in getattr(group, "commands", {}).items()
    }
    return {(): root, **{(name,): found for name, found in root.commands.items()}, **inner}


def options(command) -> set[str]:
    return {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}


def named(text: str) -> list[list[str]]:
    """The commands of auditor that a text names, as words."""
    lines = [found.replace("\\\n", " ") for found in COMMAND.findall(text)]
    return [line.split("#")[0].split() for line in lines]


@pytest.mark.parametrize("name", ["commands.md", "configuration.md", "tables.md", "report-format.md"])
def test_generated_pages_are_current(name):
    assert (DOCS / name).read_text(encoding="utf-8") == maker().pages()[name], "run `python docs/make.py`"


def test_every_version_of_the_formats_is_in_the_history():
    assert schema.SCHEMA_VERSION in maker().FORMAT_CHANGES
    assert database.VERSION == 1, "say in docs/make.py what changed in the tables"


def test_every_command_has_a_worked_example_and_a_section():
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    for path, command in every_command().items():
        if path:
            assert f" auditor {' '.join(path)}\n" in page
            assert getattr(command, "commands", None) or "Example" in (command.epilog or ""), path


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES], ids=lambda page: page.name)
def test_every_command_and_option_that_is_named_exists(page):
    known, text = every_command(), page.read_text(encoding="utf-8")
    for words in named(text):
        path = () if words[0].startswith("-") else tuple(words[:2]) if tuple(words[:2]) in known else (words[0],)
        if path not in known:  # a sentence about auditor, or a file of its name
            assert page.suffix == ".py" or not words[0].isalpha(), f"no command: auditor {' '.join(words)}"
            continue
        given = {word.split("=")[0].rstrip(".,:)") for word in words if word.startswith("--")}
        assert given <= options(known[path]), f"auditor {' '.join(words)}"
    anywhere = set().union(*(options(command) for command in known.values()))
    scripts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    assert not [option for option in LOOSE.findall(text) if option not in anywhere and f'"{option}"' not in scripts]


def test_every_command_is_named_in_the_readme_or_a_how_to():
    text = "".join(
        (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("how-to", "gate", "quickstart", "tutorial")
    )
    text += (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [path[0] for path in every_command() if len(path) == 1 and f"auditor {path[0]}" not in text]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert target.startswith(("http://", "https://")) or (page.parent / target).exists(), target


def test_nothing_in_the_docs_is_left_out_of_the_contents():
    listed = set(re.findall(r"^([\w/*-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")} - {"index"}
    assert {page for page in pages if page not in listed and f"{page.split('/')[0]}/*" not in listed} == set()


def test_shell_words_of_examples_parse():
    for page in EXAMPLES:
        for words in named(page.read_text(encoding="utf-8")):
            assert shlex.split(" ".join(words).replace("'", "").replace('"', ""))
