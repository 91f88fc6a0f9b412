"""Bytes to tokens to hashes: one pass over the text, shared by everything that counts words.

A token is a run of letters, digits and combining marks, lower-cased, apostrophes inside it kept ("don't");
in scripts without spaces every character is a token. Its hash (64 bits) is h <- h * PRIME xor byte over the
lower-cased UTF-8 bytes, finished by the MurmurHash3 mixer (without it the low bits of short words would be poorly
mixed).
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from auditor.text import alphabet
from auditor.text.jit import kernel

GAP, WORD, MARK, SOLO, JOINER = alphabet.GAP, alphabet.WORD, alphabet.MARK, alphabet.SOLO, alphabet.JOINER
LIMIT = alphabet.SIZE
LAST_IDEOGRAPH = alphabet.IDEOGRAPHS.stop
APOSTROPHE = alphabet.APOSTROPHES[0]
PRIME = np.uint64(0x9E3779B97F4A7C15)
NOTHING = np.uint64(0)
MURMUR_1 = np.uint64(0xFF51AFD7ED558CCD)
MURMUR_2 = np.uint64(0xC4CEB9FE1A85EC53)
SHIFT = np.uint64(33)
ONE, TWO = np.uint64(1), np.uint64(2)
NOT_PLAIN = np.uint64(256)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token hashes of a batch: hashes (t,) uint64; offsets (n+1,) int64 into them; characters (n,) int64.

    bounds (t, 2) uint32: the byte of its document that a token begins at, and the one after its end; none where the
    tokens did not come from a text.
    """

    hashes: np.ndarray
    offsets: np.ndarray
    characters: np.ndarray
    bounds: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.uint32))

    @property
    def words(self) -> np.ndarray:
        """(n,) int64: tokens of each document."""
        return np.diff(self.offsets)


def tokenise(text: np.ndarray, offsets: np.ndarray) -> Tokens:
    """Tokens of each document.

    Parameters: text (b,) uint8, UTF-8 (malformed bytes are gaps between words); offsets (n+1,) int64
    Returns: Tokens
    """
    n = len(offsets) - 1
    span = int(offsets[-1] - offsets[0]) if n else 0
    room = span // 2 + n + 2  # two tokens are a gap apart, or characters of three bytes
    hashes, bounds = np.empty(room, np.uint64), np.empty(2 * room, np.uint32)
    ends = np.zeros(n + 1, np.int64)
    characters = np.zeros(n, np.int64)
    tables = alphabet.classes(), alphabet.lower(), _plain()
    used = scan(text, offsets, tables, hashes, bounds, ends, characters)
    return Tokens(hashes[:used], ends, characters, bounds[: 2 * used].reshape(-1, 2))


def token_hash(word: str) -> int:
    """The hash of one token, for lists of words (a word that is not one token has no hash: ValueError)."""
    raw = np.frombuffer(word.encode(), np.uint8)
    tokens = tokenise(raw, np.array([0, len(raw)], np.int64))
    if len(tokens.hashes) != 1:
        raise ValueError(f"{word!r} is {len(tokens.hashes)} tokens, not one")
    return int(tokens.hashes[0])


@cache
def _plain() -> np.ndarray:
    """(256,) uint64: a byte's lower-case letter or digit, 0 for a gap, NOT_PLAIN where one byte is not enough."""
    table = np.full(256, NOT_PLAIN, np.uint64)
    kinds = alphabet.classes()[:128]
    table[:128][kinds == GAP] = NOTHING
    table[:128][kinds == WORD] = alphabet.lower()[:128][kinds == WORD]
    return table


@kernel
def mix(h):
    """The 64-bit finaliser of MurmurHash3 (Appleby 2011): every input bit reaches every output bit."""
    h ^= h >> SHIFT
    h *= MURMUR_1
    h ^= h >> SHIFT
    h *= MURMUR_2
    return h ^ (h >> SHIFT)


@kernel
def code_point(text, i, stop):
    """The code point at i and its length in bytes; a malformed byte is (-1, 1).

    text (b,) uint8; overlong forms, surrogates and points above U+10FFFF are malformed.
    """
    lead = np.int64(text[i])
    if lead < 0x80:
        return lead, 1
    if lead < 0xC2 or lead > 0xF4:
        return np.int64(-1), 1
    size = 2 if lead < 0xE0 else (3 if lead < 0xF0 else 4)
    if i + size > stop:
        return np.int64(-1), 1
    point = lead & (0x7F >> size)
    for j in range(1, size):
        byte = np.int64(text[i + j])
        if byte & 0xC0 != 0x80:
            return np.int64(-1), 1
        point = (point << 6) | (byte & 0x3F)
    if (size == 3 and (point < 0x800 or 0xD800 <= point <= 0xDFFF)) or (
        size == 4 and (point < 0x10000 or point > 0x10FFFF)
    ):
        return np.int64(-1), 1
    return point, size


@kernel
def character_class(point, classes):
    """The class of a code point (see alphabet), also beyond the table."""
    if point < 0:
        return np.uint8(GAP)
    if point < LIMIT:
        return classes[point]
    return np.uint8(SOLO) if point < LAST_IDEOGRAPH else np.uint8(GAP)


@kernel
def absorb(h, point):
    """Add the UTF-8 bytes of one code point to the hash of a word."""
    if point < 0x80:
        return (h * PRIME) ^ np.uint64(point)
    if point < 0x800:
        h = (h * PRIME) ^ np.uint64(0xC0 | (point >> 6))
    else:
        if point < 0x10000:
            h = (h * PRIME) ^ np.uint64(0xE0 | (point >> 12))
        else:
            h = (h * PRIME) ^ np.uint64(0xF0 | (point >> 18))
            h = (h * PRIME) ^ np.uint64(0x80 | ((point >> 12) & 0x3F))
        h = (h * PRIME) ^ np.uint64(0x80 | ((point >> 6) & 0x3F))
    return (h * PRIME) ^ np.uint64(0x80 | (point & 0x3F))


@kernel
def scan(text, offsets, tables, hashes, bounds, ends, characters):
    """text (b,), offsets (n+1,), tables: classes lower (SIZE,), plain (256,).

    -> hashes (t,), bounds (2t,), ends (n+1,), characters (n,). Places and counts are unsigned: a signed index costs a
    comparison at every byte.
    """
    classes, lower, plain = tables
    used = NOTHING
    for d in range(offsets.shape[0] - 1):
        i, stop = NOTHING, np.uint64(offsets[d + 1] - offsets[d])
        own = text[offsets[d] : offsets[d + 1]]
        h, inside, joiner, count = NOTHING, NOTHING, False, NOTHING
        begin, end = NOTHING, NOTHING  # of the token being read; its end while an apostrophe may continue it
        while i < stop:
            if not joiner:
                first = i
                i, h, inside, begin, used = _scan_plain(own, i, h, inside, begin, used, plain, hashes, bounds)
                count += i - first
                if i == stop:
                    break
            point, width = code_point(own, np.int64(i), np.int64(stop))
            kind = character_class(point, classes)
            here = i
            i += np.uint64(width)
            count += ONE
            if kind == JOINER and inside and not joiner:
                joiner, end = True, here
                continue
            small = np.int64(lower[point]) if 0 <= point < LIMIT else point
            if kind == WORD or (kind == MARK and inside):
                h = absorb(absorb(h, np.int64(APOSTROPHE)) if joiner else h, small)
                begin = begin if inside else here
                inside = ONE
            else:
                used = _close(h, inside, begin, end if joiner else here, used, hashes, bounds)
                if kind == SOLO:
                    used = _close(absorb(NOTHING, small), ONE, here, i, used, hashes, bounds)
                h, inside, begin = NOTHING, NOTHING, i
            joiner = False
        used = _close(h, inside, begin, end if joiner else stop, used, hashes, bounds)
        ends[d + 1], characters[d] = np.int64(used), np.int64(count)
    for t in range(np.int64(used)):
        hashes[t] = mix(hashes[t])
    return np.int64(used)


@kernel
def _close(h, inside, begin, end, used, hashes, bounds):
    """Record the open token, if any; returns how many there are."""
    hashes[used] = h
    bounds[TWO * used], bounds[TWO * used + ONE] = begin, end
    return used + inside


@kernel
def _scan_plain(text, i, h, inside, begin, used, plain, hashes, bounds):
    """From i on, as far as bytes are plain; without branches on their content, since word ends cannot be predicted."""
    stop = np.uint64(text.size)
    while i < stop:
        small = plain[text[i]]
        if small >= NOT_PLAIN:
            break
        word = np.uint64(small != NOTHING)
        used = _close(h, inside & ~word, begin, i, used, hashes, bounds)
        h = ((h * PRIME) ^ small) & (NOTHING - word)
        inside = word
        i += ONE
        begin = begin if word else i
    return i, h, inside, begin, used
