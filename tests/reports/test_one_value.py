"""Every quantity of every scope has one value and one interval, in page, Markdown, terminal, JSON and JUnit."""

import copy
import html
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import date

import pytest
from rich.console import Console

from auditor.gate.policy import parse_policy
from auditor.pipeline.finished.gate import judge_report
from auditor.records import plain
from auditor.reports.model.base import E
from auditor.reports.model.schema import check, to_json
from auditor.reports.model.verdict import Verdict
from auditor.reports.render.html import render_html
from auditor.reports.render.junit import render_junit
from auditor.reports.render.markdown import render_markdown
from auditor.reports.render.terminal import print_summary
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, names_apart
from tests.browser.gallery import many_kinds, multilingual
from tests.reports.fixture import build_report

POLICY = """
[[rule]]
name = "shares"
scope = "shard"
quantity = "synthetic_fraction"
error_above = 0.2
[[rule]]
name = "repeats"
scope = "shard"
quantity = "duplicate_fraction"
error_above = 0.2
"""


def gains() -> dict:
    """More word types and more rare words than the reference: a negative loss in report.json."""
    report = build_report(4, seed=11)
    for scope in (report["corpus"], *report["shards"]):
        scope["diversity_loss"]["q0"] |= {"value": -0.071, "lower": -0.16, "upper": 0.012}
        scope["diversity"]["tail_retention"] |= {"value": 1.038, "lower": 0.99, "upper": 1.09}
    return report


def adjusted() -> dict:
    """A finding whose interval is also given adjusted for selection."""
    report = build_report(4, seed=3)
    shard = report["shards"][0]
    wider = shard["synthetic_fraction"] | {"lower": 0.0123, "upper": 0.9876, "level": 0.99}
    finding = {
        "kind": "synthetic",
        "severity": "warning",
        "scope_kind": "shard",
        "scope": shard["shard"],
        "message": "lies above the threshold",
        "advice": "look at it",
        "evidence": {
            "adjusted": wider,
            "documents": [{"shard": shard["shard"], "row": 3, "doc_id": "d3", "score": 2.5}],
        },
        "estimate": shard["synthetic_fraction"],
    }
    return report | {"findings": [finding]}


def bounds() -> dict:
    """Nothing, everything, and what rounds to them."""
    report = build_report(4, seed=5)
    ends = [(0.0, 0.0, 0.0004), (1.0, 0.9996, 1.0), (0.0004, 0.0001, 0.002), (0.99996, 0.9991, 0.99999)]
    for shard, (value, lower, upper) in zip(report["shards"], ends, strict=True):
        shard["synthetic_fraction"] |= {"value": value, "lower": lower, "upper": upper}
    return report


RUNS = {
    "usual": lambda: build_report(6),
    "clean": lambda: build_report(4, kind="clean"),
    "all inconclusive": lambda: build_report(4, kind="inconclusive"),
    "not measured": lambda: build_report(3, kind="not_measured"),
    "one shard": lambda: build_report(1, seed=8),
    "many shards": lambda: build_report(60, seed=9),
    "hostile names": lambda: build_report(14, hostile=True),
    "gains": gains,
    "adjusted for selection": adjusted,
    "at the bounds": bounds,
    "many kinds": many_kinds,
    "several languages": multilingual,
}


@pytest.fixture(scope="module", params=sorted(RUNS))
def report(request) -> dict:
    return RUNS[request.param]()


def table_rows(page: str) -> dict[str, list[str]]:
    """The rows of the table of shards, by name, without markup."""
    table = page[page.index('id="table"') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("</tr>") if "<th" in row]
    return {cells[0]: cells[1:] for cells in ([_text(cell) for cell in row] for row in rows)}


def _text(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", markup.replace('<span class="range">', " ("))).strip()


def chart_rows(page: str, caption: str) -> dict[str, str]:
    """Label and number of each row of a drawn table."""
    part = page[page.index(caption) :]
    body = part[part.index("<tbody>") : part.index("</tbody>")]
    found = re.findall(r"<bdi>(.*?)</bdi>.*?<td class=\"num[^\"]*\">(.*?)</td>", body, re.S)
    return {html.unescape(label): _text(number.split("<span")[0]) for label, number in found}


def test_the_page_has_one_number_for_a_shard_in_its_chart_and_in_its_table(report):
    page = render_html(check(report))
    caption = "Machine-written share of each shard" if len(report["shards"]) <= 24 else "worst shards of"
    drawn, table = chart_rows(page, caption), table_rows(page)
    assert drawn
    for label, number in drawn.items():
        value = table[label][0].split(" (")[0].strip()
        assert number.startswith("not measured") if value == "not measured" else number.split(" (")[0] == value
        if " (" in number:
            assert number.split(" (")[1].rstrip(")") == table[label][0].split(" (")[1].rstrip(" ?")


def test_a_negative_loss_is_never_shown(report):
    screen = io.StringIO()
    print_summary(check(report), Console(file=screen, width=80, color_system=None))
    page = render_html(check(report))
    drawn = chart_rows(page, "Types, against the human reference").values()
    cells = [cell for row in table_rows(page).values() for cell in row[2:4]]
    shown = [screen.getvalue(), render_markdown(check(report)), *drawn, *cells]
    assert not [text for text in shown if numbers.MINUS in text or re.search(r"[ (]-\d", text.replace("\\-", "-"))]


def test_markdown_terminal_and_json_say_what_the_page_says_of_every_shard(report):
    table, markdown = table_rows(render_html(check(report))), render_markdown(check(report)).replace("\\", "")
    screen = io.StringIO()
    print_summary(check(report), Console(file=screen, width=200, color_system=None))
    written = json.loads(to_json(report))
    names = names_apart([s["shard"] for s in report["shards"]], 120)
    for shard, said, label in zip(report["shards"], written["shards"], names, strict=True):
        e = said["synthetic_fraction"]
        assert e == json.loads(to_json(shard["synthetic_fraction"]))
        shown = E.model_validate(e)
        if label not in table or not numbers.measured(shown):
            continue
        assert table[label][0].startswith(numbers.percent(e["value"]))
        line = next((line for line in markdown.splitlines() if line.startswith(f"| {label} |")), None)
        if line:
            assert f"| {numbers.estimate(shown)} |" in line
            change = numbers.change_of_loss(E.model_validate(said["diversity_loss"]["q0"]))
            assert f"| {numbers.estimate(change, 'fewer')} |" in line
        row = next((line for line in screen.getvalue().splitlines() if line.startswith(label + " ")), None)
        if row:
            mark = "?" if e["status"] == "inconclusive" else ""
            assert f"{numbers.bare_percent(e['value'])}%{mark}" in row and numbers.interval(shown) in row


def test_headline_card_sentence_and_facts_of_the_corpus_agree(report):
    e = E.model_validate(report["corpus"]["synthetic_fraction"])
    page, markdown = render_html(check(report)), render_markdown(check(report)).replace("\\", "")
    if not numbers.measured(e):
        assert "could not be measured" in markdown and '<p class="big">not measured</p>' in page
        return
    assert f'<p class="big">{html.escape(numbers.percent(e.value))}</p>' in page
    assert f"{numbers.brief(e)} are wholly or mostly machine-written" in markdown
    assert f"<strong>{numbers.brief(e)}</strong>" in page


GROUPS = {"kind": "By kind of text", "language": "By language", "topic": "By topic", "host": "By host"}


def test_strata_are_drawn_with_the_numbers_of_the_report(report):
    page = render_html(check(report))
    for kind, caption in GROUPS.items():
        own = [row for row in report["strata"] if row["kind"] == kind]
        if len(own) < 2:
            continue
        said = {clean(row["name"], 120): E.model_validate(row["synthetic_fraction"]) for row in own}
        drawn = chart_rows(page, caption)
        assert drawn
        for label, number in drawn.items():
            e = next((e for name, e in said.items() if name == label or label.endswith(f"({name})")), None)
            assert e is not None or kind == "host", label  # long hosts are shortened
            assert e is None or number == (numbers.brief(e) if numbers.measured(e) else numbers.estimate(e))


def test_repeated_documents_are_the_same_in_chart_table_matrix_and_json(report):
    page = render_html(check(report))
    table = table_rows(page)
    if "Documents that repeat another" in page:
        for label, number in chart_rows(page, "Documents that repeat another").items():
            assert label not in table or table[label][1] == number
    if 'class="heat"' not in page:
        return
    diagonal = re.findall(r'<td class="h\d same"[^>]*>([^<]*)</td>', page)
    within = {shard["shard"]: shard["duplicate_fraction_within"]["value"] for shard in report["shards"]}
    names = report["overlaps"]["names"]
    assert len(diagonal) == len(names) > 1
    for name, shown in zip(names, diagonal, strict=True):
        assert shown == numbers.bare_percent(within[name])


def test_a_finding_has_the_interval_of_its_scope_and_the_adjusted_one_is_labelled():
    report = adjusted()
    shard = report["shards"][0]
    page, markdown = render_html(check(report)), render_markdown(check(report)).replace("\\", "")
    own = numbers.estimate(E.model_validate(shard["synthetic_fraction"]))
    assert f"lies above the threshold: {own}" in markdown
    assert f'<span class="figure">{own}</span>' in page
    assert "98.8" not in markdown and "98.8" not in page


@pytest.mark.parametrize("kind", sorted(RUNS))
def test_the_verdict_and_junit_carry_the_numbers_of_the_report(kind):
    report = copy.deepcopy(RUNS[kind]())
    verdict = plain(judge_report(report, parse_policy(POLICY), today=date(2026, 1, 2)))
    of_shard = {shard["shard"]: shard for shard in report["shards"]}
    for case in verdict["cases"]:
        e = of_shard[case["scope"]][case["quantity"]]
        assert (case["value"], case["lower"], case["upper"]) == (e["value"], e["lower"], e["upper"])
        assert case["status"] == e["status"] and (case["verdict"] != "fail" or e["status"] == "measured")
    suites = ElementTree.fromstring(render_junit(Verdict.model_validate(verdict)))
    assert sum(len(suite) for suite in suites) == len(verdict["cases"])
    for message in suites.iter("failure"):
        assert re.search(r"fraction [0-9.e-]+", message.attrib["message"])
