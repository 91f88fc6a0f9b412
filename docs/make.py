"""Writes the reference pages from the code: commands.md, configuration.md, tables.md, report-format.md.

python docs/make.py              the reference pages
python docs/make.py --outputs [PAGE…]    runs the commands of all pages, or of those, and shows what they print now
"""

from __future__ import annotations

import re
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import typer

from auditor.cli.main import app
from auditor.config import Config
from auditor.reports.model import schema, verdict

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by docs/make.py from the code; change it there. -->\n"
# What changed from one version of report.json to the next; keys are added, never renamed or given another meaning.
FORMAT_CHANGES = {"1.0": "the first version"}


def main() -> None:
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    if "--outputs" in sys.argv:
        show_outputs(sys.argv[sys.argv.index("--outputs") + 1 :])


def show_outputs(names: list[str]) -> None:
    """Run pages, and put what their commands print now into the blocks of text that show it."""
    sys.path.insert(0, str(FOLDER.parent))
    from tests.docs import places
    from tests.docs.blocks import fresh

    with tempfile.TemporaryDirectory() as folder:
        ready = places.prepare(Path(folder))
        for page in [page for page in places.run_pages() if not names or page.stem in names]:
            text, found = page.read_text(encoding="utf-8"), []
            for block, printed in places.run_page(page, ready):
                if block.shown is not None:
                    found.append((block.span, fresh(block.shown, printed)))
            for (start, end), shown in reversed(found):
                text = text[:start] + shown + text[end:]
            page.write_text(text, encoding="utf-8")
        readme = FOLDER.parent / "README.md"
        readme.write_text(places.with_truth(readme.read_text(encoding="utf-8"), ready), encoding="utf-8")


def pages() -> dict[str, str]:
    """The generated pages by file name."""
    return {
        "commands.md": command_page(),
        "configuration.md": configuration_page(),
        "tables.md": table_page(),
        "report-format.md": format_page(),
    }


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
        shown = (
            ", ".join(f"`{o}`" for o in parameter.opts)
            if parameter.param_type_name == "option"
            else (f"`{parameter.metavar or parameter.name}`")
        )
        default = parameter.default
        said = f" Default: {default}." if isinstance(default, int | float | str) and default not in (False, "") else ""
        rows.append(f"| {shown} | {_cell(getattr(parameter, 'help', '') or '')}{said} |")
    if rows:
        lines += ["| argument or option | |", "|---|---|", *rows, ""]
    if command.epilog:
        lines += [f"{_plain(part)}\n" for part in command.epilog.split("\n\n")]
    return "\n".join(lines)


# Settings without an option of their own.
MEANING = {
    "permutations": "MinHash values of a signature.",
    "formats": "Reports to write.",
    "batch_bytes": "Text that is read at once.",
    "split_bytes": "Text of one split, the unit of work.",
}

DEFAULTS = {"workers": "all cores", "memory_limit": "half of the memory"}  # of the machine


def configuration_page() -> str:
    lines = [
        NOTE,
        "# Configuration\n",
        "Every setting of `auditor audit`, for `--config FILE` (TOML) and for `auditor.audit(..., setting=value)`. "
        "Options given on the command line override the file.\n",
        "| setting | what it is | type | default |",
        "|---|---|---|---|",
    ]
    root: Any = typer.main.get_command(app)
    said = {p.name: p.help for command in ("reservoir", "audit") for p in root.commands[command].params if p.name}
    said = MEANING | said | {"detectors": said["detector"]}
    for name, field in Config.model_fields.items():
        kind = re.sub(r"typing\.|<class '|'>", "", str(field.annotation))
        default = DEFAULTS.get(name, "" if field.default in (None, ()) else field.default)
        lines.append(f"| `{name}` | {_cell(said[name])} | {_cell(kind)} | {_cell(str(default))} |")
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


def format_page() -> str:
    report = schema.json_schema()
    judged = verdict.json_schema()
    parts = {**report["$defs"], **{name: part for name, part in judged["$defs"].items() if name not in report["$defs"]}}
    lines = [
        NOTE,
        "# Format of report.json and verdict.json\n",
        "`report.json` is the source of truth for machines; the other reports are rendered from it. Fractions are 0-1, "
        "sizes are bytes, `tokens` are words. Readers must ignore keys that they do not know. The JSON Schemas "
        "(2020-12) are in the package: `auditor/reports/report.schema.json` and `verdict.schema.json`.\n",
        "## Versions\n",
        "| schema_version | what changed |",
        "|---|---|",
        *(f"| {number} | {_cell(text)} |" for number, text in FORMAT_CHANGES.items()),
        "",
        *_keys("report.json", report),
        *_keys("verdict.json", judged),
    ]
    for name, part in sorted(parts.items()):
        lines += _keys(name, part)
    return "\n".join(lines)


def _keys(title: str, part: dict[str, Any]) -> list[str]:
    """One object of a JSON Schema as a table of its keys."""
    about = part.get("description", "")
    lines = [f"## {title}\n", *([about.split("\n\n")[0] + "\n"] if about else []), "| key | type | |", "|---|---|---|"]
    for name, found in part.get("properties", {}).items():
        needed = "" if name in part.get("required", ()) else "may be missing; "
        said = needed + found.get("description", "")
        lines.append(f"| `{name}` | {_kind(found)} | {_cell(said.removesuffix('; '))} |")
    return [*lines, ""]


def _kind(found: dict[str, Any]) -> str:
    """The type of a key in words, with a link where it is an object described on the same page."""
    if "$ref" in found:
        name = found["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in found:
        return " or ".join(_kind(choice) for choice in found["anyOf"])
    if "enum" in found or "const" in found:
        return ", ".join(f"`{value}`" for value in found.get("enum", [found.get("const")]))
    kind = found.get("type", "any")
    if kind == "array":
        return f"list of {_kind(found.get('items', {}))}"
    inner = found.get("additionalProperties")
    return f"map to {_kind(inner)}" if kind == "object" and isinstance(inner, dict) else str(kind)


def _plain(text: str) -> str:
    return re.sub(r"\[/?bold\]", "**", " ".join(text.split()))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
