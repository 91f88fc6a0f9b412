"""The HTTP message inside an archived response: its status, its type, and its body with the encodings undone.

Archives disagree about the body. Some hold the bytes as they were sent. Others (Common Crawl before August 2018,
CC-NEWS before 2019) hold the decoded body under headers that still announce gzip, br or chunks. So an encoding is
undone where the bytes have it; otherwise the bytes are taken as they are, and that is noted.

References: RFC 9112 (HTTP/1.1 messages, section 7.1: chunks), RFC 9110 (section 8.4: content codings)
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

UNDONE = "encoding_already_undone"  # the header announces an encoding that the bytes do not have
INCOMPLETE = "payload_incomplete"  # the encoded body ends early, or is damaged: its readable beginning is the document
MOST_LAYERS = 4  # content codings of one body; real pages have one, at times two
FEED = 4 << 10  # encoded bytes given to a decoder that cannot bound its output

_HEAD_END = re.compile(rb"\r?\n\r?\n|\r\r")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d+)?[ \t]+(\d{3})\b")
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.IGNORECASE)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class BadMessage(Exception):
    """A message that gives no body."""


class TooLarge(Exception):
    """A body beyond the bound."""


@dataclass(frozen=True, slots=True)
class Message:
    """An HTTP response: its status (None where the first line has none), its media type in lower case, charset, body.

    notes: UNDONE, INCOMPLETE, where they apply
    """

    status: int | None
    content_type: str
    charset: str | None
    body: bytes
    notes: tuple[str, ...] = ()


def parsed(octets: bytes, longest: int) -> Message:
    """The message in `octets`, which begin with "HTTP/".

    Raises: BadMessage where nothing of the body can be read; TooLarge where it is longer than `longest` bytes
    """
    end = _HEAD_END.search(octets)
    head, body = (octets[: end.start()], octets[end.end() :]) if end else (octets, b"")
    status = _STATUS.match(head)
    headers = _headers(head)
    content_type = headers.get("content-type", "").lower()
    charset = _CHARSET.search(content_type)
    notes: set[str] = set()
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _unchunked(body, notes)
    codings = [c.strip() for c in headers.get("content-encoding", "").lower().split(",")]
    body = _decoded(body, [c for c in codings if c not in ("", "identity")], longest, notes)
    if len(body) > longest:
        raise TooLarge
    return Message(
        int(status[1]) if status else None, content_type, charset[1] if charset else None, body, tuple(sorted(notes))
    )


def _headers(head: bytes) -> dict[str, str]:
    """Names in lower case; the first of a name counts, folded lines are joined, repeated codings are one list."""
    found: dict[str, str] = {}
    last = ""
    for line in head.decode("latin-1").splitlines()[1:]:
        if line[:1] in (" ", "\t") and last:
            found[last] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        last = name.strip().lower() if colon else ""
        if not last:
            continue
        if last in found and last.endswith("-encoding"):
            found[last] += "," + value.strip()
        found.setdefault(last, value.strip())
    return found


def _unchunked(body: bytes, notes: set[str]) -> bytes:
    """The chunks of a body joined; the body as it is where it does not begin with a chunk."""
    parts: list[bytes] = []
    at = 0
    while head := _CHUNK.match(body, at):
        size = int(head[1], 16)
        if size == 0:
            return b"".join(parts)
        start, at = head.end(), head.end() + size
        if at < len(body) and body[at : at + 1] not in (b"\r", b"\n"):
            break  # no chunk: a line of text that reads like a number
        if not parts and at > len(body) and not head[0].endswith(b"\r\n"):
            break
        parts.append(body[start:at])
        at += 2 if body[at : at + 2] == b"\r\n" else 1
        if at >= len(body):
            notes.add(INCOMPLETE)
            return b"".join(parts)
    if not parts:
        notes.update([UNDONE] if body else [])
        return body
    notes.add(INCOMPLETE)
    return b"".join(parts)


def _decoded(body: bytes, codings: list[str], longest: int, notes: set[str]) -> bytes:
    """The body without its content codings, undone in reverse order."""
    for coding in reversed(codings[-MOST_LAYERS:]):
        undo = _CODINGS.get(coding.removeprefix("x-"))
        if undo is None or not body:
            continue
        decoded, whole = _bounded(undo(body), longest)
        if decoded is None:
            if not _is_text(body):
                raise BadMessage(f"neither {coding} nor text")
            notes.add(UNDONE)
            continue
        body = decoded
        if not whole:
            notes.add(INCOMPLETE)
    for _layer in range(MOST_LAYERS):  # a header that was lost: no page begins like a gzip file
        if not body.startswith(_GZIP):
            break
        decoded, whole = _bounded(_gunzipped(body), longest)
        if decoded is None:
            raise BadMessage("damaged gzip")
        body = decoded
        notes.update([] if whole else [INCOMPLETE])
    return body


def _bounded(pieces: Iterator[bytes], longest: int) -> tuple[bytes | None, bool]:
    """All pieces, and whether they came to their end; None where there is not one byte."""
    found: list[bytes] = []
    size = 0
    whole = True
    try:
        for piece in pieces:
            found.append(piece)
            size += len(piece)
            if size > longest:
                raise TooLarge
    except _Damaged:
        whole = False
    return (b"".join(found) if whole or size else None), whole


class _Damaged(Exception):
    """A body that a decoder refuses, or that ends early."""


def _inflated(body: bytes, window: int) -> Iterator[bytes]:
    """Deflated data, members one after the other; what follows the last one is padding."""
    while body:
        inner = zlib.decompressobj(wbits=window)
        try:
            while not inner.eof:
                piece = inner.decompress(body, 1 << 20)
                body = inner.unconsumed_tail
                if piece:
                    yield piece
                elif not body:
                    break
        except zlib.error as error:
            raise _Damaged from error
        if not inner.eof:
            raise _Damaged
        body = inner.unused_data if inner.unused_data.startswith(_GZIP) else b""


def _gunzipped(body: bytes) -> Iterator[bytes]:
    if not body.startswith(_GZIP):
        raise _Damaged
    yield from _inflated(body, 31)


def _deflated(body: bytes) -> Iterator[bytes]:
    """With the header of zlib, as the standard says, or without, as some servers do."""
    with_header = len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    if not with_header and body.lstrip()[:1] == b"<":
        raise _Damaged
    yield from _inflated(body, 15 if with_header else -15)


def _unbrotlied(body: bytes) -> Iterator[bytes]:
    import brotli

    inner = brotli.Decompressor()
    try:
        for start in range(0, len(body), FEED):
            yield inner.process(body[start : start + FEED])
    except brotli.error as error:
        raise _Damaged from error
    if not inner.is_finished():
        raise _Damaged


def _unzstd(body: bytes) -> Iterator[bytes]:
    import zstandard

    if not body.startswith(_ZSTD):
        raise _Damaged
    inner = zstandard.ZstdDecompressor(max_window_size=1 << 28).decompressobj()
    try:
        for start in range(0, len(body), FEED):
            if not inner.eof:
                yield inner.decompress(body[start : start + FEED])
    except zstandard.ZstdError as error:
        raise _Damaged from error
    if not inner.eof:
        raise _Damaged


_CODINGS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gunzipped,
    "deflate": _deflated,
    "br": _unbrotlied,
    "zstd": _unzstd,
}


def _is_text(body: bytes) -> bool:
    """Whether bytes that should be encoded are plain text: no NUL (but in UTF-16), few control characters."""
    start = body[:4096]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\x0b\f\r\x1b" for byte in start)
    return b"\0" not in start and controls * 50 <= len(start)
