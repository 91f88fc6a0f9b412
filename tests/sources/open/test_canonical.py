"""Canonical columns: dates, hosts, languages, batches; and which columns the known corpora keep them in."""

import datetime
from dataclasses import replace

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given

from auditor.errors import ConfigError
from auditor.records import Skip
from auditor.sources.find.columns import detect
from auditor.sources.open.batching import LISTED, batched, condensed
from auditor.sources.open.canonical import Raw, host
from auditor.sources.open.dates import to_dates
from auditor.sources.open.languages import TO_ISO_639_1, normalised
from auditor.sources.read.interface import Shard, SourceOptions

DAY = datetime.date(2019, 4, 25)


@pytest.mark.parametrize(
    "written",
    [
        "2019-04-25",
        "2019-04-25T12:57:54Z",
        "2019-04-25T12:57:54.123456+02:00",
        "2019-04-25 12:57:54",
        " 2019-04-25 ",
        "2019/04/25",
        "2019/4/25 10:00",
        "2019.04.25",
        "20190425",
        "20190425125754",
        "1556197074",
        "1556197074.5",
        "1556197074000",
        "1556197074000000",
        "1556197074000000000",
        "Thu, 25 Apr 2019 12:57:54 GMT",
        "25 April 2019",
        "25-Apr-2019",
        "April 25, 2019",
        "Apr. 25th, 2019",
    ],
)
def test_the_usual_ways_to_write_a_date_are_understood(written):
    dates, counts = to_dates(pl.Series([written, None, "2020-01-01"]))
    assert dates.to_list() == [DAY, None, datetime.date(2020, 1, 1)] and counts == {}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2019", datetime.date(2019, 1, 1)),
        ("2019-04", datetime.date(2019, 4, 1)),
        (2019, datetime.date(2019, 1, 1)),
        (20190425, DAY),
        (1556197074, DAY),
        (1556197074.25, DAY),
        (1556197074000, DAY),
        (DAY, DAY),
        (datetime.datetime(2019, 4, 25, 23, 59), DAY),
    ],
)
def test_numbers_years_and_timestamps_are_dates_too(written, expected):
    assert to_dates(pl.Series([written]))[0].to_list() == [expected]


@pytest.mark.parametrize(
    "written", ["soon", "0", "-1", "2019-13-45", "12", "1e400", "99999999999999999999999", "NaN", "2019-02-30"]
)
def test_what_is_no_date_is_null_and_counted(written):
    dates, counts = to_dates(pl.Series([written]))
    assert dates.to_list() == [None] and counts == {"date_unreadable": 1}


def test_absent_dates_are_not_counted_and_absurd_ones_are():
    dates, counts = to_dates(pl.Series([None, "", "  ", "9999-01-01", "0001-01-01", "2019-04-25"]))
    assert dates.to_list() == [None] * 5 + [DAY] and counts == {"date_out_of_range": 2}


@given(st.lists(st.text(max_size=12) | st.none(), max_size=5) | st.lists(st.floats() | st.none(), max_size=5))
def test_no_column_of_dates_raises(column):
    kind = pl.Float64 if any(isinstance(x, float) for x in column) else pl.String
    dates, counts = to_dates(pl.Series(column, dtype=kind))
    assert len(dates) == len(column) and dates.dtype == pl.Date and sum(counts.values()) <= len(column)


def test_the_host_is_what_the_url_names():
    urls = {
        "https://user:pw@Example.COM.:8080/x?y": "example.com",
        "http://a.b/c": "a.b",
        "example.org": "example.org",
        "//x.y/z": "x.y",
        "http://[::1]:80/a": "[::1]",
        "https://a.com?x=/y": "a.com",
        "https:///path": None,
        "HTTPS://A.B.C#f": "a.b.c",
        "a.b:80/c": "a.b",
        "/path/only": None,
        "http://münchen.de/x": "münchen.de",
        "": None,
        None: None,
        "https://a.b@c.d/": "c.d",
    }
    assert dict(zip(urls, host(pl.Series(list(urls), dtype=pl.String)), strict=True)) == urls


def test_addresses_outside_the_web_name_no_host():
    others = [
        "urn:uuid:0",
        "mailto:a@b.org",
        "doi:10.1000/182",
        "s3://bucket/key",
        "gs://b/k",
        "file:///home/x",
        "isbn:978",
    ]
    others += [
        "hf://datasets/a/b",
        "data:text/plain,x",
        "C:\\x\\y",
        "/home/x",
        "javascript:void(0)",
        "tag:a.org,2019:x",
    ]
    assert [h for h in host(pl.Series(others)) if h is not None] == []
    web = ["HTTPS://A.org/x", "http://a.org:80", "//a.org/x", "a.org", "a.org:8080/x", "ftp://a.org/x", "user@a.org:1"]
    assert host(pl.Series(web)).to_list() == ["a.org"] * 7


def test_languages_become_two_letters_where_there_are_two():
    written = [
        "en",
        "eng",
        "eng_Latn",
        "en-US",
        "English",
        "deu,eng",
        '["fra_Latn","eng_Latn"]',
        "cmn_Hani",
        "nds",
        "und",
    ]
    written += ["", None, "Python", "C++", "zh-Hant", "arb_Arab"]
    expected = ["en", "en", "en", "en", "en", "de", "fr", "zh", "nds", None, None, None, None, None, "zh", "ar"]
    assert normalised(pl.Series(written)).to_list() == expected
    assert all(len(code) == 2 for code in TO_ISO_639_1.values())


FAMILIES = {
    "fineweb": ("text id dump url date file_path language token_count", "text id date url language", "crawled"),
    "fineweb-2": (
        "text id dump url date file_path language language_script top_langs",
        "text id date url language",
        "crawled",
    ),
    "c4": ("text timestamp url", "text None timestamp url None", "crawled"),
    "dolma": (
        "id text source added created metadata metadata.url metadata.license",
        "text id created metadata.url None",
        "written",
    ),
    "redpajama-v2": (
        "raw_content url date_download digest language",
        "raw_content digest date_download url language",
        "crawled",
    ),
    "hplt": ("f o s rs u c ts de crawl_id lang prob text id", "text id ts u lang", "crawled"),
    "dclm": (
        "text url warcinfo metadata metadata.WARC-Date metadata.WARC-Record-ID",
        "text metadata.WARC-Record-ID metadata.WARC-Date url None",
        "crawled",
    ),
    "stack-v2": (
        "blob_id path revision_date language content repo_name",
        "content blob_id revision_date None None",
        "written",
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_known_corpora_are_recognised(family):
    fields, expected, kind = FAMILIES[family]
    found = detect(fields.split(), SourceOptions(), where="x")
    assert found.family == family and found.date_kind == kind
    assert [str(getattr(found, r)) for r in ("text", "id", "date", "url", "language")] == expected.split()


ADDED = ("id", "source", "language", "topic", "category", "url", "generator", "licence")


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "stack-v2"])
def test_a_recognised_layout_hides_no_column(family):
    fields = [*dict.fromkeys((*FAMILIES[family][0].split(), *ADDED))]
    found = detect(fields, SourceOptions(), where="x")
    assert found.family == family and found.text == FAMILIES[family][1].split()[0]
    assert [getattr(found, role) for role in ADDED] == [*ADDED]


def test_a_layout_without_a_date_takes_the_one_that_is_there():
    found = detect(["text", "meta.pile_set_name", "created_at", "doc_id"], SourceOptions(), where="x")
    assert (found.family, found.date, found.date_kind, found.id) == ("pile", "created_at", "written", "doc_id")


def test_a_programming_language_is_a_category_and_no_language():
    found = detect(FAMILIES["stack-v2"][0].split(), SourceOptions(), where="x")
    assert (found.language, found.category) == (None, "language")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Text ID Date URL", "Text ID Date URL written"),
        ("content doc_id published_date link", "content doc_id published_date link written"),
        ("body guid crawl_date domain", "body guid crawl_date domain crawled"),
        ("text date warc_filename", "text None date None crawled"),
        ("text added", "text None added None added"),
        ("text metadata.url metadata.date", "text None metadata.date metadata.url written"),
    ],
)
def test_common_names_are_found_and_crawl_dates_told_from_dates_of_writing(fields, expected):
    found = detect(fields.split(), SourceOptions(), where="x")
    assert [str(getattr(found, r)) for r in ("text", "id", "date", "url", "date_kind")] == expected.split()


def test_what_the_user_names_comes_first():
    options = SourceOptions(
        text_column="title", date_column="added", topic_column="metadata.field", date_kind="written"
    )
    found = detect(["text", "title", "date", "added", "metadata"], options, where="x")
    assert (found.text, found.date, found.topic, found.date_kind) == ("title", "added", "metadata.field", "written")


SHARD = Shard("s", "s", "text", None, 0, 0.0, "")


@given(st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=6), st.integers(1, 60), st.integers(1, 5))
def test_batches_hold_what_was_read_within_their_bounds_wherever_blocks_end(blocks, most, rows):
    options = SourceOptions(batch_bytes=most, batch_rows=rows)
    lengths = [n for block in blocks for n in block]

    def raws(cuts):
        row = 0
        for block in cuts:
            yield Raw(
                pl.DataFrame(
                    {"row": range(row, row + len(block)), "text": ["x" * n for n in block]},
                    schema={"row": pl.Int64, "text": pl.String},
                )
            )
            row += len(block)

    found = [[len(text) for text in batch.frame["text"]] for batch in batched(raws(blocks), SHARD, options)]
    assert [n for batch in found for n in batch] == lengths
    assert all(len(batch) <= rows and (sum(batch) <= most or len(batch) == 1) for batch in found)
    again = [[len(text) for text in b.frame["text"]] for b in batched(raws([[n] for n in lengths]), SHARD, options)]
    assert again == found


def test_many_skips_of_one_kind_become_a_count():
    skips = [Skip("s", "bad_json", row=i) for i in range(1000)] + [Skip("s", "no_text", 7)]
    short = list(condensed(skips))
    assert len(short) == LISTED + 2 and sum(skip.documents for skip in short) == 1007


def test_a_column_that_was_named_must_be_in_the_corpus_and_may_be_missing_in_a_reference():
    named = SourceOptions(topic_column="subject", text_column="body")
    with pytest.raises(ConfigError, match=r"no column '(topic|body)'"):
        detect(["id", "text"], named, where="a.jsonl")
    found = detect(["id", "text"], replace(named, demanded=False), where="a.jsonl")
    assert (found.text, found.topic) == ("text", None)
    assert detect(["subject", "body"], replace(named, demanded=False), where="a.jsonl").topic == "subject"
