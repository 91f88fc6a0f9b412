"""Moments in words, and nothing where a report has no moment."""

import pytest

from auditor.reports.text.dates import day, duration, moment


@pytest.mark.parametrize(
    ("finished", "words"),
    [
        ("2026-11-30T12:00:20+00:00", "20 seconds"),
        ("2026-11-30T12:02:00+00:00", "2 minutes"),
        ("2026-11-30T14:30:00+00:00", "2.5 hours"),
        ("2026-11-30T13:00:00+01:00", "0 seconds"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(finished, words):
    assert duration("2026-11-30T12:00:00+00:00", finished) == words


@pytest.mark.parametrize("finished", ["", "yesterday", "2026-11-30T11:59:59+00:00"])
def test_no_duration_is_told_that_cannot_be_known(finished):
    assert duration("2026-11-30T12:00:00+00:00", finished) == ""


def test_a_day_is_written_out():
    assert day("2026-11-03T12:00:00+00:00") == "3 November 2026"
    assert day("never") == "" and moment("never") is None
