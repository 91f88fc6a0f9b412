"""Planted duplicates: which slots of the corpus repeat another, and how a near copy differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.sample_data.passages import jaccard
from auditor.sample_data.slots import Slot

SIZES = (2, 2, 3)
KINDS = ("exact", "near")
# One cluster for so many eligible documents of the corpus; half of each kind, half within one shard.
DOCUMENTS_PER_CLUSTER = 36
# Safely above the audit's threshold of .8, so that the truth doesn't depend on how words are cut.
LEAST_JACCARD = 0.87
EDGE_WORDS = 8
ADDITIONS = (
    "Filed under general interest, last updated this week.",
    "This page was also published in our monthly digest.",
    "Subscribe to receive more pages of this kind.",
    "Reprinted here with permission of the editors.",
)


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted cluster: indices of its slots, the original first."""

    kind: str
    slots: tuple[int, ...]


def plant(slots: Sequence[Slot], rng: np.random.Generator) -> list[Planted]:
    """Mark which slots are copies of which: of one label and genre, so that no fraction moves."""
    planted: list[Planted] = []
    for number in range(len(slots) // DOCUMENTS_PER_CLUSTER):
        kind, within = KINDS[number % 2], number // 2 % 2 == 0
        size = SIZES[number % len(SIZES)]
        members = _members(slots, size, within, rng)
        if members:
            for index in members:
                slots[index].cluster = len(planted)
            for index in members[1:]:
                slots[index].copy_of = members[0]
            planted.append(Planted(kind, members))
    return planted


def _members(slots: Sequence[Slot], size: int, within: bool, rng: np.random.Generator) -> tuple[int, ...]:
    """A free slot and `size` - 1 like it, from its own shard or from other shards; () where there are too few."""
    free = [index for index, slot in enumerate(slots) if slot.cluster is None and not slot.short]
    first = int(rng.choice(free))
    like = [
        index
        for index in free
        if index != first
        and (slots[index].label, slots[index].genre) == (slots[first].label, slots[first].genre)
        and (slots[index].shard == slots[first].shard) == within
    ]
    if len(like) < size - 1:
        return ()
    return (first, *(int(index) for index in rng.choice(like, size - 1, replace=False)))


def near_copy(text: str, rng: np.random.Generator) -> str:
    """The text with a sentence added and, where it stays close enough, one word dropped."""
    added = f"{text} {rng.choice(ADDITIONS)}" if rng.random() < 0.5 else f"{rng.choice(ADDITIONS)} {text}"
    words = text.split()
    dropped = words[int(rng.integers(EDGE_WORDS, len(words) - EDGE_WORDS))]
    shorter = added.replace(f" {dropped} ", " ", 1)
    return shorter if jaccard(text, shorter) >= LEAST_JACCARD else added
