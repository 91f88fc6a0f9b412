"""Writes the report in the asked formats; each derives from report.json's content alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from auditor.manifest import write_text
from auditor.reports.model.schema import check, to_json
from auditor.reports.render.html import render_html
from auditor.reports.render.junit import render_junit
from auditor.reports.render.markdown import render_markdown

RENDERERS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "json": ("report.json", to_json),
    "html": ("report.html", render_html),
    "md": ("report.md", render_markdown),
    "junit": ("junit.xml", lambda report: render_junit(report.get("verdict"))),
}


def write_reports(report: dict[str, Any], folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write the formats (json, html, md, junit) into a folder, each whole or not at all; returns the files.

    Raises: StoreError when the content isn't a report
    """
    check(report)
    written = []
    for name in dict.fromkeys(formats):
        file, render = RENDERERS[name]
        path = Path(os.fspath(folder)) / file
        write_text(path, render(report))
        written.append(path)
    return written
