"""A hostile corpus, through the real commands and from a report.json: nothing executes, nothing breaks the layout."""

import html
import json
import os
from contextlib import chdir

import pytest
from markdown_it import MarkdownIt

from auditor.cli.main import run as command
from auditor.reports.model.schema import check
from auditor.reports.render.html import render_html
from auditor.reports.render.markdown import render_markdown
from tests.browser import hostile, made
from tests.browser.test_pages import fits
from tests.reports.fixture import build_report
from tests.reports.sections import HOSTILE

FROM_RUN = ("report", "trend", "compare", "simulation", "markdown")
FROM_JSON = ("report", "trend", "compare", "simulation", "markdown")
# Elements and attributes that no page of ours has: each would be a name taken for markup.
FOREIGN = """[...document.querySelectorAll('body *')].filter(node =>
  ['IMG', 'IFRAME', 'FORM', 'OBJECT', 'EMBED', 'BASE', 'LINK', 'META', 'B', 'STYLE'].includes(node.tagName)
  || [...node.attributes].some(a => a.name.startsWith('on')
    || ['href', 'src', 'xlink:href', 'action', 'srcset'].includes(a.name) && a.value[0] !== '#')
).map(node => node.outerHTML.slice(0, 120))"""
TOUCH = """document.querySelectorAll('[data-tip], tr, a:not(.skip), bdi').forEach(node =>
  ['pointermove', 'pointerdown', 'focus', 'click'].forEach(kind =>
    node.dispatchEvent(new Event(kind, {bubbles: true}))))"""
TURNING = r"/[\u202a-\u202e\u2066-\u2069\u200b\u200f]/.test(document.documentElement.outerHTML)"


def as_page(markdown: str) -> str:
    """Markdown as a code host shows it: HTML let through, tables, links found in plain text."""
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    return f"<!doctype html><html lang=en><meta charset=utf-8><title>md</title><h1>.</h1><main>{body}</main>"


@pytest.fixture(scope="module")
def from_run(tmp_path_factory):
    """Pages of a real audit of the hostile corpus, made by the real commands."""
    folder = tmp_path_factory.mktemp("<i>hostile")
    with chdir(folder):
        hostile.write_corpus(folder / hostile.FILES[1])
        hostile.write_corpus(folder / "reference", seed=1)
        first = ["audit", hostile.FILES[1], "--human-reference", "reference", "--quiet", "--workers", "1"]
        assert command([*first, "--out", "<b>run", "--store", "store.duckdb", "--excerpts"]) == 0
        shards = [shard["shard"] for shard in json.loads((folder / "<b>run/report.json").read_text())["shards"]]
        assert len(shards) == len(hostile.FILES)
        assert command(["trend", "store.duckdb", "--html", "trend.html"]) == 0
        assert command(["compare", f"<b>run::{shards[0]}", f"<b>run::{shards[1]}", "--html", "compare.html"]) == 0
        few = ["--replicates", "2", "--generations", "3"]
        assert command(["simulate", "<b>run", *few, "--html", "simulation.html"]) == 0
        os.link("<b>run/report.html", "report.html")
        (folder / "markdown.html").write_text(as_page((folder / "<b>run/report.md").read_text()), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def from_json(tmp_path_factory):
    """The same kinds of page from figures whose every string is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    report = build_report(30, hostile=True)
    pages = made.made_pages("".join(HOSTILE))
    pages |= {"report": render_html(check(report)), "markdown": as_page(render_markdown(check(report)))}
    for name in FROM_JSON:
        (folder / f"{name}.html").write_text(pages[name], encoding="utf-8")
    return folder


def harmless(page, *, policy: bool = True) -> None:
    """Move over and open everything, then look for anything that ran, was fetched or became markup."""
    page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    page.run(TOUCH)
    assert page.run("window.broken") is None
    assert page.requests() == []
    assert page.run(FOREIGN) == []
    assert page.run("document.querySelectorAll('script').length") <= 2 * policy
    assert not page.run(TURNING)
    assert page.text("h1")
    if policy:
        assert page.wrong() == []
        assert page.run("document.querySelectorAll('body > header, body > main, body > footer').length") == 3


def lies_well(page) -> None:
    """Whatever the names are, the page fits a window and a telephone."""
    for width in (1280, 390):
        page.resize(width)
        assert fits(page) == [], width


@pytest.mark.parametrize("name", FROM_RUN)
def test_nothing_of_a_hostile_corpus_executes_or_breaks_the_layout(from_run, show, name):
    page = show(from_run / f"{name}.html")
    harmless(page, policy=name != "markdown")
    if name != "markdown":
        lies_well(page)


@pytest.mark.parametrize("name", FROM_JSON)
def test_nothing_of_a_hostile_report_executes_or_breaks_the_layout(from_json, show, name):
    page = show(from_json / f"{name}.html")
    harmless(page, policy=name != "markdown")
    if name != "markdown":
        lies_well(page)


def test_the_hostile_names_stand_in_the_report_as_text(from_run, show):
    page = show(from_run / "report.html")
    page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    text = page.text("body")
    for name in (
        "<script>window.broken=11<",
        "<img src=x onerror=window.broken=12>",
        "{{7*7}}",
        "=HYPERLINK",
        "gpj.jsonl",
    ):
        assert name in text, name
    assert "49{% raw" not in text and "Excerpts" in text
    source = (from_run / "report.html").read_text(encoding="utf-8")
    assert html.escape("<script>window.broken=1") in source and "<script>window.broken" not in source


def test_a_hostile_name_can_be_searched_and_is_no_markup_in_the_table(from_run, show):
    page = show(from_run / "report.html")
    page.run(
        "(() => { const s = document.getElementById('search'); s.value = '<script>window';"
        "s.dispatchEvent(new Event('input')); })()"
    )
    assert page.texts("#table tbody th") == ["<script>window.broken=11<.jsonl"]
    harmless(page)
