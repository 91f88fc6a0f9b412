"""Every --help says what the command costs and what its options default to."""

import re
import subprocess
import sys
from typing import Any

import pytest
import typer

from auditor.cli.main import app
from auditor.cli.output.costs import COSTS
from auditor.config import Config

ROOT: Any = typer.main.get_command(app)
COMMANDS = {
    f"{name} {inner}".strip(): command
    for name, found in ROOT.commands.items()
    for inner, command in (getattr(found, "commands", None) or {"": found}).items()
}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_cost_of_every_command_is_said_once(name):
    assert (COMMANDS[name].epilog or "").count(f"Cost: {COSTS[name]}.") == 1


def test_no_cost_is_told_of_a_command_that_is_gone():
    assert set(COSTS) == set(COMMANDS)


# Only what is chosen before anything is known of the corpus or the machine has a default that is a number or a word.
PLAIN = {
    name: field.default
    for name, field in Config.model_fields.items()
    if isinstance(field.default, str | int | float) and not isinstance(field.default, bool) and field.default != ""
}


@pytest.mark.parametrize("parameter", COMMANDS["audit"].params, ids=lambda parameter: parameter.name)
def test_every_option_of_an_audit_says_its_default(parameter):
    text = parameter.help or ""
    if parameter.name in PLAIN:
        assert re.search(rf"default {re.escape(str(PLAIN[parameter.name]))}\b", text), text
    elif parameter.default is None and not parameter.required and parameter.name in Config.model_fields:
        assert "default" in text, text


def test_help_imports_nothing_that_it_does_not_show():
    """Whether a command is asked for or not; and what is left out of help is there for others."""
    code = """
import sys
from auditor.cli.main import run
run(["audit", "--help"])
heavy = {"markdown_it", "pygments", "polars", "numpy", "pyarrow", "duckdb"} & set(sys.modules)
assert not heavy, heavy
from rich.markdown import Markdown
assert Markdown("*so*").markup
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "--human-reference" in found.stdout
