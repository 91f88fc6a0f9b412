"""Hostile strings made harmless to lay out: shard names, hosts, ids and messages come from the corpus.

Renderers escape (jinja2 autoescape, Markdown, rich); this module removes what escaping does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

NAME_LIMIT, TEXT_LIMIT = 120, 600
ELLIPSIS, REPLACEMENT = "…", "\ufffd"
SEPARATORS = "/\\-_. "  # between the parts of a name

# Controls, lone surrogates and non-characters; then what is invisible or turns the direction of reading.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"\s+")
_STACKED = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def clean(text: Any, limit: int = TEXT_LIMIT) -> str:
    """One visible line of at most `limit` characters: no control, no bidirectional override, no stacked marks."""
    # Cut first: a word of a megabyte costs no more than one of a kilobyte.
    line = _CONTROL.sub(REPLACEMENT, str(text)[: 8 * limit])
    line = _STACKED.sub(r"\1", _SPACE.sub(" ", _INVISIBLE.sub("", line))).strip()
    if len(line) < limit and len(str(text)) > 8 * limit:
        return line + ELLIPSIS
    return line if len(line) <= limit else line[: limit - 1].rstrip() + ELLIPSIS


def name(text: Any, limit: int = NAME_LIMIT) -> str:
    """A name shortened in the middle, since the ends of a path tell more."""
    whole = str(text)
    if len(whole) > 4 * limit:
        whole = whole[: 2 * limit] + whole[-2 * limit :]
    line = clean(whole, len(whole) + 1)
    if len(line) <= limit and len(whole) == len(str(text)):
        return line or "(no name)"
    front = (limit - 1) // 2
    return line[:front].rstrip() + ELLIPSIS + line[-(limit - 1 - front) :].lstrip()


def names_apart(texts: Sequence[Any], limit: int) -> list[str]:
    """Names of at most `limit` characters that stay distinct: parts that all share are elided first.

    Of data/CC-MAIN-2013-20/000_00000.parquet and data/CC-MAIN-2014-10/000_00000.parquet the dumps stay.
    """
    whole = [clean(text, 4 * NAME_LIMIT) or "(no name)" for text in texts]
    if len(set(whole)) < 2 or max(map(len, whole)) <= limit:
        return [name(text, limit) for text in texts]
    shortest = min(map(len, whole))
    fronts = _ends_of_parts(whole[0][: _shared(whole)])
    back = max(0, min(_shared([text[::-1] for text in whole]), shortest - fronts[-1]))
    backs = _ends_of_parts(whole[0][len(whole[0]) - back :][::-1])
    cut = [_without(text, fronts, backs, limit) for text in whole]
    apart = [name(text, limit) for text in cut]
    return apart if len(set(apart)) >= len({name(text, limit) for text in texts}) else [name(t, limit) for t in texts]


def _shared(texts: Sequence[str]) -> int:
    """How many characters all texts begin with."""
    first, last = min(texts), max(texts)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def _ends_of_parts(shared: str) -> list[int]:
    """Where the parts of a shared string end, at separators; at its own end if it has none."""
    return [place for place, sign in enumerate(shared, 1) if sign in SEPARATORS] or [len(shared)]


def _without(text: str, fronts: Sequence[int], backs: Sequence[int], limit: int) -> str:
    """The text shortened to fit by dropping parts of the shared beginning, then of the shared end."""
    if len(text) > limit and fronts[-1] > 1:
        start = next((end for end in fronts if len(text) - end < limit), fronts[-1])
        text = ELLIPSIS + text[start:]
    if len(text) > limit and backs[-1] > 1:
        stop = next((end for end in backs if len(text) - end < limit), backs[-1])
        text = text[: len(text) - stop] + ELLIPSIS
    return text
