"""Text of web pages: the HTTP payload of an archived response, decoded, and its main content.

The extractor is resiliparse: 1.3 ms a page where trafilatura takes 34 (60 pages of software documentation, 33 KB in the
mean; the words they find overlap by .74), and training corpora made with either served models equally well [1]. Its
main-content pass is quadratic in the depth of nesting (0.6 s at 4,000, minutes at 100,000), so very deep pages get the
plain pass, which is linear.

References: [1] Li et al. 2024, DataComp-LM, section 4.2 (text extraction)
"""

from __future__ import annotations

import io
import re

from fastwarc.warc import ArchiveIterator
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

DEEPEST = 1000  # nesting up to which main content is looked for

_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Elements that have no end, or whose end may be left out: they don't nest by themselves.
_FLAT = frozenset(
    b"area base br col embed hr img input link meta source track wbr p li td th tr dt dd option tbody thead".split()
)
_TEXTUAL = ("text/html", "application/xhtml", "text/plain", "application/xml", "text/xml")


class NoText(Exception):
    """A response without text; the message is the reason of the skip."""


def response_text(body: bytes, content_type: str, longest: int) -> str:
    """The text of the body of a WARC response or resource record.

    Parameters: content_type: of the record; what an HTTP response inside says of itself comes first
    Raises: NoText with the reason: not a page, refused by the server, too large, undecodable
    """
    charset, payload = None, body
    if body.startswith(b"HTTP/"):
        status, content_type, charset, payload = _payload(body, longest)
        if status != 200:
            raise NoText("http_status")
    content_type = content_type.strip().lower()
    if not (content_type.startswith(_TEXTUAL) if content_type else _looks_like_a_page(payload)):
        raise NoText("not_a_page")
    encoding = charset or detect_encoding(payload, from_html_meta=True) or "utf-8"
    try:
        page = bytes_to_str(payload, encoding)
    except (LookupError, UnicodeError):
        page = payload.decode(errors="replace")
    return page if content_type.startswith("text/plain") else page_text(page, payload)


def page_text(page: str, payload: bytes) -> str:
    """The main content of an HTML page as plain text with its line breaks."""
    return extract_plain_text(page, preserve_formatting=True, main_content=nesting(payload) <= DEEPEST)


def nesting(payload: bytes) -> int:
    """An upper bound on the depth of nesting, exact where every element is closed."""
    if payload.count(b"<") <= DEEPEST:
        return 0
    deepest = depth = 0
    for tag in _TAG.finditer(payload):
        if tag[2].lower() not in _FLAT:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _payload(body: bytes, longest: int) -> tuple[int | None, str, str | None, bytes]:
    """HTTP status, content type, charset and the body with transfer and content encodings undone, bounded."""
    record = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
    record += b"Content-Length: %d\r\n\r\n" % len(body) + body + b"\r\n\r\n"
    try:
        parsed = next(iter(ArchiveIterator(io.BytesIO(record), parse_http=False, stream_detect=False)))
        parsed.parse_http(auto_decode="all")
        payload = parsed.reader.read(longest + 1)
        status = parsed.http_headers.status_code
        content_type, charset = parsed.http_content_type or "", parsed.http_charset
    except Exception as error:
        raise NoText("bad_http") from error
    except BaseException as error:
        # fastwarc is written in Rust, whose panics are no subclass of Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise NoText("bad_http") from error
    if len(payload) > longest:
        raise NoText("record_too_large")
    return status, content_type, charset, payload


def _looks_like_a_page(payload: bytes) -> bool:
    return b"\0" not in payload[:4096] and b"<" in payload[:4096]
