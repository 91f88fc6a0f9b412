"""The human reference that ships: how frequent each word of a language was through 2021, before AI text spread.

wordfreq (Speer 2022) stopped collecting then, because "generative AI has polluted the data".
"""

from __future__ import annotations

import math
from functools import cache
from itertools import islice

import numpy as np

from auditor.estimate.diversity.lost_general import Law
from auditor.sketch.types_kernel import key_of
from auditor.text.tokens import tokenise

WORDS = 50_000  # most frequent first; the rarest of the 300,000 it has are names and misspellings
SPOKEN = 0.9  # share of a text's words in one language, below which no single language's frequencies apply


@cache
def general_law(language: str) -> Law | None:
    """The words of a language (ISO 639-1) that are a single token to our tokeniser; None if wordfreq has no list."""
    import wordfreq

    if language not in wordfreq.available_languages():
        return None
    # Lists of words of equal frequency, from 1 downwards in hundredths of a power of ten; requested as naming words
    # does, so that the list is read once.
    buckets = wordfreq.get_frequency_list(language, "best")
    levels = [wordfreq.cB_to_freq(-level) for level in range(len(buckets))]
    frequent = islice(((word, p) for p, bucket in zip(levels, buckets, strict=True) for word in bucket), WORDS)
    found = {word: p for word, p in frequent if word.isalpha()}
    raw = [word.encode() for word in found]
    tokens = tokenise(np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0, *map(len, raw)]))
    single = np.flatnonzero(tokens.words == 1)
    types, first = np.unique(key_of(tokens.hashes[tokens.offsets[single]]), return_index=True)
    p = np.fromiter(found.values(), float, len(found))[single][first]
    return Law(types, p / p.sum(), f"wordfreq's {language} frequencies through 2021 ({len(types):,} words)")


def main_language(words: dict[str, float]) -> str | None:
    """The language that nearly all words are in; words: language -> how many."""
    if not words or not math.isfinite(total := sum(words.values())) or total <= 0:
        return None
    name = max(sorted(words), key=lambda key: words[key])
    return name if words[name] >= SPOKEN * total else None
