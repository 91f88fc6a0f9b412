"""Golden files of the reports, under a fixed clock.

Run `python -m tests.reports.golden` after a wanted change, look at the difference, and commit it. The shape of
report.json only grows: a key that vanished or changed its type is a break that schema_version must tell.
"""

from __future__ import annotations

import io
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from auditor.config import load
from auditor.pipeline.audit import audit
from auditor.pipeline.finalise import finalise
from auditor.reports.model.schema import check
from auditor.reports.render.markdown import render_markdown
from auditor.reports.render.terminal import print_summary
from tests.pipeline.runs import write_corpus
from tests.reports.fixture import build_report

FOLDER = Path(__file__).with_name("golden")
CLOCK = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SHAPE = "report.shape.json"
# Keys below these come from the corpus, the machine or the settings.
OPEN = {
    "ineligible",
    "skip_counts",
    "notes",
    "packages",
    "config",
    "evidence",
    "seeds",
    "columns",
    "decoding_ratio",
    "lost",
    "named",
    "assumptions",
}


def texts() -> dict[str, str]:
    """Made-up reports as Markdown and as an 80-column terminal shows them."""
    found = {}
    for name, report in {
        "usual": build_report(4),
        "not_measured": build_report(2, kind="not_measured"),
        "hostile": build_report(14, hostile=True),
    }.items():
        screen = io.StringIO()
        print_summary(check(report), Console(file=screen, width=80, color_system=None))
        found |= {f"{name}.md": render_markdown(check(report)), f"{name}.txt": screen.getvalue()}
    return found


def audited(folder: Path) -> Path:
    """A small audit with a reference, finalised at the fixed moment."""
    corpus = write_corpus(folder / "corpus", files=2, documents=40)
    reference = write_corpus(folder / "reference", files=1, documents=40)
    settings = {"corpus": [str(corpus)], "human_reference": [str(reference)], "workers": 1, "excerpts": True}
    audit(load(**settings), folder / "run")
    finalise(folder / "run", now=CLOCK)
    return folder / "run"


def shape(node: Any, path: str = "") -> dict[str, str]:
    """Dotted path -> type, lists as [], an estimate as E; what varies with the corpus stays closed."""
    if isinstance(node, dict):
        if {"value", "lower", "upper", "status"} <= node.keys():
            return {path: "E"}
        if path.rsplit(".", 1)[-1].removesuffix("[]") in OPEN:
            return {path: "object"}
        found = {path: "object"} if path else {}
        for key, value in node.items():
            found |= shape(value, f"{path}.{key}" if path else key)
        return found
    if isinstance(node, list):
        found = {path: "list"}
        for item in node:
            found |= {key: kind for key, kind in shape(item, f"{path}[]").items() if kind != "null" or key not in found}
        return found
    kinds = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return {path: kinds[type(node)]}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        report = json.loads((audited(Path(folder)) / "report.json").read_text(encoding="utf-8"))
    (FOLDER / SHAPE).write_text(json.dumps(dict(sorted(shape(report).items())), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
