"""Web archives: wrong lengths, damage, caps, hostile pages."""

import gzip

import pytest

from auditor.sources.read.html import nesting, page_text
from auditor.sources.read.interface import Limits
from tests.sources.corpora import COMPRESS, page, put, read, warc_record

TEXTS = [f"Text number {i} of the archive.\n\nWith a blank line." for i in range(9)]


def archive(broken: bytes | None = None) -> bytes:
    records = [warc_record(i, text.encode()) for i, text in enumerate(TEXTS)]
    if broken is not None:
        records[4] = broken
    return b"".join(records)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (warc_record(4, b"longer than said", length=3), "wrong_length"),
        (warc_record(4, b"shorter than said", length=40), "wrong_length"),
        (warc_record(4, b"far shorter than said", length=1_300), "wrong_length"),
        (warc_record(4, b"beyond every cap", length=10**12), "record_too_large"),
        (warc_record(4, b"beyond every number", length=10**40), "record_too_large"),
        (warc_record(4, b"negative", length=-5), "bad_record"),
        (warc_record(4, b"no length").replace(b"Content-Length", b"X-Length"), "bad_record"),
        (b"x" * 300 + b"\r\n\r\n", "bad_record"),
        (b"y" * 200_000 + b"\r\n\r\n", "bad_record"),
        (b"WARC/1.0\r\n" + b"z" * 200_000 + b"\r\n\r\n", "bad_record"),
        (warc_record(4, b"k" * 5000), "record_too_large"),
    ],
)
def test_a_damaged_record_costs_itself_only(tmp_path, broken, reason):
    frame, skips, _, failure = read(put(tmp_path, "a.wet", archive(broken)), limits=Limits(record_bytes=3000))
    assert frame["text"].to_list() == TEXTS[:4] + TEXTS[5:]
    assert skips == {reason: 1} and failure is None
    assert frame["row"].to_list() == [0, 1, 2, 3, 5, 6, 7, 8]


@pytest.mark.parametrize("compression", ["", ".gz"])
def test_a_truncated_archive_gives_its_whole_records_and_says_so(tmp_path, compression):
    octets = b"".join(COMPRESS[compression](warc_record(i, text.encode())) for i, text in enumerate(TEXTS))
    frame, skips, _, failure = read(put(tmp_path, f"a.wet{compression}", octets[: -len(octets) // 18]))
    assert frame["text"].to_list() == TEXTS[:-1]
    assert skips == {"cut_off": 1} and ("truncated" in str(failure))


def test_an_archive_that_ends_without_its_last_newlines_is_whole(tmp_path):
    for end in (4, 3, 2, 1):
        frame, skips, _, failure = read(put(tmp_path, "a.wet", archive()[:-end]))
        assert frame["text"].to_list() == TEXTS and (skips, failure) == ({}, None)


def test_garbage_at_the_end_is_noticed(tmp_path):
    frame, _, _, failure = read(put(tmp_path, "a.wet", archive() + b"\x00garbage"))
    assert frame["text"].to_list() == TEXTS and failure is not None


def test_line_ends_of_other_systems_and_continued_headers_are_read(tmp_path):
    octets = archive().replace(b"\r\n", b"\n").replace(b"WARC-Date: ", b"WARC-Date:\n  ")
    frame, skips, _, _ = read(put(tmp_path, "a.wet", octets))
    assert frame["text"].to_list() == TEXTS and skips == {} and frame["date"].null_count() == 0


def test_the_first_language_of_a_wet_record_is_its_language(tmp_path):
    octets = warc_record(0, b"x").replace(
        b"Content-Length", b"WARC-Identified-Content-Language: deu,eng\r\nContent-Length"
    )
    assert read(put(tmp_path, "a.wet", octets))[0]["language"].to_list() == ["de"]


def test_bodies_are_unpacked_and_bounded(tmp_path):
    small = gzip.compress(b"<html><body><main><p>Packed page.</p></main></body></html>")
    bomb = gzip.compress(b"a" * 5_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"10\r\n<p>Chunked page.\r\n4\r\n</p>\r\n0\r\n\r\n"
    octets = b"".join(warc_record(i, b, kind="response") for i, b in enumerate((head + small, head + bomb, chunked)))
    frame, skips, _, _ = read(put(tmp_path, "a.warc", octets), limits=Limits(record_bytes=1_000_000))
    assert frame["text"].to_list() == ["Packed page.", "Chunked page."] and skips == {"record_too_large": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/9 abc\r\nContent-Type: text/html\r\n\r\n<p>x",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\nnot gzip",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=nonsense\r\n\r\n<p>x",
        b"HTTP/1.1 200 OK\r\n" + b"A" * 100_000,
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_odd_responses_are_counted_or_read_but_never_raise(tmp_path, body):
    octets = warc_record(0, body, kind="response") + warc_record(1, page("good"), kind="response")
    frame, skips, _, failure = read(put(tmp_path, "a.warc", octets))
    assert frame["text"].to_list()[-1] == "good" and frame.height + sum(skips.values()) == 2 and failure is None


def test_very_deep_pages_take_the_way_that_is_not_quadratic():
    deep = b"<div>" * 50_000 + b"found" + b"</div>" * 50_000
    assert nesting(deep) == 50_000 and "found" in page_text(deep.decode(), deep)
    flat = b"<p>one<br>two<div>three</div>" * 5000
    assert nesting(flat) == 1


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n"])
@pytest.mark.parametrize("kind", ["conversion", "response"])
def test_records_that_follow_at_the_stated_length_are_whole_whatever_lies_between(tmp_path, between, kind):
    """Four pages became one wrong length where a writer had left the blank line out."""
    bodies = [f"page {i} of this archive".encode() for i in range(4)]
    records = [warc_record(i, page(b.decode()) if kind == "response" else b, kind=kind) for i, b in enumerate(bodies)]
    octets = b"".join(record.removesuffix(b"\r\n\r\n") + between for record in records)
    frame, skips, _, failure = read(put(tmp_path, "a.warc", octets))
    assert frame["text"].to_list() == [body.decode() for body in bodies]
    assert (skips, failure) == ({}, None)
