"""A text as two streams: its words with the punctuation between them, and the same with rarer words reduced to form.

Topic is in the rarer words, authorship in how the others are combined: the second stream keeps common words
and punctuation, and only the ending of every other word and how frequent it was before 2022. Words are the tokens that
the batch already has; a word that begins with a digit is a number, and all numbers are the same; a run of one mark
counts once, and what tells how a source was scraped (white space, line breaks, bullets, markdown, shapes of quotes) is
skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from auditor.detectors.first.word_tables import CHECK, SHIFT, listed, read_table
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel
from auditor.text.tokens import mix

SPACE, DIGIT, MARK, LINE, DASH, WIDE = range(6)
COMMON, LISTED = 200, 60_000  # words kept whole in the second stream; words whose form is known
ENDINGS = (
    "ment",
    "less",
    "able",
    "ible",
    "ance",
    "ence",
    "tion",
    "sion",
    "ness",
    "ing",
    "ity",
    "ous",
    "ive",
    "ful",
    "ism",
    "ist",
    "est",
    "ant",
    "ent",
    "ize",
    "ise",
    "ate",
    "ify",
    "n't",
    "'s",
    "ed",
    "ly",
    "al",
    "ic",
    "er",
    "or",
    "s",
    "",
)
LEVELS = 5  # of frequency, a factor of ten each
WHOLE = 255  # the form of a word that is kept; 0: not listed
FILE = Path(__file__).parents[1] / "models" / "forms.safetensors"
NOTHING, ONE = np.uint64(0), np.uint64(1)
NUMBER, MARKS, CLASSES = np.uint64(1) << np.uint64(40), np.uint64(1) << np.uint64(41), np.uint64(1) << np.uint64(42)
APOSTROPHE, QUOTE, HYPHEN, STOP, BLANK = 0x27, 0x22, 0x2D, 0x2E, 0x20


@dataclass(frozen=True, slots=True)
class Streams:
    """Of n documents: words and forms (t,) uint64, offsets (n+1,) int64 into both."""

    words: np.ndarray
    forms: np.ndarray
    offsets: np.ndarray


def streams(batch: TextBatch, rows: np.ndarray) -> Streams:
    """Both streams of chosen documents, rows (n,), of a batch."""
    ends = np.zeros(len(rows) + 1, np.int64)
    most = int(np.diff(batch.offsets)[rows].sum()) if len(rows) else 0
    words, forms = np.empty(most + 1, np.uint64), np.empty(most + 1, np.uint64)
    fill(batch.text, batch.offsets, parts(batch), rows, tables(), words, forms, ends)
    return Streams(words[: ends[-1]].copy(), forms[: ends[-1]].copy(), ends)


def parts(batch: TextBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A batch's tokens as kernels take them: hashes, bounds, offsets."""
    return batch.tokens.hashes, batch.tokens.bounds, batch.tokens.offsets


@cache
def kinds() -> np.ndarray:
    """(256,) uint8: what a byte is at the beginning of a word or between two."""
    found = np.full(256, SPACE, np.uint8)
    for kind, characters in {
        DIGIT: "0123456789",
        LINE: "\n\r",
        DASH: "-",
        MARK: ".,;:!?\"'()[]{}/&%$+=@~^<\\",
    }.items():
        found[[ord(c) for c in characters]] = kind
    found[0x80:] = WIDE
    return found


@cache
def classes() -> np.ndarray:
    """(2^18, 2) uint8: the form of a word (see word_tables); shipped."""
    return read_table(FILE)


@cache
def form_tokens() -> np.ndarray:
    """(256,) uint64: the token of a form; 0 for the words that are kept."""
    forms = np.arange(256, dtype=np.uint64)
    return np.where(forms == WHOLE, NOTHING, mix(CLASSES | forms))


@cache
def mark_tokens() -> np.ndarray:
    """(256,) uint64: the token of a mark of one byte."""
    return mix(MARKS | np.arange(256, dtype=np.uint64))


def tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.uint64]:
    """The look-up tables of the kernels: kinds of bytes, forms of words, tokens of forms and of marks, and of all
    numbers."""
    return kinds(), classes(), form_tokens(), mark_tokens(), np.uint64(mix(NUMBER))


def listed_forms() -> dict[str, np.ndarray]:
    """What FILE holds."""

    def form(rank: int, word: str, frequency: float) -> int:
        level = min(max(int(np.log10(frequency) + 8), 0), LEVELS - 1)
        ending = next(k for k, letters in enumerate(ENDINGS) if word.endswith(letters))
        return WHOLE if rank < COMMON else 1 + ending * LEVELS + level

    return listed(LISTED, form)


@dataclass(frozen=True, slots=True)
class Place:
    """One token of a text: its word and form, and where it is (characters, end excluded)."""

    word: int
    form: int
    start: int
    end: int


def places(text: str, most: int | None = None) -> list[Place]:
    """The tokens of a text (of its first bytes) with their places: the slow form, for explaining."""
    batch = TextBatch.of(pl.Series([text], dtype=pl.String))
    raw, tokens = batch.text[:most], batch.tokens
    words, forms, starts, ends = (np.empty(len(raw) + 1, t) for t in (np.uint64, np.uint64, np.int64, np.int64))
    used = read(raw, tokens.hashes, tokens.bounds, tables(), words, forms, starts, ends)
    characters = np.cumsum((batch.text & 0xC0) != 0x80)  # of the text up to each byte
    return [
        Place(int(words[t]), int(forms[t]), int(characters[starts[t]]) - 1, int(characters[ends[t] - 1]))
        for t in range(used)
    ]


@kernel
def fill(text, offsets, tokens, rows, tables, words, forms, ends):
    """text (b,), offsets (m+1,), tokens: see `parts`, rows (n,), tables -> words forms (t,), ends (n+1,)."""
    hashes, bounds, first = tokens
    used, nowhere = 0, np.empty(0, np.int64)
    for d in range(rows.shape[0]):
        row = rows[d]
        own = slice(first[row], first[row + 1])
        raw = text[offsets[row] : offsets[row + 1]]
        used += read(raw, hashes[own], bounds[own], tables, words[used:], forms[used:], nowhere, nowhere)
        ends[d + 1] = used


@kernel
def read(text, hashes, bounds, tables, words, forms, starts, stops):
    """One document's bytes (b,), or its first ones, and its tokens (k,) -> words forms, as long as the bytes.

    starts stops, as long or empty: the bytes where a token begins and ends. Returns the number of tokens. A token that
    repeats the one before it is written and then written over: whether it does can't be predicted.
    """
    kinds, classes, tokens, marks, number = tables
    used, at, size = NOTHING, NOTHING, np.uint64(text.shape[0])
    placed = starts.shape[0] > 0
    before, opening = NOTHING, True  # the mark or number just read; whether only space was read of this line
    for t in range(hashes.shape[0] + 1):
        begin = size if t == hashes.shape[0] else min(np.uint64(bounds[t, 0]), size)
        if at + ONE == begin and text[at] == BLANK:  # as between most words
            at = begin
        while at < begin:
            kind, width, mark = kinds[text[at]], ONE, np.uint64(text[at])
            if kind == WIDE:
                kind, wide_bytes, wide_mark = wide(text, np.int64(at), np.int64(begin))
                width, mark = np.uint64(wide_bytes), np.uint64(wide_mark)
            if kind == LINE:
                opening = True
            elif kind == MARK or (kind == DASH and not opening):
                token = marks[mark] if mark < marks.shape[0] else mix(MARKS | mark)
                words[used] = forms[used] = token
                if placed:
                    starts[used], stops[used] = at, at + width
                used += np.uint64(token != before)
                before, opening = token, False
            at += width
        if begin == size:
            break
        at = np.uint64(bounds[t, 1])
        if kinds[text[begin]] == DIGIT:
            words[used] = forms[used] = number
            now = used + np.uint64(number != before)
            before = number
        else:
            words[used], forms[used] = hashes[t], form_of(hashes[t], classes, tokens)
            now, before = used + ONE, NOTHING
        if placed:
            starts[used], stops[used] = begin, at
        used, opening = now, False
    return np.int64(used)


@kernel
def form_of(h, classes, tokens):
    """A word's token in the second stream; without a branch, since common words cannot be predicted."""
    place = h >> SHIFT
    form = classes[place, 0] * np.uint8(classes[place, 1] == np.uint8(h & CHECK))
    return tokens[form] | (h & (NOTHING - np.uint64(form == WHOLE)))


@kernel
def wide(text, i, stop):
    """What the character at i beyond ASCII is between two words, its bytes, and the mark that it is."""
    byte = text[i]
    if byte < 0xE0:
        return np.uint8(SPACE), np.int64(min(2 if byte >= 0xC2 else 1, stop - i)), np.int64(0)
    if byte >= 0xF0 or i + 2 >= stop:
        return np.uint8(SPACE), np.int64(min(4, stop - i)), np.int64(0)
    point = (np.int64(byte & 0xF) << 12) | (np.int64(text[i + 1] & 0x3F) << 6) | np.int64(text[i + 2] & 0x3F)
    if 0x2018 <= point <= 0x201B:
        return np.uint8(MARK), np.int64(3), np.int64(APOSTROPHE)
    if 0x201C <= point <= 0x201F:
        return np.uint8(MARK), np.int64(3), np.int64(QUOTE)
    if 0x2010 <= point <= 0x2015:
        return np.uint8(DASH), np.int64(3), np.int64(HYPHEN)
    if point == 0x2026:
        return np.uint8(MARK), np.int64(3), np.int64(STOP)
    return np.uint8(MARK if 0x3001 <= point < 0x3100 else SPACE), np.int64(3), point
