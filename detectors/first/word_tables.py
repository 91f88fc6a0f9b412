"""Tables over the words of a list: a byte for each word at the first bits of its hash, and 8 more bits that identify
it.

The lists are wordfreq's (Speer 2022); the shipped tables are made from them, because reading the words would take most
of a second in every process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import load_file

from auditor.text.batch import TextBatch

BITS = 18
SHIFT, CHECK = np.uint64(64 - BITS), np.uint64(255)


def read_table(path: Path) -> np.ndarray:
    """(2^BITS, 2) uint8: the byte of a word, 0 where none is listed, and the last bits of its hash."""
    stored = load_file(path)
    table = np.zeros((1 << BITS, 2), np.uint8)
    table[stored["places"]] = stored["values"]
    return table


def listed(most: int, value: Callable[[int, str, float], int]) -> dict[str, np.ndarray]:
    """What a shipped table holds: places (p,) uint32, values (p, 2) uint8.

    Parameters: most, words of the list; value, the byte of a word, of its rank, the word and its frequency
    """
    from wordfreq import get_frequency_dict, top_n_list

    frequency, words = get_frequency_dict("en"), top_n_list("en", most)
    batch = TextBatch.of(pl.Series(words))
    single = np.flatnonzero(batch.tokens.words == 1)
    hashes = batch.tokens.hashes[batch.tokens.offsets[single]].tolist()
    found = {
        h >> int(SHIFT): (value(rank, words[rank], frequency.get(words[rank], 1e-9)), h & int(CHECK))
        for rank, h in reversed(list(zip(single.tolist(), hashes, strict=True)))  # the most frequent stays
    }
    places = sorted(found)
    return {"places": np.array(places, np.uint32), "values": np.array([found[k] for k in places], np.uint8)}
