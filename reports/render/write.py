"""Writes the report in the asked formats; each derives from report.json's content alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from auditor.manifest import write_text
from auditor.records import Json
from auditor.reports.model.schema import Report, check, to_json
from auditor.reports.render import card
from auditor.reports.render.html import render_html
from auditor.reports.render.junit import render_junit
from auditor.reports.render.markdown import render_markdown

RENDERERS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "html": ("report.html", render_html),
    "md": ("report.md", render_markdown),
    "junit": ("junit.xml", lambda report: render_junit(report.verdict)),
}


def write_reports(report: Json, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write the formats (json, html, md, junit, card) into a folder, each whole or not at all; returns the files.

    Raises: StoreError when the content isn't a report; ConfigError where a card cannot be brought up to date
    """
    checked, target = check(report), Path(os.fspath(folder))
    written = []
    for kind in dict.fromkeys(formats):
        if kind == "json":
            path, text = target / "report.json", to_json(report)
        elif kind == "card":
            path = target / card.FILE
            text = card.merge_card(path.read_text(encoding="utf-8") if path.exists() else "", checked)
        else:
            name, render = RENDERERS[kind]
            path, text = target / name, render(checked)
        write_text(path, text)
        written.append(path)
    return written
