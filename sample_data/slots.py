"""Slots: the places in the shards, each for a passage of one label and genre, so that the fractions are exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.sample_data.passages import Passage
from auditor.sample_data.surface import cut, lay_out, sentences
from auditor.sample_data.truth import AI, HUMAN

# Kinds of human text in their shares. Machine text is of some seventy kinds, as on the web, and drawn from one pool.
GENRES = {"encyclopaedic": 0.49, "news": 0.07, "technical": 0.17, "scientific": 0.27}
POOL = "any"
# Documents under the audit's minimum of words, for one eligible document.
SHORT_SHARE = 0.05
SHORT_WORDS = (15, 80)


@dataclass(slots=True)
class Slot:
    """A place in a shard; a copy's slot names the slot it repeats."""

    shard: int
    label: str
    genre: str
    short: bool = False
    passage: Passage | None = None
    cluster: int | None = None
    copy_of: int | None = None
    row: int = -1


def make_slots(shards: Sequence[tuple[int, float]]) -> list[Slot]:
    """The slots of shards given as (eligible documents, share that is machine-written); short documents on top."""
    made: list[Slot] = []
    for shard, (eligible, share) in enumerate(shards):
        machine = round(eligible * share)
        for label, count in ((AI, machine), (HUMAN, eligible - machine)):
            made += [Slot(shard, label, genre) for genre in _genres(label, count)]
            made += [Slot(shard, label, genre, short=True) for genre in _genres(label, round(count * SHORT_SHARE))]
    return made


def _genres(label: str, count: int) -> list[str]:
    return [POOL] * count if label == AI else apportion(count)


def _stock(passage: Passage) -> tuple[str, str]:
    return passage.label, POOL if passage.label == AI else passage.genre


def apportion(count: int) -> list[str]:
    """`count` genres in their shares, rounded so that they add up."""
    ends = np.rint(np.cumsum(list(GENRES.values())) * count).astype(int)
    return [genre for genre, size in zip(GENRES, np.diff(ends, prepend=0), strict=True) for _ in range(size)]


def shortfall(slots: Sequence[Slot], supply: Sequence[Passage]) -> Counter[tuple[str, str]]:
    """How many passages of which label and genre are missing for these slots."""
    needed = Counter((slot.label, slot.genre) for slot in slots if slot.copy_of is None)
    return needed - Counter(_stock(passage) for passage in supply)


def fill(slots: Sequence[Slot], supply: Sequence[Passage], rng: np.random.Generator) -> None:
    """Give every slot that is no copy a passage of its own; short ones keep only the first sentences of it."""
    stock: dict[tuple[str, str], list[Passage]] = {}
    for passage in supply:
        stock.setdefault(_stock(passage), []).append(passage)
    for slot in slots:
        if slot.copy_of is None:
            passage = stock[slot.label, slot.genre].pop()
            slot.passage = shortened(passage, rng) if slot.short else passage


def shortened(passage: Passage, rng: np.random.Generator) -> Passage:
    """The leading words of a passage, up to a length drawn below the audit's minimum."""
    words = passage.text.split()[: int(rng.integers(*SHORT_WORDS))]
    kept = cut(sentences(" ".join(words)), len(words))
    return Passage(passage.label, passage.genre, passage.writer, passage.source, lay_out(kept, rng))
