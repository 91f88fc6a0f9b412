"""Hive partitions: what the names of folders say stands in for the columns that a file lacks, never over them."""

import pytest

from auditor.sources.find.partitions import partition_columns, partitions_of
from auditor.sources.read.interface import Columns, SourceOptions

PLAIN = SourceOptions()


def test_keys_and_values_are_read_from_the_folders_alone():
    assert partitions_of("lang=en/year=2019/a=b.parquet") == {"lang": "en", "year": "2019"}
    assert partitions_of("a/b/c.parquet") == {}
    assert partitions_of("source=a%2Fb/lang=__HIVE_DEFAULT_PARTITION__/x.parquet") == {"source": "a/b"}


def test_a_column_in_the_file_takes_precedence():
    inside = Columns(text="text", language="language")
    columns, constants = partition_columns(inside, "lang=de/source=web/x.parquet", PLAIN)
    assert constants == (("source", "web"),) and columns == inside


@pytest.mark.parametrize(
    ("path", "date", "kind"),
    [
        ("year=2019/month=4/day=5/x", "2019-04-05", "written"),
        ("year=2019/month=11/x", "2019-11", "written"),
        ("Year=2019/x", "2019", "written"),
        ("crawl_date=2020-01-02/x", "2020-01-02", "crawled"),
    ],
)
def test_dates_of_partitions_are_put_together_and_say_what_they_mean(path, date, kind):
    columns, constants = partition_columns(Columns(text="text"), path, PLAIN)
    assert constants == (("date", date),) and columns.date_kind == kind


def test_an_option_names_a_partition_too_and_says_what_its_date_means():
    columns, constants = partition_columns(Columns(text="text"), "tag=news/x", SourceOptions(topic_column="tag"))
    assert constants == (("topic", "news"),)
    options = SourceOptions(date_column="when", date_kind="added")
    columns, constants = partition_columns(Columns(text="text"), "when=2020-05-06/x", options)
    assert constants == (("date", "2020-05-06"),) and columns.date_kind == "added"


def test_a_year_that_is_not_a_number_stays_as_written_and_is_not_put_together_with_a_month():
    assert partition_columns(Columns(text="text"), "year=recent/month=4/x", PLAIN)[1] == (("date", "recent"),)
