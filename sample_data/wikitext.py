"""Wikitext to paragraphs of plain prose: enough for cutting passages, no full parser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from auditor.sample_data.surface import is_prose

DROPPED = [
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"<ref[^>/]*/>", re.IGNORECASE),
    re.compile(
        r"<(ref|math|gallery|timeline|source|table|blockquote|imagemap|score|code|pre)\b.*?</\1\s*>", re.I | re.S
    ),
]
INNERMOST_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}|\{\|(?:[^{}]|\{(?!\|)|(?<!\|)\})*?\|\}")
MEDIA_LINK = re.compile(r"\[\[(?:File|Image|Category|[a-z-]{2,12}):(?:[^\[\]]|\[\[[^\[\]]*\]\])*\]\]", re.IGNORECASE)
LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
OUTER_LINK = re.compile(r"\[(?:https?:)?//\S+\s*([^\]]*)\]")
TAG = re.compile(r"</?[A-Za-z][^>]*>")
# A template that stood inside the sentence (a conversion, a pronunciation) leaves a hole; such marks betray it.
HOLE = re.compile(
    r"\(\s*[;,]|\s[;,)]|\(\s*\)|\b(?:of|about|is|by|the|to|in|at)\s+(?:[.,;)]|and\b|of\b)|\[\[|\]\]|\{\{|\}\}|\|"
)
NESTING = 12
LAST_SECTIONS = re.compile(
    r"\n==\s*(?:See also|References|Notes|Footnotes|Further reading|External links|Bibliography)", re.I
)


def paragraphs(wikitext: str) -> Iterator[str]:
    """Paragraphs of running text; headings, lists, tables, notes and sentences with holes are left out."""
    text = LAST_SECTIONS.split(wikitext, maxsplit=1)[0]
    for pattern in DROPPED:
        text = pattern.sub("", text)
    for _ in range(NESTING):
        text, found = INNERMOST_TEMPLATE.subn("", text)
        if not found:
            break
    text = LINK.sub(r"\1", MEDIA_LINK.sub("", text))
    text = TAG.sub("", OUTER_LINK.sub(r"\1", text))
    text = html.unescape(text.replace("'''", "").replace("''", ""))
    for line in text.split("\n"):
        line = line.strip()
        if line and line[0] not in "=*#:;|!{}<" and is_prose(line) and not HOLE.search(line):
            yield line
