"""Writes the reference pages from the code: commands.md, configuration.md, tables.md.

python docs/make.py
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import typer

from auditor.cli import commands
from auditor.cli.main import app
from auditor.config import Config

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by docs/make.py from the code; change it there. -->\n"


def main() -> None:
    assert commands
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The generated pages by file name."""
    return {"commands.md": command_page(), "configuration.md": configuration_page(), "tables.md": table_page()}


def command_page() -> str:
    parts = [NOTE, "# Commands\n", _plain(app.info.help or ""), "\n" + str(app.info.epilog) + "\n"]
    root: Any = typer.main.get_command(app)
    for name, found in sorted(root.commands.items()):
        parts.append(_section(f"auditor {name}", found, 2))
        for inner, sub in sorted(getattr(found, "commands", {}).items()):
            parts.append(_section(f"auditor {name} {inner}", sub, 3))
    return "\n".join(parts)


def _section(title: str, command: Any, depth: int) -> str:
    lines = [f"{'#' * depth} {title}\n", _plain(command.help or "") + "\n"]
    rows = []
    for parameter in command.params:
        if parameter.name in ("help", "install_completion", "show_completion"):
            continue
        shown = ", ".join(f"`{o}`" for o in parameter.opts) if parameter.param_type_name == "option" else (
            f"`{parameter.metavar or parameter.name}`"
        )  # fmt: skip
        default = parameter.default
        said = f" Default: {default}." if isinstance(default, int | float | str) and default not in (False, "") else ""
        rows.append(f"| {shown} | {_cell(getattr(parameter, 'help', '') or '')}{said} |")
    if rows:
        lines += ["| argument or option | |", "|---|---|", *rows, ""]
    if command.epilog:
        lines.append(f"{_plain(command.epilog)}\n")
    return "\n".join(lines)


def configuration_page() -> str:
    lines = [
        NOTE, "# Configuration\n",
        "Every setting of `auditor audit`, for `--config FILE` (TOML) and for `auditor.audit(..., setting=value)`. "
        "Options given on the command line override the file.\n", "| setting | type | default |", "|---|---|---|",
    ]  # fmt: skip
    for name, field in Config.model_fields.items():
        kind = re.sub(r"typing\.|<class '|'>", "", str(field.annotation))
        default = "all cores" if name == "workers" else field.default
        lines.append(f"| `{name}` | {_cell(kind)} | {_cell(str(default))} |")
    return "\n".join(lines) + "\n"


def table_page() -> str:
    sql = resources.files("auditor.store").joinpath("schema.sql").read_text(encoding="utf-8")
    lines = [NOTE, "# Tables of audit.duckdb\n", "Every row belongs to an audit (`audit_id`); fractions are 0-1.\n"]
    comment = ""
    for line in sql.splitlines():
        if line.startswith("-- "):
            comment += " " + line[3:]
        elif found := re.match(r'CREATE TABLE "?(\w+)"? \(', line):
            lines += [f"## {found[1]}\n", comment.strip() + "\n", "| column | type | |", "|---|---|---|"]
            comment = ""
        elif found := re.match(r'    "?(\w+)"? ([A-Z]+)[^-]*(?:-- (.*))?$', line):
            lines.append(f"| `{found[1]}` | {found[2]} | {_cell(found[3] or '')} |")
        elif line.startswith(");"):
            lines.append("")
        elif not line.strip():
            comment = ""
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return re.sub(r"\[/?bold\]", "**", " ".join(text.split()))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
