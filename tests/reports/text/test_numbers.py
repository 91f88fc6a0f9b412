"""Numbers in words: nothing rounds to 0 or 100 that isn't, and every estimate says its interval and its doubt."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from auditor.reports.model.base import E
from auditor.reports.render.markdown import escape
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.view.table import UNIT, whole
from tests.reports.sections import HOSTILE, census, missing, number


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.0312, "3.1%"),
        (0.00001, "less than 0.1%"),
        (0.99999, "more than 99.9%"),
        (-0.051, "−5.1%"),
        (-0.00001, ">−0.1%"),
        (1.0471, "104.7%"),
        (0.9995, "more than 99.9%"),
    ],
)
def test_a_share_in_words(share, said):
    assert numbers.percent(share).replace("more than −", ">−") == said


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_no_share_between_becomes_0_or_100(share):
    assert numbers.percent(share) not in ("0%", "0.0%", "100%", "100.0%")
    assert whole(share) not in (0, UNIT)
    assert numbers.percent(whole(share) / UNIT) == numbers.percent(share)


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (812_345, "812,345"),
        (1_000_000, "1 million"),
        (3_164_542, "3.16 million"),
        (999_999, "1 million"),
        (0.5, "0.5"),
        (2.5e12, "2.5 trillion"),
        (1234.4, "1,234"),
    ],
)
def test_a_count_in_words(figure, said):
    assert numbers.count(figure) == said


def test_an_estimate_says_its_interval_and_its_doubt():
    assert numbers.estimate(E(**number(0.031, 0.0045, 90))) == "3.1% (2.2–4.0)"
    assert numbers.estimate(E(**census(0.25, 90))) == "25.0%"
    assert numbers.estimate(E(**missing("no detector applies"))) == "not measured: no detector applies"
    doubtful = E(**number(0.2, 0.1, 9) | {"status": "inconclusive", "reason": "too few documents"})
    assert numbers.estimate(doubtful) == "20.0% (0–40.0), inconclusive" and numbers.brief(doubtful) == "20.0% (0–40.0)"
    assert numbers.brief(E(**number(0.02, 0.02, 9, signed=True)), "log") == "+2.0 (−2.0 to +6.0)"


@given(st.sampled_from(["measured", "inconclusive"]), st.lists(st.floats(0, 3), min_size=3, max_size=3).map(sorted))
def test_a_change_against_the_reference_keeps_its_order_its_status_and_what_stands_behind_it(status, ends):
    lower, value, upper = ends
    e = E(value=value, lower=lower, upper=upper, method="hill", n=7, status=status, reason="few documents")
    for change, moved in ((numbers.change_of_loss(e), -value), (numbers.change_of_ratio(e), value - 1)):
        assert change.value == moved and change.lower <= change.value <= change.upper
        assert (change.status, change.reason, change.n, change.method) == (status, "few documents", 7, "hill")
    absent = E(**missing("no reference"))
    assert numbers.change_of_loss(absent) is numbers.change_of_ratio(absent) is absent


@given(st.text(max_size=300))
def test_a_cleaned_text_is_one_visible_line(text):
    line = clean(text, 100)
    assert len(line) <= 100 and "\n" not in line
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f]", line)
    assert len(name(text, 40)) <= 40 and name(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_markdown_is_the_text_and_nothing_else(text):
    assert_inert(clean(text))


@given(st.text("ab1 .-+_*[]()#>:@&;|~`{}%!=<\\/", max_size=30))
def test_no_sequence_of_signs_is_markup_once_it_is_escaped(text):
    assert_inert(clean(text) or "x")


@pytest.mark.parametrize(
    "text",
    ["crawl/part-4.jsonl.gz", "17.5% (15.7–19.3)", "human_text: 3 of 4.", "a - b + c = d!", "12:30", "2026-11-30"],
)
def test_names_and_figures_need_no_escape(text):
    assert escape(text) == text


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("see www.evil.example", "see www\\.evil.example"),
        ("http://evil.example", "http\\://evil.example"),
        ("mailto:a@b.c", "mailto\\:a\\@b.c"),
        (":tada: @team #12 GH-12", "\\:tada: \\@team \\#12 GH\\-12"),
        ("{{ 7 }} {% raw %}", "{\\{ 7 }} {\\% raw %}"),
    ],
)
def test_what_only_github_reads_as_markup_is_escaped(text, inert):
    assert escape(text) == inert


def assert_inert(line: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(f"- {escape(line)}")
    kinds = {child.type for token in tokens for child in token.children or []} | {token.type for token in tokens}
    assert kinds <= {
        "bullet_list_open",
        "bullet_list_close",
        "list_item_open",
        "list_item_close",
        "paragraph_open",
        "paragraph_close",
        "inline",
        "text",
        "text_special",
    }
    shown = "".join(child.content for token in tokens for child in token.children or [])
    assert shown == line
