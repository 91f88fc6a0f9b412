"""What a machine wrote or edited: one sentence in every rendering, none where it was not measured."""

import io

import pytest
from rich.console import Console

from auditor.reports.model.schema import check
from auditor.reports.render.html import render_html
from auditor.reports.render.markdown import render_markdown
from auditor.reports.render.terminal import print_summary
from tests.reports.fixture import build_report

SPLIT = "how much of that was written by a machine and how much edited is not settled"


def estimate(value: float, lower: float, upper: float, *, measured: bool = True) -> dict:
    found = {"value": value, "lower": lower, "upper": upper, "level": 0.95, "method": "three_way_worlds", "n": 900}
    status = {"status": "measured", "reason": None}
    return found | (status if measured else {"status": "inconclusive", "reason": "too wide"})


def rendered(touched: dict | None, mixed: dict) -> list[str]:
    report = build_report(4)
    report["corpus"] |= {"touched_fraction": touched, "mixed_fraction": mixed}
    report["corpus"]["synthetic_fraction"] = estimate(0.04, 0.01, 0.1)
    report = check(report)
    screen = io.StringIO()
    print_summary(report, Console(file=screen, width=200, color_system=None))
    return [render_markdown(report).replace("\\", ""), screen.getvalue(), render_html(report)]


@pytest.mark.parametrize(
    ("touched", "mixed", "said"),
    [
        (
            estimate(0.05, 0.02, 0.12),
            estimate(0.01, 0, 0.09),
            "it is 5.0% (2.0–12.0); edited text alone is 1.0% (0–9.0).",
        ),
        (
            estimate(0.05, 0.02, 0.12),
            estimate(0.03, 0, 0.09),
            "it is 5.0% (2.0–12.0); edited text alone is 3.0% (0–9.0), some of it in the first figure.",
        ),
        (estimate(0.3, 0.2, 0.45), estimate(0.1, 0, 0.4, measured=False), f"it is 30.0% (20.0–45.0); {SPLIT}."),
        (
            estimate(0.3, 0.16, 0.62, measured=False),
            estimate(0.1, 0, 0.5, measured=False),
            f"it may be 16.0–62.0%; {SPLIT}.",
        ),
    ],
)
def test_the_sentence_says_what_is_settled(touched, mixed, said):
    for page in rendered(touched, mixed):
        assert "With human text that a machine edited " + said in page


def test_nothing_is_said_where_nothing_was_measured():
    absent = {"value": None, "lower": None, "upper": None, "status": "not_measured", "reason": "of German alone"}
    for page in rendered(None, absent):
        assert "With human text that a machine edited" not in page
