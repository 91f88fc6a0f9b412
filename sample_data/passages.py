"""Passages of like length and form, drawn from human works and machine texts, no two of them overlapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from auditor.sample_data.human import Writing
from auditor.sample_data.machine import Generation, prose
from auditor.sample_data.surface import cut, lay_out, sentences, settle
from auditor.sample_data.truth import AI, HUMAN

MINIMUM_WORDS = 100
# Whitespace words; an audit's tokenizer may count a few less, so eligible passages keep clear of the threshold.
SHORTEST, LONGEST = 112, 200
SHINGLE = 5
SHARED_SHINGLES = 0.1


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of the sample with its origin."""

    label: str
    genre: str
    writer: str
    source: str
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(slots=True)
class Overlap:
    """Every shingle used so far: a passage that shares too many of them with earlier ones is refused."""

    used: set[str] = field(default_factory=set)

    def admits(self, text: str) -> bool:
        own = shingles(text)
        if not own or len(own & self.used) > SHARED_SHINGLES * len(own):
            return False
        self.used |= own
        return True


def machine_passages(texts: Iterable[Generation], overlap: Overlap, rng: np.random.Generator) -> list[Passage]:
    """Cut each machine text into passages of drawn lengths and lay them out anew; in an order drawn at random."""
    made: list[Passage] = []
    for text in texts:
        left = sentences(prose(text.text))
        while left:
            parts = cut(left, int(rng.integers(SHORTEST, LONGEST)))
            left = left[len(parts) :]
            if sum(len(part.split()) for part in parts) >= SHORTEST and overlap.admits(" ".join(parts)):
                made.append(Passage(AI, text.genre, text.writer, text.prompt, lay_out(parts, rng)))
    return [made[index] for index in rng.permutation(len(made))]


def human_passages(
    works: Sequence[Writing], lengths: Sequence[int], overlap: Overlap, rng: np.random.Generator
) -> list[Passage]:
    """Cut works into passages that follow `lengths`, each from a paragraph's start, in an order drawn at random."""
    made: list[Passage] = []
    for work in works:
        paragraphs = [sentences(settle(paragraph)) for paragraph in work.paragraphs]
        start = 0
        while start < len(paragraphs):
            words = int(rng.choice(lengths))
            pool: list[str] = []
            while start < len(paragraphs) and sum(len(part.split()) for part in pool) < words:
                pool += paragraphs[start]
                start += 1
            parts = cut(pool, words)
            if sum(len(part.split()) for part in parts) >= SHORTEST and overlap.admits(" ".join(parts)):
                made.append(Passage(HUMAN, work.genre, "people", work.source, lay_out(parts, rng)))
    return [made[index] for index in rng.permutation(len(made))]


def shingles(text: str) -> set[str]:
    """The lower-cased word 5-shingles (the audit's definition, but words are cut at white space)."""
    words = text.lower().split()
    return {" ".join(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}


def jaccard(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)
