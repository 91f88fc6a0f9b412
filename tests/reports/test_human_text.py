"""The coverage curve on the page: human text by share of language covered, with the place where the corpus stands."""

from auditor.reports.model.schema import check
from auditor.reports.render.html import render_html
from auditor.reports.view import human_text
from tests.reports.fixture import build_report


def test_the_curve_marks_where_the_corpus_stands_and_says_when_it_binds():
    report = check(build_report(6))
    drawn = human_text.coverage(report.reservoir)
    assert "this corpus: 95.3%" in drawn.drawing
    assert "of this corpus reach 95.3%" in drawn.description and "--coverage or --rarest" in drawn.description
    assert [row[2] for row in drawn.points] == ["yes", "yes", "no"]
    assert "this corpus: 95.3%" in render_html(report)


def test_a_corpus_beyond_the_curve_stands_at_its_end_and_a_report_without_a_place_has_none():
    reservoir = check(build_report(6)).reservoir
    far = reservoir.model_copy(update={"coverage_reached": {"share": 0.9999, "tokens": 10}})
    assert 'x1="100.0%"' in human_text.coverage(far).drawing
    assert "this corpus:" not in human_text.coverage(reservoir.model_copy(update={"coverage_reached": None})).drawing
    assert human_text.coverage(reservoir.model_copy(update={"coverage": []})) is None


def test_filters_show_what_they_lose_by_kind_of_text():
    page = render_html(check(build_report(6)))
    assert "Human words lost" in page and "What each choice loses, by kind of text" in page
    assert "en/recipe" in page and "of 8,100 words sampled" in page
