"""A text as two streams: its words with the punctuation between them, and the same with rarer words reduced to form.

Topic lies in the rarer words, authorship in how the others are strung together: the second stream keeps common words
and punctuation, and of every other word only its ending and how frequent it was before 2022. Numbers are one token,
a run of one mark counts once, and what tells how a source was scraped (white space, line breaks, bullets, markdown,
shapes of quotes) is skipped. A character of a script without spaces is a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from auditor.text.jit import kernel
from auditor.text.tokens import PRIME, mix

SPACE, LETTER, DIGIT, MARK, JOINER, LINE, DASH, HIGH, SOLO = range(9)
COMMON, LISTED = 200, 60_000  # words kept whole in the second stream; words whose form is known
ENDINGS = (
    "ment", "less", "able", "ible", "ance", "ence", "tion", "sion", "ness", "ing", "ity", "ous", "ive", "ful", "ism",
    "ist", "est", "ant", "ent", "ize", "ise", "ate", "ify", "n't", "'s", "ed", "ly", "al", "ic", "er", "or", "s", "",
)  # fmt: skip
LEVELS = 5  # of frequency, a factor of ten each
WHOLE = 255  # the form of a word that is kept; 0: not listed
FORM_BITS = 18
FORM_SHIFT, CHECK = np.uint64(64 - FORM_BITS), np.uint64(255)
FILE = Path(__file__).parent / "models" / "forms.safetensors"
NOTHING = np.uint64(0)
NUMBER, MARKS, CLASSES = np.uint64(1) << np.uint64(40), np.uint64(1) << np.uint64(41), np.uint64(1) << np.uint64(42)
APOSTROPHE, QUOTE, HYPHEN, STOP = 0x27, 0x22, 0x2D, 0x2E


@dataclass(frozen=True, slots=True)
class Streams:
    """Of n documents: words and forms (t,) uint64, offsets (n+1,) int64 into both."""

    words: np.ndarray
    forms: np.ndarray
    offsets: np.ndarray


def streams(text: np.ndarray, offsets: np.ndarray, rows: np.ndarray) -> Streams:
    """Both streams of chosen documents: text (b,) uint8, offsets (m+1,), rows (n,) among the m documents."""
    ends = np.zeros(len(rows) + 1, np.int64)
    most = int((offsets[rows + 1] - offsets[rows]).sum()) if len(rows) else 0
    words, forms = np.empty(most + 1, np.uint64), np.empty(most + 1, np.uint64)
    fill(text, offsets, rows, kinds(), lower(), classes(), words, forms, ends)
    return Streams(words[: ends[-1]].copy(), forms[: ends[-1]].copy(), ends)


@cache
def kinds() -> np.ndarray:
    """(256,) uint8: what a byte is."""
    found = np.full(256, SPACE, np.uint8)
    for kind, characters in {
        LETTER: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", DIGIT: "0123456789", SPACE: " \t", LINE: "\n\r",
        JOINER: "'", DASH: "-", MARK: ".,;:!?\"()[]{}/&%$+=@~^<\\",
    }.items():  # fmt: skip
        found[[ord(c) for c in characters]] = kind
    found[0x80:] = HIGH
    return found


@cache
def lower() -> np.ndarray:
    """(256,) uint64: bytes with the case of ASCII letters folded."""
    found = np.arange(256, dtype=np.uint64)
    found[ord("A") : ord("Z") + 1] += 32
    return found


@cache
def classes() -> np.ndarray:
    """(2^18, 2) uint8: the form of a word at the first bits of its hash, with 8 more bits of it; shipped."""
    stored = load_file(FILE)
    table = np.zeros((1 << FORM_BITS, 2), np.uint8)
    table[stored["places"]] = stored["values"]
    return table


def listed_forms() -> dict[str, np.ndarray]:
    """What FILE holds, from the word list of wordfreq (Speer 2022): places (p,) uint32, values (p, 2) uint8."""
    from wordfreq import get_frequency_dict, top_n_list

    frequency = get_frequency_dict("en")
    values: dict[int, tuple[int, int]] = {}
    for rank, word in reversed(list(enumerate(top_n_list("en", LISTED)))):
        level = min(max(int(np.log10(frequency.get(word, 1e-9)) + 8), 0), LEVELS - 1)
        ending = next(k for k, letters in enumerate(ENDINGS) if word.endswith(letters))
        h = word_hash(word)
        form = WHOLE if rank < COMMON else 1 + ending * LEVELS + level
        values[h >> (64 - FORM_BITS)] = (form, h & 255)
    return {
        "places": np.array(sorted(values), np.uint32),
        "values": np.array([values[k] for k in sorted(values)], np.uint8),
    }


def word_hash(word: str) -> int:
    """The token of a lower-case word."""
    h = 0
    for byte in word.encode("utf-8", "surrogatepass"):
        h = (h * int(PRIME) & ((1 << 64) - 1)) ^ byte
    return int(mix(np.uint64(h)))


@dataclass(frozen=True, slots=True)
class Place:
    """One token of a text: its word and form, and where it stands (characters, end excluded)."""

    word: int
    form: int
    start: int
    end: int


def places(text: str) -> list[Place]:
    """The tokens of a text with their places, one document at a time: the slow form, for explaining."""
    raw = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    words, forms, ends = (np.empty(len(raw) + 1, t) for t in (np.uint64, np.uint64, np.int64))
    starts = ends.copy()
    used = read(raw, kinds(), lower(), classes(), words, forms, starts, ends)
    characters = np.cumsum((raw & 0xC0) != 0x80)  # of the text up to each byte
    return [
        Place(int(words[t]), int(forms[t]), int(characters[starts[t]]) - 1, int(characters[ends[t] - 1]))
        for t in range(used)
    ]


@kernel
def fill(text, offsets, rows, kinds, lower, classes, words, forms, ends):
    """text (b,), offsets (m+1,), rows (n,), kinds lower (256,), classes -> words forms (t,), ends (n+1,)."""
    used, nowhere = 0, np.empty(0, np.int64)
    for d in range(rows.shape[0]):
        begin, stop = offsets[rows[d]], offsets[rows[d] + 1]
        used += read(text[begin:stop], kinds, lower, classes, words[used:], forms[used:], nowhere, nowhere)
        ends[d + 1] = used


@kernel
def read(text, kinds, lower, classes, words, forms, starts, stops):
    """One document's bytes (b,) -> words forms, as long as the bytes; returns the number of tokens.

    starts stops, as long or empty: the bytes where a token begins and ends
    """
    i, used, stop = 0, 0, text.shape[0]
    h, inside, begin = NOTHING, False, 0  # of the word being read
    placed = starts.shape[0] > 0
    before, opening = NOTHING, True  # the mark just read; whether only space was read of this line
    while i < stop or inside:
        begin = begin if inside else i
        while i < stop and kinds[text[i]] == LETTER:  # the plain letters of a word at once
            h = (h * PRIME) ^ lower[text[i]]
            inside = True
            i += 1
        kind, size, folded = np.uint8(SPACE), np.int64(1), np.int64(0)
        if i < stop:
            kind, folded = kinds[text[i]], np.int64(text[i])
            if kind == HIGH:
                kind, size, folded = wide(text, i, stop)
            if kind == JOINER:
                within = inside and i + size < stop and kinds[text[i + size]] == LETTER
                kind = np.uint8(HIGH if within else MARK)
            if kind == HIGH:  # a letter beyond ASCII, or an apostrophe within a word
                for k in range(size if folded == 0 else 1):
                    h = (h * PRIME) ^ np.uint64(folded if folded else text[i + k])
                inside = True
                i += int(size)
                continue
        if inside:
            h = mix(h)
            place = h >> FORM_SHIFT
            form = np.uint64(classes[place, 0] if classes[place, 1] == np.uint8(h & CHECK) else 0)
            words[used] = h
            forms[used] = h if form == WHOLE else mix(CLASSES | form)
            if placed:
                starts[used], stops[used] = begin, i
            used += 1
            h, inside, before, opening = NOTHING, False, NOTHING, False
        if kind == LINE:
            opening = True
        elif kind in (DIGIT, SOLO, MARK) or (kind == DASH and not opening):
            token = mix((NUMBER if kind == DIGIT else MARKS) | np.uint64(0 if kind == DIGIT else folded))
            if token != before or kind == SOLO:
                words[used] = forms[used] = token
                if placed:
                    starts[used], stops[used] = i, i + size
                used += 1
            before, opening = token, False
        i += int(size)
    return used


@kernel
def wide(text, i, stop):
    """What the character at i beyond ASCII is, its bytes, and what it folds to (0 for letters)."""
    byte = text[i]
    if byte < 0xE0:
        letter = byte >= 0xC3 and i + 1 < stop
        return np.uint8(HIGH if letter else SPACE), np.int64(2 if byte >= 0xC2 and i + 1 < stop else 1), np.int64(0)
    if byte >= 0xF0 or i + 2 >= stop:
        return np.uint8(SPACE), np.int64(min(4, stop - i)), np.int64(0)
    point = (np.int64(byte & 0xF) << 12) | (np.int64(text[i + 1] & 0x3F) << 6) | np.int64(text[i + 2] & 0x3F)
    if point in (0x2018, 0x2019, 0x201A, 0x201B):
        return np.uint8(JOINER), np.int64(3), np.int64(APOSTROPHE)
    if 0x201C <= point <= 0x201F:
        return np.uint8(MARK), np.int64(3), np.int64(QUOTE)
    if 0x2010 <= point <= 0x2015:
        return np.uint8(DASH), np.int64(3), np.int64(HYPHEN)
    if point == 0x2026:
        return np.uint8(MARK), np.int64(3), np.int64(STOP)
    if 0x2000 <= point < 0x3001:
        return np.uint8(SPACE), np.int64(3), np.int64(0)
    if 0x3001 <= point < 0xA000 or point >= 0xF900:
        return np.uint8(SOLO), np.int64(3), point
    return np.uint8(HIGH), np.int64(3), np.int64(0)
