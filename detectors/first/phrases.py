"""Tell-tale phrases: self-reference, chat openings and closings, refusals, prompt and tool left-overs, hidden marks.

The list (models/phrases.json) is versioned and has categories. Phrases are sequences of word tokens, so case, line
breaks and punctuation between words do not matter. Hidden marks (runs of variation selectors and tag characters, as
C2PA and watermarks write them, and private-use citation brackets) are counted in the bytes, before any normalising.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np

from auditor.detectors.interface import Description, Evidence, Obstacle
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel
from auditor.text.spans import spans
from auditor.text.tokens import PRIME, mix, tokenise

LIST = Path(__file__).parents[1] / "models" / "phrases.json"
FILTER_BITS = 17  # fewer bits let more tokens through by chance, and each of those costs as much as thirty others
FILTER_MASK = np.uint64((1 << FILTER_BITS) - 1)
BEGINS, ALONE = 1, 2  # a word begins a longer phrase; it may be one on its own
ROOT = np.uint64(0x51ED270B)
MARKS = "marks"
MARK_RUN = 4  # emoji carry one selector, some scripts two: only longer runs hide something
MARK_WEIGHT = 5.0
MARK_BYTE = 0xEE  # all hidden marks begin with a byte at or above it
CHUNK = 1024  # tokens looked at in one go

DESCRIPTION = Description(
    "phrases", json.loads(LIST.read_text("utf-8"))["version"], "tell-tale phrases and hidden marks", cost=2.0
)


def obstacle() -> Obstacle | None:
    """None: the list ships with the package and needs nothing else."""
    return None


def load(path: str | None = None) -> Phrases:
    """The shipped list, or a list in the same form."""
    return Phrases(Path(path) if path else LIST)


@dataclass(frozen=True)
class Phrases:
    """The detector; its score is the sum over categories of weight * log2(1 + hits)."""

    path: Path = LIST
    description: Description = DESCRIPTION

    @cached_property
    def listed(self) -> dict[str, dict]:
        """Categories by name, each with its phrases and its weight."""
        return json.loads(self.path.read_text("utf-8"))["categories"]

    @property
    def categories(self) -> tuple[str, ...]:
        """The columns of `counts`."""
        return (*self.listed, MARKS)

    @cached_property
    def weights(self) -> np.ndarray:
        """(categories,) float32: what an occurrence of each adds to the score."""
        return np.array([c["weight"] for c in self.listed.values()] + [MARK_WEIGHT], np.float32)

    @cached_property
    def trie(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Filters (2, 2^FILTER_BITS) uint8, keys (s,) uint64 and values (s,) int16 of the open-addressed trie."""
        return _trie([[_expand(p) for p in c["phrases"]] for c in self.listed.values()])

    def counts(self, batch: TextBatch) -> np.ndarray:
        """(n, categories) int32: hits per document and category; the longest phrase at a place counts."""
        out = np.zeros((len(batch), len(self.categories)), np.int32)
        filters, keys, values = self.trie
        find_phrases(batch.tokens.hashes, batch.tokens.offsets, filters, keys, values, out)
        find_marks(batch.text, batch.offsets, _may_hold_marks(batch.text, batch.offsets), out)
        if batch.rewritten is not None:  # the normal form no longer has hidden marks
            rows, text, offsets = batch.rewritten.rows, batch.rewritten.text, batch.rewritten.offsets
            found = np.zeros((len(rows), len(self.categories)), np.int32)
            find_marks(text, offsets, _may_hold_marks(text, offsets), found)
            out[rows] = np.where(np.arange(len(self.categories)) == len(self.listed), found, out[rows])
        return out

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32; 0 where nothing was found: it applies to every text."""
        return np.log2(1 + self.counts(batch)).astype(np.float32) @ self.weights

    def explain(self, text: str) -> list[Evidence]:
        """The phrases found, with their places."""
        tokens = spans(text)
        hashes = np.array([token.hash for token in tokens], np.uint64)
        _, keys, values = self.trie
        found, at = [], 0
        while at < len(tokens):
            category, length = longest(hashes, at, len(hashes), keys, values)
            if category >= 0:
                start, end = tokens[at].start, tokens[at + length - 1].end
                name, weight = self.categories[category], float(self.weights[category])
                found.append(Evidence("phrases", f"{name}: {text[start:end]}", weight, start, end))
            at += max(int(length), 1)
        return found


def _expand(pattern: str) -> list[str]:
    """'turn{0..2}search' -> turn0search, turn1search, turn2search."""
    choices = [range(int(low), int(high) + 1) for low, high in re.findall(r"\{(\d+)\.\.(\d+)\}", pattern)]
    template = re.sub(r"\{\d+\.\.\d+\}", "{}", pattern)
    return [template.format(*numbers) for numbers in product(*choices)]


def _trie(categories: list[list[list[str]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    states: dict[int, int] = {}
    filters = np.zeros((2, 1 << FILTER_BITS), np.uint8)
    phrases = [(n, phrase) for n, patterns in enumerate(categories) for pattern in patterns for phrase in pattern]
    raw = [phrase.encode() for _, phrase in phrases]
    tokens = tokenise(np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0, *map(len, raw)]))
    for n, (category, _) in enumerate(phrases):
        hashes = tokens.hashes[tokens.offsets[n] : tokens.offsets[n + 1]]
        place = hashes[0] & FILTER_MASK
        if len(hashes) == 1:
            filters[0, place] = ALONE
        else:
            filters[0, place] = max(filters[0, place], BEGINS)
            filters[1, pair(hashes[0], hashes[1])] = 1
        key = ROOT
        for h in hashes:
            key = np.uint64(step(key, h))
            states.setdefault(int(key), -1)
        states[int(key)] = category
    size = 1 << (4 * len(states)).bit_length()
    keys, values = np.zeros(size, np.uint64), np.full(size, -1, np.int16)
    for wide, category in states.items():
        slot = wide & (size - 1)
        while keys[slot]:
            slot = (slot + 1) & (size - 1)
        keys[slot], values[slot] = wide, category
    return filters, keys, values


@kernel
def pair(one, two):
    """Place of two words in the second filter: most common words begin some phrase, but few pairs do."""
    return np.int64((one ^ (two * PRIME)) & FILTER_MASK)


@kernel
def step(key, h):
    """The trie's next state."""
    return mix(key * PRIME ^ h)


@kernel
def longest(hashes, at, stop, keys, values):
    """Category and tokens of the longest phrase that starts at a token; (-1, 0) where none does.

    hashes (t,) uint64, keys values (s,), s a power of two
    """
    mask = np.uint64(keys.shape[0] - 1)
    key, category, length = ROOT, np.int64(-1), np.int64(0)
    for t in range(at, stop):
        key = step(key, hashes[t])
        slot = key & mask
        while keys[slot] != key and keys[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        if keys[slot] == 0:
            break
        if values[slot] >= 0:
            category, length = np.int64(values[slot]), np.int64(t - at + 1)
    return category, length


@kernel
def find_phrases(hashes, offsets, filters, keys, values, out):
    """hashes (t,) uint64, offsets (n+1,), the trie's filters, keys and values -> adds to out (n, categories)."""
    starts = np.empty(CHUNK, np.int64)
    for d in range(offsets.shape[0] - 1):
        free, stop = offsets[d], offsets[d + 1]
        for first in range(offsets[d], stop, CHUNK):
            for t in starts[: phrase_starts(hashes, first, stop, filters, starts)]:
                if t < free:  # inside the phrase before it
                    continue
                category, length = longest(hashes, t, stop, keys, values)
                if category >= 0:
                    out[d, category] += 1
                free = t + max(length, 1)


@kernel
def phrase_starts(hashes, first, stop, filters, starts):
    """Tokens of a chunk that may begin a phrase -> starts; returns how many. No branch depends on the text."""
    found = 0
    for t in range(first, min(first + CHUNK, stop)):
        begins = filters[0, hashes[t] & FILTER_MASK]
        goes_on = filters[1, pair(hashes[t], hashes[min(t + 1, stop - 1)])]
        starts[found] = t
        found += (begins == ALONE) | ((begins == BEGINS) & (goes_on != 0) & (t + 1 < stop))
    return found


def _may_hold_marks(text: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Numbers of the documents with a byte that a hidden mark could begin with: most texts have none.

    Parameters: text (b,) uint8, offsets (n+1,)
    """
    filled = np.flatnonzero(np.diff(offsets))
    if not len(filled):
        return filled
    highest = np.maximum.reduceat(text[: offsets[-1]], offsets[filled])
    return filled[highest >= MARK_BYTE]


@kernel
def find_marks(text, offsets, documents, out):
    """Runs of hidden characters, counted in the last column; text (b,) uint8, offsets (n+1,) -> out (n, categories).

    Variation selectors U+FE00-FE0F (EF B8 80-8F), their supplement and the tags U+E0000-E01EF (F3 A0 80-87 xx),
    and private-use brackets U+E200-E206 (EE 88 80-86), of which one is enough. documents (m,): those to examine.
    """
    last = out.shape[1] - 1
    for d in documents:
        i, stop, run = offsets[d], offsets[d + 1], 0
        while i < stop:
            if text[i] < MARK_BYTE:
                run = 0
                i += 1
                continue
            width = 1
            if i + 2 < stop and text[i] == 0xEF and text[i + 1] == 0xB8 and text[i + 2] <= 0x8F:
                width = 3
                run += 1
            elif i + 3 < stop and text[i] == 0xF3 and text[i + 1] == 0xA0 and text[i + 2] <= 0x87:
                width = 4
                run += 1
            elif i + 2 < stop and text[i] == 0xEE and text[i + 1] == 0x88 and text[i + 2] <= 0x86:
                width = 3
                run = 0
                out[d, last] += 1
            else:
                run = 0
            if run == MARK_RUN:
                out[d, last] += 1
            i += width
