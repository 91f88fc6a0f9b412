"""Measures of style: words, sentences and punctuation from the bytes, richness and rarity from the tokens.

Line breaks, bullets, markdown and the shape of quotes are deliberately left out: they tell how a source was scraped
(alone they separate the classes of several labelled sources with an AUC of .9), not who wrote it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from auditor.detectors.first.word_tables import CHECK, SHIFT, listed, read_table
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel

READ_BYTES, READ_TOKENS = 4000, 700  # style is clear by then, and long documents cost no more
WINDOW, WINDOWS = 100, 4  # richness is a mean over the first windows of 100 words
RARITY_WORDS = 60_000
RARITY_FILE = Path(__file__).parents[1] / "models" / "rarity.safetensors"
RARITY = 6  # classes; 0: a word that is not listed
PLACE_BITS = 13
PLACE_SHIFT = np.uint64(64 - PLACE_BITS)
MIX = np.uint64(0x9E3779B97F4A7C15)
COUNT_BITS = np.uint64(10)  # a count of each rarity class in one word: READ_TOKENS < 2^10

LETTER, UPPER, DIGIT, HIGH, SPACE, COMMA, STOP, COLON, SEMICOLON, JOINER, QUOTE, DASH, BRACKET, OTHER = range(14)
KINDS = 14
BYTES = (
    "word_length",
    "word_length_spread",
    "long_words",
    "very_long_words",
    "sentence_length",
    "sentence_spread",
    "sentence_change",
    "capitals",
    "digits",
    "commas",
    "colons",
    "semicolons",
    "joiners",
    "quotes",
    "dashes",
    "brackets",
    "questions",
    "exclamations",
)
TOKENS = ("types", "hapaxes", "repeated_pairs", *(f"rarity_{k}" for k in range(RARITY)), "rarity_spread")
NAMES = (*BYTES, *TOKENS)


def measures(batch: TextBatch) -> np.ndarray:
    """(n, len(NAMES)) float32; rates are square roots of counts a word (a variance-stabilised Poisson rate)."""
    out = np.zeros((len(batch), len(NAMES)), np.float32)
    byte_measures(batch.text, batch.offsets, byte_kinds(), out)
    token_measures(batch.tokens.hashes, batch.tokens.offsets, rarity(), out)
    return out


@cache
def byte_kinds() -> np.ndarray:
    """(256,) uint8; bytes beyond ASCII are letters but for the quotes and dashes that the kernel looks at."""
    kinds = np.full(256, OTHER, np.uint8)
    for kind, characters in {
        LETTER: "abcdefghijklmnopqrstuvwxyz",
        UPPER: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        DIGIT: "0123456789",
        SPACE: " \n\r\t",
        COMMA: ",",
        STOP: ".!?",
        COLON: ":",
        SEMICOLON: ";",
        JOINER: "'",
        QUOTE: '"',
        DASH: "-",
        BRACKET: "()",
    }.items():
        kinds[[ord(c) for c in characters]] = kind
    kinds[0x80:] = HIGH
    return kinds


@cache
def rarity() -> np.ndarray:
    """(2^18, 2) uint8: class 1..5 of a word by its frequency before 2022 (see word_tables); shipped."""
    return read_table(RARITY_FILE)


def listed_rarity() -> dict[str, np.ndarray]:
    """What RARITY_FILE holds: orders of magnitude a billion words."""
    return listed(RARITY_WORDS, lambda rank, word, frequency: min(max(int(np.log10(frequency) + 8), 1), RARITY - 1))


@kernel
def general_punctuation(last):
    """The kind of the character that is written E2 80 and this byte: quotes and dashes, and others."""
    if last == 0x98 or last == 0x99:
        return JOINER
    if 0x9C <= last <= 0x9F:
        return QUOTE
    return DASH if last <= 0x95 else OTHER


@kernel
def byte_measures(text, offsets, kinds, out):
    """text (b,) uint8, offsets (n+1,), kinds (256,) -> the first columns of out (n, names).

    First the places of all bytes that are not plain letters, without a branch; then one step for each of them.
    """
    marks = np.empty(READ_BYTES + 1, np.int32)
    for d in range(offsets.shape[0] - 1):
        own = text[offsets[d] : min(offsets[d + 1], offsets[d] + READ_BYTES)]
        found = 0
        for i in range(own.size):
            marks[found] = i
            found += kinds[own[i]] > UPPER
        counts = np.zeros(KINDS, np.int64)
        questions, exclamations, capitals = 0, 0, 0
        words, letters, squares, long, very_long, inside = 0, 0, 0, 0, 0, 0
        sentences, lengths, length_squares, changes, length, before = 0, 0.0, 0.0, 0.0, 0, -1
        after = 0  # the byte after the mark before this one
        for i in marks[:found]:
            if i < after:
                continue
            capitals += (inside == 0) & (length > 0) & (kinds[own[after]] == UPPER)
            inside += i - after
            after = i + 1
            kind = kinds[own[i]]
            if kind != SPACE:
                if kind == HIGH:
                    if own[i] != 0xE2 or i + 2 >= own.size or own[i + 1] != 0x80:
                        inside += (own[i] & 0xC0) != 0x80  # a character is counted at its first byte
                        continue
                    kind = general_punctuation(own[i + 2])
                    after = i + 3
                counts[kind] += 1
                if kind == DIGIT:
                    inside += 1
                    continue
                if kind == JOINER and inside > 0:
                    continue
            words += inside > 0
            letters += inside
            squares += inside * inside
            long += inside >= 7
            very_long += inside >= 10
            length += inside > 0
            inside = 0
            if kind == STOP:
                questions += own[i] == 0x3F
                exclamations += own[i] == 0x21
                ends = after >= own.size or kinds[own[after]] in (SPACE, QUOTE) or own[after] == 0xE2
                if length > 0 and ends:
                    sentences += 1
                    lengths += length
                    length_squares += length * length
                    if before >= 0:
                        changes += abs(length - before)
                    before, length = length, 0
        if words == 0:
            continue
        word_measures(out[d], words, letters, squares, long, very_long)
        sentence_measures(out[d], sentences, lengths, length_squares, changes, length)
        mark_rates(out[d], words, counts, capitals, questions, exclamations)


@kernel
def word_measures(row, words, letters, squares, long, very_long):
    """Lengths of words: mean, spread, shares of long ones -> row (names,), from sums over `words` > 0 words."""
    row[0] = letters / words
    row[1] = np.sqrt(max(squares / words - row[0] * row[0], 0.0))
    row[2], row[3] = long / words, very_long / words


@kernel
def sentence_measures(row, sentences, lengths, squares, changes, rest):
    """Lengths of sentences in words: mean, spread, change from one to the next -> row (names,), from sums over them.

    A text without a sentence end counts as one sentence, with usual values for the other measures.
    """
    if sentences > 1:
        mean = lengths / sentences
        row[4] = np.log(mean)
        row[5] = np.sqrt(max(squares / sentences - mean * mean, 0.0)) / mean
        row[6] = changes / (sentences - 1) / mean
    else:
        row[4], row[5], row[6] = np.log(max(rest, 5.0)), 0.5, 0.5


@kernel
def mark_rates(row, words, counts, capitals, questions, exclamations):
    """Square roots of capitals, digits and marks a word -> row (names,); counts (KINDS,) by kind of byte."""
    row[7] = np.sqrt(capitals / words)
    row[8] = np.sqrt(counts[DIGIT] / words)
    row[9] = np.sqrt(counts[COMMA] / words)
    row[10] = np.sqrt(counts[COLON] / words)
    row[11] = np.sqrt(counts[SEMICOLON] / words)
    row[12] = np.sqrt(counts[JOINER] / words)
    row[13] = np.sqrt(counts[QUOTE] / words)
    row[14] = np.sqrt(counts[DASH] / words)
    row[15] = np.sqrt(counts[BRACKET] / words)
    row[16], row[17] = np.sqrt(questions / words), np.sqrt(exclamations / words)


@kernel
def token_measures(hashes, offsets, table, out):
    """hashes (t,), offsets (n+1,), table (2^18, 2) -> the last columns of out (n, names).

    Types and hapaxes are shares of windows of 100 words, so that they do not depend on length.
    """
    at = out.shape[1] - 4 - RARITY
    seen, base = np.zeros(1 << PLACE_BITS, np.int32), np.int32(0)
    for d in range(offsets.shape[0] - 1):
        first, last = offsets[d], min(offsets[d + 1], offsets[d] + READ_TOKENS)
        n = last - first
        if n == 0:
            continue
        row = out[d]
        classes = np.uint64(0)
        for t in range(first, last):
            place = hashes[t] >> SHIFT
            known = table[place, 1] == np.uint8(hashes[t] & CHECK)
            classes += np.uint64(1) << (np.uint64(table[place, 0] * known) * COUNT_BITS)
        total, square = 0.0, 0.0
        for k in range(RARITY):
            words = np.int64((classes >> (np.uint64(k) * COUNT_BITS)) & np.uint64(1023))
            row[at + 3 + k] = np.sqrt(words / n)
            total += k * words
            square += k * k * words
        row[at + 3 + RARITY] = np.sqrt(max(square / n - (total / n) ** 2, 0.0))
        windows = min(max(1, n // WINDOW), WINDOWS)
        types, hapaxes, size, pairs = 0.0, 0.0, min(WINDOW, n), 0.0
        for k in range(windows):
            start = first + k * WINDOW
            base = after(seen, base)
            used, once = distinct(hashes, start, start + size, seen, base)
            types += used
            hapaxes += once
            base = after(seen, base)
            pairs += repeated(hashes, start, start + size, seen, base)
        row[at] = types / (windows * size)
        row[at + 1] = hapaxes / (windows * size)
        row[at + 2] = np.sqrt(pairs / (windows * size))


@kernel
def after(seen, base):
    """A base for `distinct` and `repeated` below which all of seen (s,) lies: earlier counts are ignored."""
    if base > np.int32(1 << 30):
        seen[:] = 0
        return np.int32(0)
    return np.int32(base + 4)


@kernel
def distinct(hashes, start, stop, seen, base):
    """Types and hapaxes among the tokens (t,) uint64 of a window; seen (2^PLACE_BITS,) holds base + times met.

    Without a branch, since new words cannot be predicted; two words in one place count as one (.6 of 100).
    """
    types, once = np.int64(0), np.int64(0)
    for t in range(start, stop):
        place = hashes[t] >> PLACE_SHIFT
        met = max(seen[place] - base, np.int32(0))
        types += met == 0
        once += np.int64(met == 0) - np.int64(met == 1)
        seen[place] = base + min(met + np.int32(1), np.int32(2))
    return types, once


@kernel
def repeated(hashes, start, stop, seen, base):
    """Pairs of neighbours that occurred before in the window, see `distinct`."""
    again = 0
    for t in range(start + 1, stop):
        place = ((hashes[t] ^ (hashes[t - 1] << np.uint64(1))) * MIX) >> PLACE_SHIFT
        again += seen[place] > base
        seen[place] = base + np.int32(1)
    return again
