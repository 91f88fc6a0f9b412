"""Text of web pages: the HTTP payload of an archived response, decoded, and its main content.

The extractor is resiliparse: 1.3 ms a page where trafilatura takes 34 (60 pages of software documentation, 33 KB in the
mean; the words they find overlap by .74), and training corpora made with either served models equally well [1]. Its
main-content pass is quadratic in the depth of nesting (0.6 s at 4,000, minutes at 100,000), so very deep pages get the
plain pass, which is linear.

References: [1] Li et al. 2024, DataComp-LM, section 4.2 (text extraction)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from auditor.sources.read.http import BadMessage, Message, TooLarge, parsed

DEEPEST = 1000  # nesting up to which main content is looked for

_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
# Elements that have no end, or whose end may be left out: they don't nest by themselves.
_FLAT = frozenset(
    b"area base br col embed hr img input link meta source track wbr p li td th tr dt dd option tbody thead".split()
)
_TEXTUAL = ("text/html", "application/xhtml", "text/plain", "application/xml", "text/xml")


class NoText(Exception):
    """A response without text; the message is the reason of the skip."""


@dataclass(frozen=True, slots=True)
class Page:
    """The text of a response, and the notes on how its body was read (see http.py)."""

    text: str
    notes: tuple[str, ...] = ()


def response_page(body: bytes, content_type: str, longest: int) -> Page:
    """The text of the body of a WARC response or resource record.

    Parameters: content_type: of the record; the headers of an HTTP response inside it take precedence
    Raises: NoText with the reason: not a page, refused by the server, too large, undecodable
    """
    message = _message(body, content_type, longest)
    if message.status not in (200, None) or (message.status is None and body.startswith(b"HTTP/")):
        raise NoText("http_status")
    kind, payload = message.content_type.strip().lower(), message.body
    if not (kind.startswith(_TEXTUAL) if kind else _looks_like_a_page(payload)):
        raise NoText("not_a_page")
    encoding = message.charset or detect_encoding(payload, from_html_meta=True) or "utf-8"
    try:
        page = bytes_to_str(payload, encoding)
    except (LookupError, UnicodeError):
        page = payload.decode(errors="replace")
    return Page(page if kind.startswith("text/plain") else page_text(page, payload), message.notes)


def _message(body: bytes, content_type: str, longest: int) -> Message:
    """The HTTP message of a record; a body without an HTTP head (old archives, resources) is the payload itself."""
    start = body.lstrip(b"\r\n") if body[:1] in (b"\r", b"\n") else body
    try:
        if start.startswith(b"HTTP/"):
            return parsed(start, longest)
    except BadMessage as error:
        raise NoText("bad_http") from error
    except TooLarge as error:
        raise NoText("record_too_large") from error
    return Message(None, "" if content_type.lower().startswith("application/http") else content_type, None, body)


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


def _looks_like_a_page(payload: bytes) -> bool:
    return b"\0" not in payload[:4096] and b"<" in payload[:4096]
