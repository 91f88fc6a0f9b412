"""JSON lines: what is a document, what is a counted skip, and that parsing whole blocks changes neither."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from auditor.sources.open.lines import Lines
from auditor.sources.read.interface import Columns, Limits
from auditor.sources.read.jsonl import Parser
from tests.sources.corpora import COMPRESS, TEXTS, jsonl, put, read

GOOD = b'{"text": "good", "id": "g"}'


@pytest.mark.parametrize(
    ("line", "text", "reason", "note"),
    [
        (b'{"text": 5}', None, "no_text", None),
        (b'{"text": -5.5e3}', None, "no_text", None),
        (b'{"text": true}', None, "no_text", None),
        (b'{"text": false}', None, "no_text", None),
        (b'{"text": ["a"]}', None, "no_text", None),
        (b'{"text": {"a": 1}}', None, "no_text", None),
        (b'{"id": "x"}', None, "no_text", None),
        (b"{}", None, "no_text", None),
        (b"[1, 2]", None, "no_text", None),
        (b"null", None, "no_text", None),
        (b"17", None, "no_text", None),
        (b'"text"', None, "no_text", None),
        (b'{"text": null}', "", None, None),
        (b'{"text": ""}', "", None, None),
        (b'{"text": "[1, 2]"}', "[1, 2]", None, None),
        (b'{"text": "12"}', "12", None, None),
        (b'{"text": "a"', None, "bad_json", None),
        (b'{"text": "a"} {"text": "b"}', None, "bad_json", None),
        (b'{"text": "a",}', None, "bad_json", None),
        (b'{"text": "a"} rest', None, "bad_json", None),
        (b'{"text": "\\x"}', None, "bad_json", None),
        (b"\xff\xfe", None, "bad_json", None),
        (b'{"text": "a", "text": "b"}', "a", None, None),
        (b'{"text": "a\x00b"}', "a\0b", None, None),
        (b'{"text": "a\\u0000b"}', "a\0b", None, None),
        (b'{"text": "a\tb"}', "a\tb", None, None),
        (b'{"text": "a\xffb"}', "a\ufffdb", None, "invalid_utf8_replaced"),
        (b'{"text": "a", "x": "\xc3("}', "a", None, "invalid_utf8_replaced"),
        (b'{"text": "a\\ud800b"}', "a\ufffdb", None, "lone_surrogate_replaced"),
        (b'{"text": "a\\ud83d\\ude00b"}', "a\U0001f600b", None, None),
        (b'{"text": "a", "n": NaN}', "a", None, None),
        (b'{"text": "a", "n": ' + b"9" * 6000 + b"}", "a", None, None),
        (b'{"t\\u0065xt": "a"}', "a", None, None),
        (b'{"text": "a"}\r', "a", None, None),
        (b'{"text": "a\xe2\x80\xa8b"}', "a\u2028b", None, None),
        (b'{"text": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", None, "nested_too_deep", None),
        (b'{"text": "a", "id": 7}', "a", None, None),
        (b'{"text": "a", "id": [7]}', "a", None, None),
    ],
)
def test_one_odd_line_is_judged_alone_and_its_neighbours_are_kept(tmp_path, line, text, reason, note):
    path = put(tmp_path, "a.jsonl", b"\n".join([GOOD, line, b"", b"  ", GOOD]))
    frame, skips, notes, failure = read(path)
    assert frame["text"].to_list() == ["good"] + ([] if text is None else [text]) + ["good"]
    assert frame["row"].to_list() == [0] + ([] if text is None else [1]) + [4]
    assert skips == ({} if reason is None else {reason: 1})
    assert notes == ({} if note is None else {note: 1}) and failure is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
RECORD = st.fixed_dictionaries(
    {}, optional={"text": JSON, "id": JSON, "metadata": JSON | st.fixed_dictionaries({"url": JSON})}
)
LINE = RECORD.map(lambda r: json.dumps(r).encode()) | RECORD.map(
    lambda r: json.dumps(r, ensure_ascii=False).encode(errors="replace")
)


def mutated(line: bytes, place: int, octet: bytes) -> bytes:
    place %= len(line) + 1
    return (line[:place] + octet + line[place + 1 :]).replace(b"\n", b" ")


MUTATED = st.builds(mutated, LINE, st.integers(0, 200), st.binary(max_size=2))


@given(st.lists(LINE | MUTATED | st.binary(max_size=6).map(lambda b: b.replace(b"\n", b"")), max_size=20))
@example([b"\xef\xbb\xbf{}", b"\x0b", b"\x0c{}", b"\xc2\xa0"])
def test_blocks_parsed_whole_give_what_single_lines_give(lines):
    columns = Columns(text="text", id="id", url="metadata.url")
    block = b"\n".join(lines)
    together = Parser("s", columns).block(Lines(5, block, max(1, len(lines))))
    apart = Parser("s", columns)._singly(list(enumerate(lines, 5)))
    assert together.frame["row"].to_list() == apart.frame["row"].to_list()
    assert together.frame["text"].to_list() == apart.frame["text"].to_list()
    assert [(s.row, s.reason) for s in together.skips] == [(s.row, s.reason) for s in apart.skips]


def test_many_lines_around_many_bad_ones_are_all_kept(tmp_path):
    lines = [b"{bad" if i % 7 == 3 else json.dumps({"text": f"document {i}"}).encode() for i in range(3000)]
    frame, skips, _, _ = read(put(tmp_path, "a.jsonl", b"\n".join(lines)))
    assert frame["row"].to_list() == [i for i in range(3000) if i % 7 != 3]
    assert frame["text"].to_list() == [f"document {i}" for i in range(3000) if i % 7 != 3]
    assert skips == {"bad_json": sum(i % 7 == 3 for i in range(3000))}


def test_types_that_change_within_a_column_lose_no_document(tmp_path):
    ids = ["a", 1, 2.5, None, {"x": 1}, [1], True, 10**30]
    urls = ["u.org", None, 3, {"url": "v.org"}, [], False, "w.org", ""]
    lines = [json.dumps({"text": f"t{i}", "id": ids[i], "metadata": urls[i]}) for i in range(8)]
    lines.insert(0, '{"text": "first", "id": "0", "metadata": {"url": "http://x.org/a"}}')
    frame, skips, _, _ = read(put(tmp_path, "a.jsonl", "\n".join(lines).encode()))
    assert frame["text"].to_list() == ["first"] + [f"t{i}" for i in range(8)] and skips == {}
    assert frame["doc_id"].to_list()[:4] == ["0", "a", "1", "2.5"] and frame["doc_id"][8] == str(10**30)
    assert frame["host"].to_list() == ["x.org", None, None, None, "v.org", None, None, None, None]


def test_a_record_over_the_cap_is_counted_and_the_rest_read(tmp_path):
    long = b'{"text": "' + b"y" * 9_000_000 + b'"}'
    for octets in (
        b"\n".join([GOOD, long, GOOD, long]),
        b"\n".join([long, GOOD, GOOD]),
        b"\n".join([GOOD] * 2 + [long]),
    ):
        frame, skips, _, _ = read(put(tmp_path, "a.jsonl", octets), limits=Limits(record_bytes=1_000_000))
        assert frame["text"].to_list() == ["good", "good"]
        assert skips == {"record_too_large": octets.count(b'yyyy"')}


def test_a_truncated_file_counts_the_line_that_was_cut(tmp_path):
    octets = COMPRESS[".gz"](jsonl([f"text {i} " * 40 for i in range(500)]))
    frame, skips, _, failure = read(put(tmp_path, "a.jsonl.gz", octets[: len(octets) // 2]))
    assert frame["text"].to_list() == [f"text {i} " * 40 for i in range(frame.height)] and frame.height > 100
    assert skips == {"cut_off": 1} and "truncated" in str(failure)


def test_marks_and_line_ends_of_other_systems_are_no_text(tmp_path):
    octets = b"\xef\xbb\xbf" + jsonl(TEXTS).replace(b"\n", b"\r\n")
    frame, skips, _, _ = read(put(tmp_path, "a.jsonl", octets))
    assert frame["text"].to_list() == TEXTS and skips == {}


def test_a_first_line_longer_than_the_look_ahead_hides_nothing(tmp_path):
    from auditor.sources.open.lines import first_lines

    long = b'{"text": "' + b"word " * 2000 + b'"}'
    pieces = [(long + b"\n" + b'{"text": "short"}\n')[i : i + 1000] for i in range(0, 12_000, 1000)]
    assert first_lines(pieces, 5, most=2000, longest=10**6)[0] == long
    assert b'{"text": "short"}' in first_lines(pieces, 5, most=2000, longest=4000)


@pytest.mark.parametrize("place", [0, 1, 7])
@pytest.mark.parametrize("inside", [None, "metadata"])
def test_a_record_of_any_number_of_fields_is_a_record(tmp_path, place, inside):
    """300,000 fields made the whole shard unreadable."""
    rows = [{"id": str(i), "text": f"text {i}"} for i in range(12)]
    many = {f"k{j}": j for j in range(300_000)}
    rows[place] |= {inside: many} if inside else many
    path = put(tmp_path, "a.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    frame, skips, _, failure = read(path)
    assert (frame["doc_id"].to_list(), skips, failure) == ([str(i) for i in range(12)], {}, None)
    assert frame["text"].to_list() == [f"text {i}" for i in range(12)]
