"""Names are shortened so that they still tell shards apart, and nothing hostile is left in them."""

from auditor.reports.text.clean import name, names_apart
from tests.reports.sections import HOSTILE


def test_what_differs_between_long_names_stays():
    """FineWeb's shards differ in the middle of their path, where a name is usually cut."""
    dumps = [f"data/CC-MAIN-20{year}-10/000_00000.parquet" for year in range(13, 25)]
    shown = names_apart(dumps, 16)
    assert len(set(shown)) == len(dumps)
    assert all(len(text) <= 16 for text in shown)
    assert all(str(year) in text for year, text in zip(range(13, 25), shown, strict=True))


def test_names_that_fit_stay_as_they_are_and_equal_names_stay_equal():
    assert names_apart(["a.parquet", "b.parquet"], 20) == ["a.parquet", "b.parquet"]
    assert len(set(names_apart(["x" * 100] * 3, 20))) == 1


def test_a_long_tail_that_differs_stays():
    shown = names_apart([f"crawl/{'w' * 60}-{n:05}.jsonl.gz" for n in range(4)], 18)
    assert len(set(shown)) == 4 and all(len(text) <= 18 for text in shown)


def test_hostile_names_come_out_as_one_visible_line_within_the_limit():
    for limit in (10, 20, 60):
        shown = names_apart([f"{text}/{i}" for i, text in enumerate(HOSTILE)], limit)
        assert all(len(text) <= limit and "\n" not in text and "\u202e" not in text for text in shown)
    assert name("") == "(no name)"
