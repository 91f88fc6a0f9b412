"""A perfect hash of a fixed list of types: each is looked up without a loop."""

from __future__ import annotations

from functools import cache

import numpy as np

from auditor.text.jit import kernel

ONE = np.uint64(1)
HIGH, HIGHER = np.uint64(20), np.uint64(40)
HALF = np.uint64(32)
PILOTS = 1 << 16


@cache
def placed(listed: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Pilots and places of a list's keys; shared by all tables of the list, changed by none."""
    keys = np.frombuffer(listed, np.uint64)
    pilots = np.zeros(power_of_two(len(keys) // 4), np.uint16)
    places = np.zeros(power_of_two(len(keys) + len(keys) // 2), np.uint64)
    if not _place_all(keys, pilots, places):
        raise ValueError("the list of types names one of them twice")
    return pilots, places


def power_of_two(n: int) -> int:
    """The least power of two that is at least n, and at least 2."""
    return 1 << max(int(n) - 1, 1).bit_length()


@kernel
def place_of(key, pilot, places):
    """The place of a listed type: its high bits, shifted by its bucket's pilot."""
    return ((key >> HIGH) + np.uint64(pilot) * ((key >> HIGHER) | ONE)) & np.uint64(places - 1)


# keys (F,), pilots (B,), places (P,) -> whether all keys are different
@kernel
def _place_all(keys, pilots, places):
    """A perfect hash of the list: each bucket gets the first pilot that leads its keys to places still free.

    A type is thus looked up without a loop, which a processor would mispredict at every other token. Large buckets come
    first (Belazzougui, Botelho & Dietzfelbinger 2009, Hash, displace, and compress). A place holds the low half of its
    key and, below it, the slot + 1: with the bits that led there 48 of 64 are compared, so that another type is taken
    for a listed one with a probability of 1e-10.
    """
    bucket = (keys & np.uint64(pilots.size - 1)).astype(np.int64)
    size = np.bincount(bucket, minlength=pilots.size)
    order = np.argsort(-size[bucket] * pilots.size - bucket, kind="mergesort")  # bucket by bucket
    start = 0
    while start < keys.size:
        b = bucket[order[start]]
        stop = start + size[b]
        pilot, placed = 0, start
        while placed < stop and pilot < PILOTS:
            at = place_of(keys[order[placed]], pilot, places.size)
            if places[at] == 0:
                places[at] = (keys[order[placed]] << HALF) | np.uint64(order[placed] + 1)
                placed += 1
                continue
            for other in range(start, placed):
                places[place_of(keys[order[other]], pilot, places.size)] = 0
            pilot, placed = pilot + 1, start
        if placed < stop:
            return False
        pilots[b] = pilot
        start = stop
    return True
