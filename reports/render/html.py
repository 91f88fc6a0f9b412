"""One offline HTML page: jinja2 with autoescape, a content policy by hash, the data in an inert block."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from auditor.reports.model.schema import Report
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.redact import redact
from auditor.reports.view import table
from auditor.reports.view.page import view

TEMPLATES = Path(__file__).parents[1] / "templates"
LONGEST_CELL, LONGEST_WORD = 36, 24  # characters
POLICY = (
    "default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; form-action 'none'"
)


def render_html(report: Report) -> str:
    """A report as one page: no external request, under 3 MB for 10,000 shards."""
    excerpts = [
        (
            name(e.doc_id or f"row {e.row:,}", 60),
            name(e.shard, 60),
            clean(e.why, 60),
            redact(e.excerpt),
        )
        for e in report.excerpts
        if e.excerpt
    ]
    needed = table.needs(report.reservoir)
    columns = Markup(table.inert(table.columns(report.shards, report.actions, needed)))
    return render_page(
        "report.html.jinja",
        version=report.audit.version,
        script="report.js",
        v=view(report),
        needed=bool(needed),
        shards=len(report.shards),
        columns=columns,
        excerpts=excerpts,
    )


def render_page(template: str, *, version: str, script: str = "", **content: Any) -> str:
    """A page of the family: style and script are inside it, allowed by their hashes alone."""
    style, code = _asset("style.css"), _asset("tips.js") + (_asset(script) if script else "")
    policy = POLICY.format(style=f"'sha256-{_hash(style)}'", script=f"'sha256-{_hash(code)}'")
    page = _environment().get_template(template)
    return page.render(policy=policy, style=Markup(style), script=Markup(code), version=version, **content) + "\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numeric: all its cells are figures, which are aligned right."""

    place: int
    title: str
    numeric: bool


def columns(lines: Sequence[Sequence[str]], head: Sequence[str]) -> list[Column]:
    """The columns of a table that hold anything."""
    return [
        Column(place, head[place], numbers.figures_only(cells))
        for place, cells in enumerate(zip(*lines, strict=True))
        if place == 0 or any(cells)
    ]


def long(cell: str) -> bool:
    """Whether a cell needs room: it is a sentence, or holds a word too long for its column."""
    return len(cell) > LONGEST_CELL or any(len(word) > LONGEST_WORD for word in re.split(r"[\s/-]", cell))


def sentence(text: str) -> str:
    """A clause as a sentence: a capital first, a full stop last."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else "." if text else "")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"columns": columns, "long": long, "sentence": sentence}
    return environment


@cache
def _asset(file: str) -> str:
    return (TEMPLATES / file).read_text(encoding="utf-8").strip() + "\n"


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
