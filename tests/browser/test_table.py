"""The table of all shards works in the browser: sort, search, filter, page, save, and says what the static one says."""

import csv
import re
import time

import pytest

from auditor.reports.model.schema import check
from auditor.reports.render.html import render_html
from auditor.reports.text import numbers
from auditor.reports.view import table
from tests.reports.fixture import build_report
from tests.reports.sections import HOSTILE

SHARDS, MOST_BYTES = 400, 3_000_000


@pytest.fixture(scope="module")
def report():
    found = build_report(SHARDS, seed=3)
    for place, kind in ((5, "inconclusive"), (6, "not_measured")):
        other = build_report(1, kind=kind)["shards"][0]["synthetic_fraction"]
        found["shards"][place]["synthetic_fraction"] = other
    found["shards"][7]["shard"] = '=HYPERLINK("http://evil.example"),x'
    return found


@pytest.fixture(scope="module")
def file(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "report.html"
    path.write_text(render_html(check(report)), encoding="utf-8")
    return path


def column(page, place: int) -> list[str]:
    """The figures of one column of the page shown, without their intervals."""
    return page.run(
        f"[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[{place}].firstChild.textContent)"
    )


def lows(page, place: int) -> list[float]:
    """Lower ends of the intervals in a column, as the table sorts by them."""
    script = f"[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[{place}].innerText.split('\\n'))"
    return [_low(cell) for cell in page.run(script) if cell[0] != "not measured"]


def _low(cell: list[str]) -> float:
    """The lower end: 12.1 of '12.1–15.0', -1.2 of '1.2% fewer to 16.0% more', -35.3 of '26.4% fewer', '16.3–35.3'."""
    first, last = (re.findall(r"[0-9.]+", cell[-1]) * 2)[:2]
    if " to " in cell[-1]:
        return -float(first)
    return -float(last) if cell[0].endswith((" fewer", " less")) else float(first)


def press(page, title: str) -> None:
    page.run(f"[...document.querySelectorAll('#table thead button')].find(b => b.textContent === '{title}').click()")


def enter(page, control: str, value: str) -> None:
    """A person's input: the value set and the event sent."""
    page.run(f"(() => {{ const c = {control}; c.value = {value!r}; c.dispatchEvent(new Event('input')); }})()")


def choose(page, label: str, value: str) -> None:
    found = f"[...document.querySelectorAll('#controls label')].find(l => l.textContent.startsWith('{label}'))"
    enter(page, f"{found}.lastChild", value)


def test_the_table_says_the_same_with_and_without_javascript(file, show):
    cells = "[...document.querySelectorAll('#table tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"
    written, static = show(file).run(cells), show(file, scripts=False).run(cells)
    assert len(static) == 50 and written == static


@pytest.mark.parametrize("share", [0.0, 1.0, 0.0004, 0.99996, 0.12451, 0.12449, 0.1245, -0.0345, -0.0001, 0.30005, 0.5])
def test_a_share_is_carried_so_that_its_words_stay_the_same(share):
    assert numbers.percent(table.whole(share) / table.UNIT) == numbers.percent(share)


@pytest.mark.parametrize(("title", "place"), [("Duplicated", 2), ("Word types", 3), ("Rare words", 4)])
def test_a_column_sorts_down_and_up(file, show, title, place):
    page = show(file)
    press(page, title)
    assert page.run(f"document.querySelector('#table thead th:nth-child({place + 1})').ariaSort") == "descending"
    falling = lows(page, place)
    assert len(falling) == 50 and falling == sorted(falling, reverse=True)
    press(page, title)
    rising = lows(page, place)
    assert rising == sorted(rising) and rising[0] < falling[-1]
    assert len(page.run("[...document.querySelectorAll('#table [aria-sort]')].map(head => head.textContent)")) == 1


def test_names_sort_as_people_count_and_what_was_not_measured_stands_last(file, show):
    page = show(file)
    press(page, "Shard")
    names = column(page, 0)[1:]
    assert names == sorted(names)
    press(page, "Machine-written")
    press(page, "Machine-written")
    page.run(
        "(() => { while (!document.querySelector('#pager button:last-child').disabled)"
        "document.querySelector('#pager button:last-child').click(); })()"
    )
    assert column(page, 1)[-1] == "not measured"


def test_search_and_filters_work_alone_and_together(file, show, report):
    page = show(file)
    enter(page, "document.getElementById('search')", "_0001")
    found = sum("_0001" in shard["shard"] for shard in report["shards"])
    assert page.text("#shown").startswith(f"{found} of {SHARDS} shards") and len(column(page, 0)) == found
    enter(page, "document.getElementById('search')", "")
    choose(page, "Machine-written, by the whole interval", "2500")
    many = sum((shard["synthetic_fraction"]["lower"] or 0) > 0.25 for shard in report["shards"])
    assert page.text("#shown").startswith(f"{many} of") and min(lows(page, 1)) >= 25
    choose(page, "Machine-written, by the whole interval", "")
    choose(page, "Measurement", "2")
    assert column(page, 1) == ["not measured"]
    choose(page, "Measurement", "1")
    assert len(column(page, 1)) == 1 and page.text("#table tbody tr td").endswith("?")
    enter(page, "document.getElementById('search')", "no shard has this name")
    assert page.text("#shown").startswith("0 of") and column(page, 0) == []


def test_pages_turn_and_keep_their_order(file, show):
    page = show(file)
    first, pages = column(page, 0), -(-SHARDS // 50)
    assert page.text("#pager span") == f"Page 1 of {pages}"
    page.run("document.querySelector('#pager button:last-child').click()")
    assert page.text("#pager span") == f"Page 2 of {pages}" and not set(column(page, 0)) & set(first)
    page.run("document.querySelector('#pager button').click()")
    assert column(page, 0) == first


def test_saved_rows_are_the_rows_shown_and_no_cell_is_a_formula(file, show, tmp_path):
    page = show(file)
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    enter(page, "document.getElementById('search')", "=hyperlink")
    page.run("[...document.querySelectorAll('#controls button')].at(-1).click()")
    saved, begun = tmp_path / "shards.csv", time.monotonic()
    while not saved.exists() and time.monotonic() - begun < 60:
        time.sleep(0.05)
    rows = list(csv.DictReader(saved.read_text(encoding="utf-8").splitlines()))
    assert [row["shard"] for row in rows] == ['\'=HYPERLINK("http://evil.example"),x']
    assert 0 <= float(rows[0]["synthetic_fraction.lower"]) <= float(rows[0]["synthetic_fraction"]) <= 1


@pytest.mark.parametrize("named", [False, True], ids=["usual names", "long names"])
def test_ten_thousand_shards_stay_under_three_megabytes_and_sort(show, tmp_path, named):
    report = build_report(10_000)
    if named:
        for i, shard in enumerate(report["shards"]):
            shard["shard"] = f"{HOSTILE[i % len(HOSTILE)]}/{i}/{'ä' * 300}"
    path = tmp_path / "huge.html"
    path.write_text(render_html(check(report)), encoding="utf-8")
    assert path.stat().st_size < MOST_BYTES
    page = show(path)
    assert page.text("#shown").startswith("10,000 of 10,000 shards")
    press(page, "Tokens")
    press(page, "Shard")
    enter(page, "document.getElementById('search')", "999")
    assert 0 < len(column(page, 0)) <= 50 and page.wrong() == []
