"""What each character is to the tokeniser: part of a word, a word of its own, or a gap between words."""

from functools import cache
from unicodedata import category

import numpy as np

GAP, WORD, MARK, SOLO, JOINER = range(5)
SIZE = 0x20000  # two planes; above them lie rare ideographs (solo) and little else
IDEOGRAPHS = range(SIZE, 0x40000)

# Scripts written without spaces between words: each character is a token (Unicode blocks, first to last).
UNSPACED = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # iteration marks
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # ideographs, extension A
    (0x4E00, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFF66, 0xFF9F),  # half-width Katakana
)
APOSTROPHES = (0x27, 0x2019)


@cache
def classes() -> np.ndarray:
    """(SIZE,) uint8: the class of each code point below SIZE."""
    kinds = {"L": WORD, "N": WORD, "M": MARK}
    table = np.fromiter((kinds.get(kind[0], GAP) for kind in map(category, map(chr, range(SIZE)))), np.uint8, SIZE)
    for first, last in UNSPACED:
        block = table[first : last + 1]
        block[block == WORD] = SOLO
    table[list(APOSTROPHES)] = JOINER
    return table


@cache
def lower() -> np.ndarray:
    """(SIZE,) uint32: the lower-case code point, where that is a single one; both apostrophes become one."""
    table = np.arange(SIZE, dtype=np.uint32)
    for point, small in enumerate(map(str.lower, map(chr, range(SIZE)))):
        if len(small) == 1 and (lowered := ord(small)) != point and lowered < SIZE:
            table[point] = lowered  # of few: writing all of them took half of the time
    table[list(APOSTROPHES)] = APOSTROPHES[0]
    return table
