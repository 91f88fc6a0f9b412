"""Writes the pictures of docs/gallery.md from made-up reports: python -m tests.browser.gallery."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from auditor.reports.model.schema import check
from auditor.reports.render.html import render_html
from tests.browser.chromium import Chromium, find_chromium
from tests.reports.fixture import build_report
from tests.reports.sections import missing, number

FOLDER = Path(__file__).parents[2] / "docs" / "images"
KINDS = {
    "en/president-police-election": (0.02, 900, 410),
    "en/court-holding-trial": (0.01, 700, 260),
    "en/eyes-looked-door": (0.06, 640, 180),
    "en/gecko-firefox-object": (0.31, 610, 150),
    "en/company-business-climate": (0.44, 520, 90),
    "en/students-school-teachers": (0.12, 480, 40),
    "en/movie-film-plot": (0.09, 300, 12),
    "en/mother-went-home": (0.03, 260, 0),
}
LANGUAGES = {"de": 0.12, "en": 0.31, "es": 0.08, "fr": 0.05, "ja": 0.02, "pl": None, "ko": None}


def many_kinds() -> dict[str, Any]:
    """A crawl of eight kinds of text, two of them hardly covered by human anchors."""
    report = build_report(12, seed=4)
    rows = [
        {"kind": kind, "documents": documents, "anchors": anchors, "trust": "reference" if anchors else "bundled"}
        for kind, (_, documents, anchors) in KINDS.items()
    ]
    report["corpus"]["anchor_coverage"] = {"share": 0.86, "anchors": 1142, "kinds": rows}
    report["strata"] += [
        _stratum("kind", kind, share, documents) | ({} if anchors else UNSURE)
        for kind, (share, documents, anchors) in KINDS.items()
    ]
    return report


def multilingual() -> dict[str, Any]:
    """A corpus of seven languages, of which the detectors were measured in five."""
    text = json.dumps(build_report(len(LANGUAGES), seed=6))
    for place, language in enumerate(LANGUAGES):
        text = text.replace(f"CC-MAIN-2024-10/000_{place:05d}.parquet", f"oscar/{language}/part-0.jsonl.zst")
    report = json.loads(text)
    report["strata"] = [row for row in report["strata"] if row["kind"] != "language"]
    lost = 0
    for shard, (language, share) in zip(report["shards"], LANGUAGES.items(), strict=True):
        if share is None:
            lost += shard["documents"]
            shard["eligible_documents"], shard["ineligible"] = 0, {"unsupported_language": shard["documents"]}
            shard["synthetic_fraction"] = missing("no document could be judged")
        else:
            shard["eligible_documents"] = shard["documents"]
            shard["synthetic_fraction"] = number(share, 0.012, shard["documents"])
            report["strata"].append(_stratum("language", language, share, shard["documents"]))
    report["corpus"]["eligible_documents"] = report["corpus"]["documents"] - lost
    return report


UNSURE = {
    "synthetic_fraction": number(0.2, 0.1, 260) | {"status": "inconclusive", "reason": "no human text of its kind"}
}


def _stratum(kind: str, name: str, share: float, documents: int) -> dict[str, Any]:
    counts = {"documents": documents, "eligible_documents": documents, "tokens": 500 * documents}
    return {"kind": kind, "name": name, **counts, "synthetic_fraction": number(share, 0.02, documents)}


# The report of each picture, and the section with which it begins.
REPORTS = {
    "clean": (lambda: build_report(6, kind="clean"), ""),
    "contaminated": (lambda: build_report(6), ""),
    "many-shards": (lambda: build_report(400), ""),
    "many-kinds": (many_kinds, "#synthetic h3"),
    "multilingual": (multilingual, ""),
    "inconclusive": (lambda: build_report(6, kind="inconclusive"), ""),
    "not-measured": (lambda: build_report(4, kind="not_measured"), ""),
}
WIDTH, HEIGHT = 1280, 1150
OFFSET = "Math.round(document.querySelector('{}').getBoundingClientRect().top + scrollY) - 24"


def main() -> None:
    program = find_chromium()
    if program is None:
        raise SystemExit("no Chromium here: apt-get install chromium")
    browser = Chromium(program)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, (build, begin) in REPORTS.items():
                file = Path(folder) / f"{name}.html"
                file.write_text(render_html(check(build())), encoding="utf-8")
                page = browser.open(file, width=WIDTH)
                page.picture(FOLDER / f"gallery-{name}.png", HEIGHT, page.run(OFFSET.format(begin)) if begin else 0)
                page.close()
    finally:
        browser.close()


if __name__ == "__main__":
    main()
