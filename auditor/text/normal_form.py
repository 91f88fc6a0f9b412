"""One form for texts that read the same: composed accents, nothing invisible, no look-alike letters of other scripts.

Copies on the web differ in what nobody sees: a page in NFD from one system and in NFC from another, soft hyphens from a
typesetter, zero-width spaces and Cyrillic letters that shall hide a copy. Shingles, types and scores read the normal
form. A text in ASCII is its own; others are looked through by one search, and only those that need it are rewritten.

References: Unicode Standard Annex 15 (normalization forms), Technical Standard 39 (confusable characters)
"""

from __future__ import annotations

import re

import polars as pl

# What is never seen: soft hyphen, grapheme joiner, marks of direction, zero-width space and word joiner, variation
# selectors, tags. Zero-width joiners are letters' business in Persian and Indic scripts, so they go after others only.
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
_MIXED = r"[A-Za-z][\x{0370}-\x{03FF}\x{0400}-\x{04FF}]|[\x{0370}-\x{03FF}\x{0400}-\x{04FF}][A-Za-z]"
_WORD = re.compile("[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff]+")
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u024f]")
_OTHER_LETTER = re.compile("[\u0370-\u03ff\u0400-\u04ff]")


def normal_form(column: pl.Series) -> pl.Series:
    """The texts of a column in their normal form; the column itself where none of them changes.

    Words of two scripts become words of one where every letter of the other looks like one of it ("pаypal" with a
    Cyrillic а); words that are wholly of another script stay.
    """
    wide = (column.str.len_bytes() != column.str.len_chars()).fill_null(False)
    if not wide.any():
        return column
    places = wide.arg_true()
    texts = column.gather(places)
    unseen = texts.str.contains(f"[{_INVISIBLE}\\x{{200C}}\\x{{200D}}{_DECOMPOSED}]|{_MIXED}")
    if not unseen.any():
        return column
    places = places.filter(unseen)
    texts = texts.filter(unseen).str.replace_all(f"[{_INVISIBLE}]", "").str.replace_all(_JOINERS, "$1")
    texts = texts.str.normalize("NFC")
    mixed = texts.str.contains(_MIXED)
    if mixed.any():
        at = mixed.arg_true()
        texts = texts.scatter(at, pl.Series([_WORD.sub(_one_script, t) for t in texts.gather(at)], dtype=pl.String))
    return column.clone().scatter(places, texts)


def _one_script(match: re.Match[str]) -> str:
    """A word of Latin and other letters in the script of most of them, where all of the others look alike."""
    word = match[0]
    latin, other = len(_LATIN_LETTER.findall(word)), len(_OTHER_LETTER.findall(word))
    if not latin or not other:
        return word
    table, strange = (_TO_LATIN, _OTHER_LETTER) if latin >= other else (_TO_CYRILLIC, _LATIN_LETTER)
    changed = word.translate(table)
    return word if strange.search(changed) else changed
