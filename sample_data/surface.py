"""One surface form for every text of the sample, whoever wrote it: quotes, dashes, paragraphs, length.

A detector that only counts newlines reaches AUC .9 on many public collections of human and machine text. So both kinds
pass through the same functions here: layout is removed and made anew by one rule.
"""

from __future__ import annotations

import re

import numpy as np

FOLDED = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u00b4": "'",
        "`": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2026": "...",
        "\u00a0": " ",
        "|": " ",
        "\u200b": "",
        "\ufeff": "",
        "*": "",
        "#": "",
        "\u2022": "",
    }
)
MARKUP = re.compile(r"\[\s*\]|\(\s*[,;]?\s*\)|\[\d+\]|https?://\S+")
QUOTED_CODE = re.compile(r"""(['"])\1*([\w.()=+<>/\[\]-]+)\1+""")
SENTENCE_GAP = re.compile(r"""(?<=[.!?])(["')]*)\s+(?=["'(]?[A-Z])""")
NO_END = re.compile(r"(?:\b[A-Z]|\b(?:Dr|Mr|Mrs|Ms|St|Jr|vs|cf|ca|No|e\.g|i\.e))\.$")
LETTERS = re.compile(r"[^\W\d_]")
CODE_MARKS = re.compile(r">>>|::=|->|==|\\|[{}<>_@$%^~]|\w\(|\.\.\. |--")
SHORTEST_PROSE = 12
LETTER_SHARE = 0.76
PARAGRAPH_WORDS = (45, 110)


def settle(text: str) -> str:
    """Fold typography, mark-up and quoted code, and put the text on one line."""
    folded = MARKUP.sub("", text.translate(FOLDED))
    folded = QUOTED_CODE.sub(r"\2", folded)
    return re.sub(r"\s+([,.;:])(?=\s|$)", r"\1", " ".join(folded.split()))


def is_prose(line: str) -> bool:
    """Whether a paragraph is sentences: starts like one, ends like one, mostly letters, hardly any code."""
    words = line.split()
    return (
        len(words) >= SHORTEST_PROSE
        and line[0].isupper()
        and line[-1] in ".!?:\"')"
        and len(LETTERS.findall(line)) / len(line) >= LETTER_SHARE
        and len(CODE_MARKS.findall(line)) <= len(words) / 12
    )


def sentences(text: str) -> list[str]:
    """Split settled text after full stops that end a sentence."""
    parts: list[str] = []
    start = 0
    for gap in SENTENCE_GAP.finditer(text):
        if not NO_END.search(text, max(start, gap.start() - 8), gap.start()):
            parts.append(text[start : gap.end(1)])
            start = gap.end()
    return [*parts, text[start:]] if start < len(text) else parts


def cut(parts: list[str], words: int) -> list[str]:
    """The leading sentences whose length comes nearest to `words`."""
    ends = np.cumsum([len(part.split()) for part in parts])
    return parts[: int(np.argmin(np.abs(ends - words))) + 1] if len(parts) else []


def lay_out(parts: list[str], rng: np.random.Generator) -> str:
    """Join sentences into paragraphs of drawn lengths, separated by one empty line."""
    blocks: list[list[str]] = [[]]
    room = int(rng.integers(*PARAGRAPH_WORDS))
    for part in parts:
        if room <= 0:
            blocks.append([])
            room = int(rng.integers(*PARAGRAPH_WORDS))
        blocks[-1].append(part)
        room -= len(part.split())
    return "\n\n".join(" ".join(block) for block in blocks)
