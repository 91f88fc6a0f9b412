"""CSV and TSV: quoting, ragged rows, absurd widths, quotes that never close."""

import csv
import io

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from auditor.sources.open import quoting
from auditor.sources.open.lines import Lines
from auditor.sources.read.interface import Limits, SourceOptions
from auditor.sources.read.table_records import Feed, records_of
from tests.sources.corpora import COMPRESS, TEXTS, delimited, plan, put, read


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_the_delimiter_is_found_from_the_header(tmp_path, delimiter):
    frame, *_ = read(put(tmp_path, "a.csv", delimited(TEXTS, delimiter)))
    assert frame["text"].to_list() == TEXTS


def test_rows_that_do_not_fit_the_header_are_counted_and_the_others_kept(tmp_path):
    octets = b"id,text,url\n1,one,u\n2,two\n3\n4,four,u,more\n5,five,u,,\n\n6,six,u\n"
    frame, skips, _, _ = read(put(tmp_path, "a.csv", octets))
    assert frame["text"].to_list() == ["one", "two", "five", "six"]
    assert frame["row"].to_list() == [0, 1, 4, 5]
    assert skips == {"no_text": 1, "bad_row": 1}


def test_a_quote_that_never_closes_costs_no_line_that_fits_the_header(tmp_path):
    octets = b'id,text\n1,one\n2,"two\n3,three\n4,"four, and more\n5,five\n'
    frame, skips, notes, _ = read(put(tmp_path, "a.csv", octets))
    assert frame["text"].to_list() == ["one", '"two', "three", "five"]
    assert skips == {"unclosed_quote": 1} and notes == {"quote_mended": 1}


def test_a_quoted_record_over_the_cap_gives_its_lines_back(tmp_path):
    octets = b'id,text\n1,"' + b"y\n" * 300 + b'\n2,two\n3,"' + b"z" * 500 + b'"\n4,four\n'
    frame, skips, _, _ = read(put(tmp_path, "a.csv", octets), limits=Limits(record_bytes=400))
    assert frame["text"].to_list() == ['"y', "two", "four"]
    assert skips == {"no_text": 299, "record_too_large": 1}


def test_ten_million_columns_are_refused_at_once(tmp_path):
    header = put(tmp_path, "a.csv", b"text" + b"," * 10_000_000 + b"\n")
    (unread,) = plan(header).failed
    assert "columns" in unread.reason
    row = put(tmp_path, "b.csv", b"id,text\n1,one\n2" + b"," * 10_000_000 + b"\n3,three\n")
    frame, skips, _, _ = read(row)
    assert frame["text"].to_list() == ["one", "three"] and skips == {"too_many_columns": 1}


def test_commas_inside_quotes_are_no_columns(tmp_path):
    text = "," * 50_000 + "\n" + "," * 50_000
    frame, skips, _, _ = read(put(tmp_path, "a.csv", delimited([text, "b"])))
    assert frame["text"].to_list() == [text, "b"] and skips == {}


def test_invalid_bytes_are_replaced_and_counted_by_the_document(tmp_path):
    octets = b'id,text\n1,on\xff\n2,two\n3,"a\xff\nb\xff"\n4,\xef\xbf\xbd\n'
    frame, _, notes, _ = read(put(tmp_path, "a.csv", octets))
    assert frame["text"].to_list() == ["on\ufffd", "two", "a\ufffd\nb\ufffd", "\ufffd"]
    assert notes["invalid_utf8_replaced"] in (2, 3)


def test_nul_and_marks_are_read(tmp_path):
    frame, *_ = read(put(tmp_path, "a.csv", b"\xef\xbb\xbftext,id\r\na\0b,1\r\nc,2"))
    assert frame["text"].to_list() == ["a\0b", "c"]


def test_a_cut_record_is_no_document(tmp_path):
    octets = COMPRESS[".gz"](delimited([f"text {i} " * 40 for i in range(500)]))
    frame, skips, _, failure = read(put(tmp_path, "a.csv.gz", octets[: len(octets) // 2]))
    assert frame["text"].to_list() == [f"text {i} " * 40 for i in range(frame.height)] and frame.height > 100
    assert sum(skips.values()) == 1 and "truncated" in str(failure)


def parsed(text: str) -> list:
    lines = Lines(0, text.encode(), text.count("\n") + 1)
    return list(records_of(Feed([lines], ",", SourceOptions()), ","))


CELL = st.text(alphabet='ab,"\n\r é', max_size=6)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8))
def test_well_formed_tables_parse_as_the_standard_library_parses_them(rows):
    sink = io.StringIO(newline="")
    csv.writer(sink).writerows(rows)
    assert parsed(sink.getvalue()) == rows


@given(
    st.lists(st.lists(st.text(alphabet='abc,"\n\r é\t;', max_size=6), min_size=3, max_size=3), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(['"', ",", "\n", "\r", "\xff", "\0", ""])), max_size=2),
)
@example([["a", "b", 'x"y']] * 3, "\n", [])
def test_blocks_parsed_at_once_give_what_lines_give(rows, end, mutations):
    sink = io.StringIO(newline="")
    csv.writer(sink, lineterminator=end).writerows(rows)
    block = sink.getvalue().encode()
    for place, mark in mutations:
        place %= len(block) + 1
        block = block[:place] + mark.encode("latin-1") + block[place + 1 :]
    cut = quoting.whole_records(block, ",")
    if cut:
        frame = quoting.parsed(block[:cut], ",", 3, {"id": 0, "text": 1, "url": 2})
        if frame is not None:
            apart = [record + [None] * (3 - len(record)) for record in parsed(block[:cut].decode())]
            assert [list(row) for row in frame.rows()] == apart
        else:
            assert mutations or b"\r" in block or b"\n\n" in block or block.startswith(b"\n")


def test_an_oddity_in_the_middle_of_a_long_table_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("auditor.sources.open.lines.BLOCK", 1000)
    texts = [f'text "{i}"\nsecond line, of {i} ' + "y" * (i % 90) for i in range(3000)]
    octets = delimited(texts)
    whole, *_ = read(put(tmp_path, "a.csv", octets))
    assert whole["text"].to_list() == texts and whole["row"].to_list() == list(range(3000))
    place = octets.index(b"doc-1500")
    octets = octets[:place] + b'odd,un"quoted,,\n\n' + octets[place:]
    frame, skips, _, _ = read(put(tmp_path, "b.csv", octets))
    assert frame["text"].to_list() == [*texts[:1500], 'un"quoted', *texts[1500:]] and skips == {}


def test_an_empty_table_is_no_corpus(tmp_path):
    (unread,) = plan(put(tmp_path, "a.csv", b"\n\n\n")).failed
    assert "header" in unread.reason


def test_a_header_of_an_absurd_length_is_refused(tmp_path):
    (unread,) = plan(put(tmp_path, "a.csv", b"x" * 5000), limits=Limits(record_bytes=1000)).failed
    assert "record_too_large" in unread.reason


def rows_of(texts, delimiter: str, style: str) -> bytes:
    """A table as Spark writes it (backslashes), as people do (bare quotes), or as tabs need it (quotes are letters)."""
    if style == "spark":
        cells = ['"' + t.replace('"', '\\"') + '"' for t in texts]
    elif style == "bare":
        cells = ['"' + t + '"' for t in texts]
    else:
        cells = texts
    lines = [f"{i}{delimiter}{cell}{delimiter}u{i}\n" for i, cell in enumerate(cells)]
    return f"id{delimiter}text{delimiter}url\n".encode() + "".join(lines).encode()


QUOTED = [
    'She said "hello" and left.',
    '"Hello," she said, "and goodbye."',
    "no quotes at all, but commas",
    'ends in a "quote"',
    '"',
    'one " alone',
    "a \\ backslash",
    'many """ of them ""',
]


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_backslashes_of_spark_are_read(tmp_path, delimiter, packed):
    texts = [*QUOTED, 'two lines\nwith "quotes" in both\n"lines"']
    path = put(tmp_path, f"a.csv{packed}", COMPRESS[packed](rows_of(texts, delimiter, "spark")))
    frame, skips, _, _ = read(path)
    assert frame["text"].to_list() == texts and skips == {}
    assert frame["row"].to_list() == [*range(len(texts))]


@pytest.mark.parametrize("suffix", [".tsv", ".tab"])
def test_quotes_in_a_tsv_without_quoting_are_letters(tmp_path, suffix):
    texts = [text for text in QUOTED if not (text[0] == text[-1] == '"')] * 3
    texts += ['"Opening ' + str(i) for i in range(7)] + ["plain"] + ['closing"'] * 3 + ["plain"]
    frame, skips, _, _ = read(put(tmp_path, f"a{suffix}", rows_of(texts, "\t", "letters")))
    assert frame["text"].to_list() == texts and skips == {}


def test_a_quoted_tsv_of_several_lines_is_still_read(tmp_path):
    texts = ["one\ntwo", "a\ttab", 'a "quote"', "plain", "three\n\nlines"]
    frame, skips, _, _ = read(put(tmp_path, "a.tsv", delimited(texts, "\t")))
    assert frame["text"].to_list() == texts and skips == {}


def test_bare_quotes_inside_quotes_are_read(tmp_path):
    texts = ['He said "hi" to me', 'a "b", c', "plain"]
    frame, skips, _, _ = read(put(tmp_path, "a.csv", rows_of(texts, ",", "bare")))
    assert frame["text"].to_list()[0] == texts[0] and frame["text"].to_list()[-1] == texts[-1]
    assert frame.height + sum(skips.values()) == 3


@given(
    st.lists(st.text(alphabet='ab" \\,\t', min_size=1, max_size=8), min_size=1, max_size=12),
    st.sampled_from([",", "\t"]),
    st.sampled_from(["letters", "spark", "bare"]),
)
def test_every_line_of_a_table_is_a_document_or_a_counted_skip(tmp_path_factory, texts, delimiter, style):
    """Whatever the quotes: at most a stretch that reads as one quoted record of several lines is one document."""
    folder = tmp_path_factory.mktemp("law")
    path = put(folder, "a.csv" if delimiter == "," else "a.tsv", rows_of(texts, delimiter, style))
    frame, skips, _, failure = read(path)
    joined = sum(text.count("\n") for text in frame["text"].to_list()) if frame.height else 0
    assert frame.height + sum(skips.values()) + joined == len(texts) and failure is None
    rows = frame["row"].to_list() if frame.height else []
    assert rows == sorted(set(rows))
