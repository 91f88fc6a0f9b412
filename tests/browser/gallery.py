"""Writes the pictures of docs/gallery.md from made-up reports: python -m tests.browser.gallery."""

from __future__ import annotations

import tempfile
from pathlib import Path

from auditor.reports.model.schema import check
from auditor.reports.render.html import render_html
from tests.browser.chromium import Chromium, find_chromium
from tests.reports.fixture import build_report

FOLDER = Path(__file__).parents[2] / "docs" / "images"
REPORTS = {
    "clean": lambda: build_report(6, kind="clean"),
    "contaminated": lambda: build_report(6),
    "many-shards": lambda: build_report(400),
    "inconclusive": lambda: build_report(6, kind="inconclusive"),
    "not-measured": lambda: build_report(4, kind="not_measured"),
}
WIDTH, HEIGHT = 1280, 1150


def main() -> None:
    program = find_chromium()
    if program is None:
        raise SystemExit("no Chromium here: apt-get install chromium")
    browser = Chromium(program)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, build in REPORTS.items():
                file = Path(folder) / f"{name}.html"
                file.write_text(render_html(check(build())), encoding="utf-8")
                page = browser.open(file, width=WIDTH)
                page.picture(FOLDER / f"gallery-{name}.png", HEIGHT)
                page.close()
    finally:
        browser.close()


if __name__ == "__main__":
    main()
