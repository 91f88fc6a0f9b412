"""Writes the report in the asked formats; each derives from report.json's content alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from auditor.manifest import write_text
from auditor.reports.model.schema import check, to_json
from auditor.reports.render import card
from auditor.reports.render.html import render_html
from auditor.reports.render.junit import render_junit
from auditor.reports.render.markdown import render_markdown

RENDERERS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "json": ("report.json", to_json),
    "html": ("report.html", render_html),
    "md": ("report.md", render_markdown),
    "junit": ("junit.xml", lambda report: render_junit(check(report).verdict)),
}
CARD = "card"


def write_reports(report: dict[str, Any], folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write the formats (json, html, md, junit, card) into a folder, each whole or not at all; returns the files.

    Raises: StoreError when the content isn't a report; ConfigError where a card cannot be brought up to date
    """
    check(report)
    written = []
    for name in dict.fromkeys(formats):
        path = Path(os.fspath(folder)) / (card.FILE if name == CARD else RENDERERS[name][0])
        write_text(path, _card(path, report) if name == CARD else RENDERERS[name][1](report))
        written.append(path)
    return written


def _card(path: Path, report: dict[str, Any]) -> str:
    """The dataset's README that is there already, with the audit's section brought up to date."""
    return card.merge_card(path.read_text(encoding="utf-8") if path.exists() else "", report)
