"""A document in windows of sentences, each with its own score: which passages account for the document's."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.detectors.first_tier import Ensemble
from auditor.detectors.interface import UNSPACED
from auditor.text.batch import TextBatch

WORDS = 120  # of a window: with fewer, the score of a passage says little
CHARACTERS = 240  # the same in languages without spaces between words
MOST = 400  # windows of one document
LIKE_MACHINE = 2.0  # human units: of human documents of 100 to 150 words one in twenty scores higher
_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+|\n+|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of whole sentences (characters, end excluded) and its score in human units of its kind and length.

    marked: it scores like machine text; a single passage may do so by chance
    """

    start: int
    end: int
    words: int
    score: float
    marked: bool


def passages(ensemble: Ensemble, text: str, language: str = "en") -> list[Passage]:
    """The windows of a text, in order: whole sentences until there are WORDS, the next window half a window later.

    A last window that is too short reaches back. A text shorter than a window is one window; [] where nothing has a
    score.
    """
    sentences = [m.span() for m in _SENTENCE.finditer(text) if m.group().strip()]
    if not sentences:
        return []
    sizes = np.array([_size(text[start:end], language) for start, end in sentences])
    spans = [(sentences[a][0], sentences[b - 1][1]) for a, b in _windows(sizes, _wanted(language))[:MOST]]
    parts = pl.Series([text[start:end] for start, end in spans], dtype=pl.String)
    batch = TextBatch.of(parts, pl.Series([language] * len(spans), dtype=pl.String))
    units, _ = ensemble.in_human_units(batch, ensemble.score(batch).logit)
    return [
        Passage(start, end, int(words), float(unit), bool(unit >= LIKE_MACHINE))
        for (start, end), words, unit in zip(spans, batch.tokens.words, units, strict=True)
        if np.isfinite(unit)
    ]


def _windows(sizes: np.ndarray, wanted: int) -> list[tuple[int, int]]:
    """First and last sentence (excluded) of each window."""
    ends = np.cumsum(sizes)
    out: list[tuple[int, int]] = []
    first = 0
    while first < len(sizes):
        before = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, before + wanted)) + 1
        if last > len(sizes):  # what is left is too short: the last window reaches back
            start = int(np.searchsorted(ends, max(ends[-1] - wanted, 0), side="right"))
            start = min(start, first)
            if not out or out[-1] != (start, len(sizes)):
                out.append((start, len(sizes)))
            break
        out.append((first, last))
        if last == len(sizes):
            break
        half = int(np.searchsorted(ends, before + wanted / 2)) + 1
        first = min(max(half, first + 1), last)
    return out


def _wanted(language: str) -> int:
    return CHARACTERS if language in UNSPACED else WORDS


def _size(sentence: str, language: str) -> int:
    return len(sentence.strip()) if language in UNSPACED else len(sentence.split())
