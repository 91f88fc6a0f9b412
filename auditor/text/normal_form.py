"""One form for texts that read the same: composed accents, nothing invisible, no look-alike letters of other scripts.

Copies on the web differ in what nobody sees: a page in NFD from one system and in NFC from another, soft hyphens from a
typesetter, zero-width spaces and Cyrillic letters meant to hide a copy. Shingles, types and scores read the normal
form. One kernel looks through all texts, and only those that need it are rewritten.

References: Unicode Standard Annex 15 (normalization forms), Technical Standard 39 (confusable characters)
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import polars as pl

from auditor.text.arrow import buffers
from auditor.text.jit import kernel
from auditor.text.tokens import code_point

# Characters that are never visible: soft hyphen, grapheme joiner, marks of direction, zero-width space and word joiner,
# variation selectors, tags. Zero-width joiners matter to letters of Persian and Indic scripts, so they are removed only
# after other letters.
_INVISIBLE = (
    r"\x{00AD}\x{034F}\x{061C}\x{180E}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{2066}-\x{2069}"
    r"\x{FE00}-\x{FE0F}\x{FEFF}\x{E0001}-\x{E007F}\x{E0100}-\x{E01EF}"
)
_JOINERS = r"([\p{Latin}\p{Greek}\p{Cyrillic}\p{N}])[\x{200C}\x{200D}]+"
# Marks that compose with the letter before them, and letters that stand for another one.
_DECOMPOSED = (
    r"\x{0300}-\x{0345}\x{0653}-\x{0655}\x{093C}\x{09BE}\x{09D7}\x{0B3E}\x{0B56}\x{0B57}\x{0BBE}\x{0BD7}\x{0C56}\x{0CC2}"
    r"\x{0CD5}\x{0CD6}\x{0D3E}\x{0D57}\x{0DCA}\x{0DCF}\x{0DDF}\x{102E}\x{1161}-\x{1175}\x{11A8}-\x{11C2}\x{1B35}\x{3099}"
    r"\x{309A}\x{2126}\x{212A}\x{212B}\x{F900}-\x{FAFF}"
)
LATIN = "aceiopsxyjhABCEHIKMOPSTXYZJaouvnABEZHIKMNOPTYXi"
ALIKE = "асеіорѕхујһАВСЕНІКМОРЅТХУΖЈαουνηΑΒΕΖΗΙΚΜΝΟΡΤΥΧι"
_TO_LATIN = dict(zip(map(ord, ALIKE), LATIN, strict=True))
_TO_CYRILLIC = {ord(b): a for a, b in zip(ALIKE, LATIN, strict=True) if "\u0400" <= a <= "\u04ff"}
_LATIN = r"A-Za-z\u00c0-\u024f"
_GREEK_CYRILLIC = r"\u0370-\u04ff"
_WORD = re.compile(f"[{_LATIN}{_GREEK_CYRILLIC}]+")
_LATIN_LETTER, _OTHER_LETTER = re.compile(f"[{_LATIN}]"), re.compile(f"[{_GREEK_CYRILLIC}]")
_OTHER_LETTERS = re.compile(f"[{_GREEK_CYRILLIC}]+")
_PLANES = 0xF0000  # the part of Unicode that contains the characters named here
USUAL, UNUSUAL, OTHER_SCRIPT = range(3)
BEYOND_ASCII = np.uint64(0x8080808080808080)


def normal_form(column: pl.Series) -> pl.Series:
    """The texts of a column in their normal form; the column itself where none of them changes.

    Words of two scripts become words of one where every letter of the other looks like one of it ("pаypal" with a
    Cyrillic а); words wholly in another script stay.
    """
    unusual = np.zeros(len(column), np.bool_)
    look_through(*buffers(column), look_up(), unusual)
    if not unusual.any():
        return column
    places = pl.Series(np.flatnonzero(unusual))
    texts = column.gather(places).str.replace_all(f"[{_INVISIBLE}]", "").str.replace_all(_JOINERS, "$1")
    texts = pl.Series(list(map(_of_one_script, texts.str.normalize("NFC"))), dtype=pl.String)
    return column.clone().scatter(places, texts)


@cache
def look_up() -> np.ndarray:
    """(_PLANES,) uint8: what each code point is to `look_through`."""
    table = np.zeros(_PLANES, np.uint8)
    table[0x0370:0x0500] = OTHER_SCRIPT
    for first, last in re.findall(r"\\x{(\w+)}(?:-\\x{(\w+)})?", _INVISIBLE + r"\x{200C}\x{200D}" + _DECOMPOSED):
        table[int(first, 16) : int(last or first, 16) + 1] = UNUSUAL
    return table


@kernel
def look_through(text, offsets, table, unusual):
    """text (b,) uint8, offsets (n+1,), table -> unusual (n,) bool: texts that hold an unusual character or a word of
    two scripts.

    Bytes of ASCII, most of most texts, are passed eight at a time.
    """
    eights = text[: text.size // 8 * 8].view(np.uint64)
    for d in range(offsets.shape[0] - 1):
        start, stop = offsets[d], offsets[d + 1]
        i = start
        while i < stop and not unusual[d]:
            if text[i] < 0x80:
                i += 1
                while i & 7 == 0 and i + 8 <= stop and eights[i >> 3] & BEYOND_ASCII == 0:
                    i += 8
                continue
            point, width = code_point(text, i, stop)
            kind = table[point] if 0 <= point < _PLANES else USUAL
            after = i + width
            if kind == UNUSUAL:
                unusual[d] = True
            elif kind == OTHER_SCRIPT:
                unusual[d] = (i > start and is_letter(text[i - 1])) or (after < stop and is_letter(text[after]))
            i = after


@kernel
def is_letter(byte):
    """Whether a byte is a letter of ASCII."""
    return np.uint8((byte | 0x20) - 0x61) < 26


def _of_one_script(text: str) -> str:
    """A text without words of Latin and other letters that can be words of one script."""
    parts, done = [], 0
    for run in _OTHER_LETTERS.finditer(text):
        start, stop = run.span()
        beside = text[max(start - 1, 0) : start] + text[stop : stop + 1]
        if start < done or not _LATIN_LETTER.search(beside):
            continue
        while start > done and _WORD.match(text[start - 1]):
            start -= 1
        word = _WORD.match(text, start)
        assert word is not None, "it begins with a letter"
        parts += [text[done:start], _one_script(word[0])]
        done = word.end()
    return "".join([*parts, text[done:]]) if parts else text


def _one_script(word: str) -> str:
    """A word of Latin and other letters in the script of most of them, where all of the others look alike."""
    latin, other = len(_LATIN_LETTER.findall(word)), len(_OTHER_LETTER.findall(word))
    table, strange = (_TO_LATIN, _OTHER_LETTER) if latin >= other else (_TO_CYRILLIC, _LATIN_LETTER)
    changed = word.translate(table)
    return word if strange.search(changed) else changed
