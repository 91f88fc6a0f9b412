"""Archived responses: encodings as sent, undone already, unannounced, cut off; chunks in every form."""

import gzip
import zlib

import brotli
import pytest
import zstandard

from auditor.sources.read.http import INCOMPLETE, UNDONE, BadMessage, TooLarge, parsed
from auditor.sources.read.interface import Limits
from tests.sources.corpora import put, read, warc_record

TEXT = "A page about the harbour wall. " * 40
HTML = f"<html><head><title>T</title></head><body><main><p>{TEXT}</p></main></body></html>".encode()


def raw_deflate(octets: bytes) -> bytes:
    inner = zlib.compressobj(wbits=-15)
    return inner.compress(octets) + inner.flush()


def chunks(octets: bytes, size: int = 100, extension: bytes = b"", trailer: bytes = b"", end: bytes = b"\r\n") -> bytes:
    pieces = [octets[i : i + size] for i in range(0, len(octets), size)]
    body = b"".join(b"%x" % len(p) + extension + end + p + end for p in pieces)
    return body + b"0" + extension + end + trailer + end


ENCODE = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate (raw)": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "gzip, gzip": lambda octets: gzip.compress(gzip.compress(octets)),
    "deflate, gzip": lambda octets: gzip.compress(zlib.compress(octets)),
    "GZIP": gzip.compress,
    "identity": bytes,
    "": bytes,
}


def message(body: bytes, coding: str = "", *, more: bytes = b"", end: bytes = b"\r\n") -> bytes:
    head = [b"HTTP/1.1 200 OK", b"Content-Type: text/html; charset=utf-8", more]
    head.append(b"Content-Encoding: " + coding.split(" (")[0].encode() if coding else b"")
    return end.join(line for line in head if line) + end + end + body


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("coding", ENCODE)
def test_every_coding_is_undone_as_sent_and_as_it_lies(coding, chunked, end):
    more = b"Transfer-Encoding: chunked" if chunked else b""
    body = ENCODE[coding](HTML)
    sent = parsed(message(chunks(body) if chunked else body, coding, more=more, end=end), 10**6)
    assert (sent.body, sent.notes, sent.status) == (HTML, (), 200)
    lies = parsed(message(HTML, coding, more=more, end=end), 10**6)
    announced = chunked or coding not in ("", "identity")
    assert (lies.body, lies.notes) == (HTML, (UNDONE,) if announced else ())
    half = parsed(message(body, coding, more=more, end=end), 10**6)  # the chunks were joined, the coding was kept
    assert half.body == HTML


@pytest.mark.parametrize("coding", ["gzip", "deflate", "deflate (raw)", "br", "zstd"])
def test_the_beginning_of_a_body_that_was_cut_off_is_read(coding):
    long = b"".join(b"<p>Line %d of a long page.</p>\n" % (i * 7919 % 10**6) for i in range(20_000))
    octets = ENCODE[coding](long)
    cut = parsed(message(octets[: len(octets) * 3 // 4], coding), 10**7)
    assert cut.notes == (INCOMPLETE,) and long.startswith(cut.body) and len(cut.body) > len(long) // 5


@pytest.mark.parametrize(
    "body",
    [
        chunks(HTML, extension=b";name=value"),
        chunks(HTML, extension=b'  ; a="b"'),
        chunks(HTML, extension=b"   "),
        chunks(HTML, trailer=b"X-Trailer: yes\r\n"),
        chunks(HTML, end=b"\n"),
        chunks(HTML, size=10**6),
        chunks(HTML).replace(b"64\r\n", b"000064\r\n"),
    ],
)
def test_chunks_in_every_form_are_joined(body):
    found = parsed(message(body, more=b"Transfer-Encoding: chunked"), 10**6)
    assert (found.body, found.notes) == (HTML, ())


def test_chunks_that_end_early_give_what_is_there():
    body = chunks(HTML)
    found = parsed(message(body[: len(body) // 2], more=b"Transfer-Encoding: chunked"), 10**6)
    assert HTML.startswith(found.body) and len(found.body) > len(HTML) // 3 and found.notes == (INCOMPLETE,)


def test_text_that_begins_like_a_chunk_stays_text():
    for text in (b"2018\nwas a year", b"a\n<p>b", b"3\r\n<p>b", b"0x12"):
        assert parsed(message(text, more=b"Transfer-Encoding: chunked"), 10**6).body == text


def test_a_gzip_body_without_its_header_is_unpacked():
    assert parsed(message(gzip.compress(HTML)), 10**6).body == HTML


def test_garbage_is_no_page_and_bombs_are_bounded():
    for coding in ("gzip", "br", "zstd"):
        with pytest.raises(BadMessage):
            parsed(message(bytes(range(256)) * 8, coding), 10**6)
    for coding in ("gzip", "deflate", "br", "zstd"):
        with pytest.raises(TooLarge):
            parsed(message(ENCODE[coding](b"a" * 10**7), coding), 10**6)


def test_a_message_without_headers_or_without_an_end_is_read():
    assert parsed(b"HTTP/1.0 200 OK\r\n\r\n<p>x", 100).body == b"<p>x"
    assert parsed(b"HTTP/1.1 404", 100).status == 404
    assert parsed(b"HTTP/9 abc\r\nContent-Type: text/html\r\n\r\n<p>x", 100).status is None


@pytest.mark.parametrize("compression", ["", ".gz"])
@pytest.mark.parametrize("off", [-4, -3, -2, -1, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["response", "conversion"])
def test_lengths_that_are_a_few_bytes_wrong_lose_no_record(tmp_path, kind, off, compression):
    bodies = [message(HTML.replace(b"harbour", b"harbour %d" % i)) for i in range(5)]
    if kind == "conversion":
        bodies = [f"Record {i}.\n\nWith a blank line and an end".encode() for i in range(5)]
    records = [warc_record(i, body, kind=kind, length=len(body) + off) for i, body in enumerate(bodies)]
    octets = b"".join(gzip.compress(r) if compression else r for r in records)
    frame, skips, notes, failure = read(put(tmp_path, f"a.warc{compression}", octets))
    assert (skips, failure) == ({}, None)
    assert frame["row"].to_list() == [0, 1, 2, 3, 4]
    if kind == "conversion":
        assert [text.rstrip("\r\n") for text in frame["text"]] == [body.decode() for body in bodies]
    assert set(notes) <= {"length_mended"} and (off != 0 or not notes)


def test_the_notes_on_a_body_reach_the_batch(tmp_path):
    records = [warc_record(0, message(HTML, "gzip"), kind="response"), warc_record(1, message(HTML), kind="response")]
    frame, skips, notes, _ = read(put(tmp_path, "a.warc", b"".join(records)))
    assert frame["text"].to_list() == [TEXT.strip()] * 2 and skips == {} and notes == {UNDONE: 1}


def test_pages_that_are_too_long_are_counted(tmp_path):
    body = message(gzip.compress(b"<p>" + b"a" * 10**6), "gzip")
    octets = warc_record(0, body, kind="response")
    assert read(put(tmp_path, "a.warc", octets), limits=Limits(record_bytes=10**5))[1] == {"record_too_large": 1}
