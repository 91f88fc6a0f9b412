"""Dates make human anchors only where they can say when a text was made."""

from contextlib import contextmanager
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from auditor.config import Config
from auditor.pipeline.fraction.anchors import dated_reason, younger_than_detectors

TODAY = date(2026, 1, 1)
OLD = [date(2015, 1, 1) + timedelta(days=10 * i) for i in range(100)]


def reason_of(dates, **settings):
    with documents_of(dates) as connection:
        return dated_reason(connection, Config(**settings), TODAY)


@contextmanager
def documents_of(dates):
    with duckdb.connect() as connection:
        columns = {"role": "corpus", "eligible": True, "score": -1.0, "words": 150, "language": "en", "unit": 3}
        frame = pl.DataFrame({"date": dates}, schema={"date": pl.Date}).with_columns(
            **{name: pl.lit(value) for name, value in columns.items()}
        )
        connection.register("docs", frame.to_arrow())
        yield connection


def test_documents_from_before_november_2022_are_anchors():
    reason = reason_of([*OLD, *[date(2024, 5, 1) + timedelta(days=i) for i in range(60)]])
    assert reason is None


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ([None] * 100, "no document has a date"),
        (OLD[:20], "only 20 documents"),
        ([date(2019, 5, 5)] * 100, "one date"),
        ([*OLD, date(2031, 1, 1), date(2031, 2, 1)], "in the future"),
        ([*OLD, date(1970, 1, 1), date(1970, 1, 1)], "before 1990"),
    ],
)
def test_dates_that_say_nothing_of_age_are_not_believed(dates, words):
    assert words in reason_of(dates)


def test_dated_anchors_can_be_switched_off():
    assert reason_of(OLD, dated_anchors=False) == "switched off"


@pytest.mark.parametrize(
    ("months", "said"),
    [(["2025-11"] * 100, None), (["2025-11"] * 98 + ["2025-12"] * 2, "2 of 100"), ([], None), (["2031-01"] * 9, None)],
)
def test_a_corpus_younger_than_every_generator_seen_is_warned_of(months, said):
    with documents_of([date.fromisoformat(f"{month}-20") for month in months]) as connection:
        finding = younger_than_detectors(connection, "2025-11", TODAY)
    assert (finding is None) == (said is None)
    assert finding is None or (said in finding.message and finding.evidence["younger"] == 2)
