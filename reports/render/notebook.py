"""What a notebook shows of a run: the report's first screen, and the report's own figures one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError
from auditor.reports.model.schema import Report, Shard
from auditor.reports.render.html import render_page
from auditor.reports.text.clean import clean
from auditor.reports.view.charts import Chart
from auditor.reports.view.diversity import diversity
from auditor.reports.view.duplicates import duplicates
from auditor.reports.view.figures import Rows
from auditor.reports.view.machine_written import machine_written
from auditor.reports.view.page import view
from auditor.reports.view.summary import worst_first

ROW_PIXELS, PLANE_PIXELS, FRAME_PIXELS, SCREEN_PIXELS = 54, 560, 200, 900

# The figures that can be requested by name, and the place of each in the report.
FIGURES: dict[str, Callable[[Report, Sequence[Shard]], Rows | Chart | None]] = {
    "shards": lambda report, shards: machine_written(report, shards).shards,
    "ranked": lambda report, shards: machine_written(report, shards).ranked,
    "years": lambda report, shards: machine_written(report, shards).years,
    "duplicates": lambda report, shards: duplicates(report, shards).shards,
    "candidates": lambda report, shards: duplicates(report, shards).s_curve,
    "diversity": lambda report, shards: diversity(report).loss,
    "diversity_parts": lambda report, shards: diversity(report).parts,
    "tails": lambda report, shards: diversity(report).tails,
    "profile": lambda report, shards: diversity(report).profile,
    "meaning": lambda report, shards: found.chart if (found := diversity(report).meaning) else None,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing that a notebook shows by itself; elsewhere it prints its numbers.

    page: an HTML page that needs no network; lines: the same numbers as text; pixels: its height
    """

    page: str = field(repr=False)
    lines: tuple[str, ...]
    pixels: int

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        # In a frame of its own: the page's style does not touch the notebook's, and no script of it runs there.
        return (
            f'<iframe sandbox="" title="{escape(self.lines[0])}" srcdoc="{escape(self.page)}" '
            f'style="width: 100%; height: {self.pixels}px; border: 0"></iframe>'
        )

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file, and return its path."""
        target = Path(path)
        target.write_text(self.page, encoding="utf-8")
        return target


def first_screen(report: Report) -> Picture:
    """The report's headline, what it does not cover, and its four key figures."""
    shown = view(report)
    page = _page(report, shown.headline, sentences=shown.not_covered, cards=shown.cards, glossary=shown.glossary)
    lines = [clean(line, 400) for line in (shown.headline, *shown.not_covered)]
    lines += [clean(f"{card.title}: {card.value} {card.range} ({card.unit})", 400) for card in shown.cards]
    return Picture(page, (lines[0], *(f"  {line}" for line in lines[1:])), SCREEN_PIXELS)


def figure(report: Report, name: str) -> Picture:
    """One of the report's figures.

    Raises: ConfigError for a name that is none, or where this run has nothing to draw there
    """
    if name not in FIGURES:
        raise ConfigError(f"there is no figure {name!r}; there are {', '.join(FIGURES)}")
    drawn = FIGURES[name](report, worst_first(report.shards))
    if drawn is None or (isinstance(drawn, Rows) and not drawn.rows):
        raise ConfigError(f"this run has nothing to show in the figure {name!r}: too little was measured, or found")
    if isinstance(drawn, Rows):
        lines = [drawn.caption, *(f"  {row.label}: {row.text}" for row in drawn.rows)]
        page = _page(report, drawn.caption, rows=drawn)
        return Picture(page, tuple(map(str, lines)), FRAME_PIXELS + ROW_PIXELS * len(drawn.rows))
    lines = [drawn.title, f"  {drawn.description}"]
    return Picture(_page(report, drawn.title, plane=drawn), tuple(map(str, lines)), PLANE_PIXELS)


def _page(report: Report, title: str, **shown: Any) -> str:
    for part in ("sentences", "cards", "glossary", "rows", "plane"):
        shown.setdefault(part, None)
    return render_page("notebook.html.jinja", version=report.audit.version, title=clean(title, 200), **shown)
