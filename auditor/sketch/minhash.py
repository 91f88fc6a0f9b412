"""MinHash signatures of word 5-shingles, bit-identical to datasketch's `affine32` scheme.

A shingle is five consecutive tokens of `auditor.text` (in scripts without spaces, five characters). A document with
fewer tokens is one shingle of all of them, so it resembles only documents of the same words in the same order; a
document without tokens has no signature (every value `EMPTY`, datasketch's own mark) and resembles nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.text.jit import kernel
from auditor.text.tokens import Tokens

PERMUTATIONS = 128
WIDTH = 5
SEED = 1  # datasketch's default, so that its own sketches match ours without configuration
SCHEME = "affine32"
EMPTY = np.uint32(0xFFFFFFFF)

PRIME = np.uint64(0xD6E8FEB86659FD93)  # odd: a shingle of one repeated token is still a bijection of that token
HALF = np.uint64(32)
FMIX_1, FMIX_2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
BLOCK = 2048  # shingles at a time: 8 KB, so they stay in the first-level cache while 128 permutations pass over them
LANE = 64  # blocks are padded to whole vectors by repeating a shingle, which a minimum does not notice


@dataclass(frozen=True, slots=True, eq=False)
class Permutations:
    """The maps h -> a h + b mod 2^32: a, b (k,) uint32 with a odd, drawn from the seed as datasketch draws them."""

    seed: int
    a: np.ndarray
    b: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def as_dict(self) -> dict[str, int | str]:
        """What must be equal in two runs for their signatures to be comparable (beside the shingle width)."""
        return {"scheme": SCHEME, "permutations": len(self), "seed": self.seed}


def permutations(count: int = PERMUTATIONS, seed: int = SEED) -> Permutations:
    """The permutations of datasketch.MinHash(num_perm=count, seed=seed, scheme="affine32")."""
    draw = np.random.RandomState(seed)  # the legacy generator: its stream is frozen, and it is datasketch's
    a = draw.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return Permutations(seed, a, draw.randint(0, 1 << 32, count, dtype=np.uint32))


def signatures(tokens: Tokens, permutations: Permutations, *, width: int = WIDTH) -> np.ndarray:
    """MinHash signature of each document: min over its shingles s of a fmix32(h32(s)) + b mod 2^32.

    Parameters: tokens of n documents; permutations k of them; width tokens in a shingle, at least 1
    Returns: (n, k) uint32; rows of documents without tokens are EMPTY throughout (see `signed`)
    References: Broder 1997, On the resemblance and containment of documents; datasketch 2.0 (`affine32`)
    """
    assert width >= 1
    out = np.full((len(tokens.offsets) - 1, len(permutations)), EMPTY, np.uint32)
    _sign(tokens.hashes, tokens.offsets, permutations.a, permutations.b, width, out)
    return out


def signed(signatures: np.ndarray) -> np.ndarray:
    """(n,) bool: which documents have a signature at all."""
    return (signatures != EMPTY).any(axis=1)


def shingle_set(tokens: Tokens, document: int, *, width: int = WIDTH) -> np.ndarray:
    """The shingles of one document as sorted, unique (s,) uint64 hashes: what the exact Jaccard compares."""
    own = tokens.hashes[tokens.offsets[document] : tokens.offsets[document + 1]]
    shingles = np.empty(max(len(own) - width + 1, min(len(own), 1)), np.uint64)
    _shingles(own, min(width, len(own)), shingles)
    shingles.sort()  # np.unique goes through a hash table: 77 s for a document of 200 MB, this takes one
    return shingles[np.diff(shingles, prepend=~shingles[:1]) != 0]


@kernel
def _shingles(own, width, out):
    """own (t,) uint64 tokens, width <= t -> out (t - width + 1,) uint64: the sum over j of own[i + j] P^(width-1-j)."""
    leaving = np.uint64(1)
    for _ in range(width):
        leaving *= PRIME
    h = np.uint64(0)
    for i in range(out.shape[0] + width - 1 if width else 0):
        h = h * PRIME + own[i]
        if i >= width:
            h -= own[i - width] * leaving
        if i >= width - 1:
            out[i - width + 1] = h


@kernel
def _sign(hashes, offsets, a, b, width, out):
    """hashes (t,) uint64, offsets (n+1,) int64, a b (k,) uint32 -> out (n, k) uint32, which holds EMPTY before.

    The loop over shingles is the inner one: the minimum stays in a register, which measured about twice as fast as
    updating a row of minima in memory shingle by shingle.
    """
    shingles = np.empty(BLOCK, np.uint64)
    block = np.empty(BLOCK, np.uint32)
    for d in range(offsets.shape[0] - 1):
        first, stop = offsets[d], offsets[d + 1]
        if first == stop:
            continue
        own = min(np.int64(width), stop - first)
        while first + own <= stop:
            count = min(np.int64(BLOCK), stop - first - own + 1)
            _shingles(hashes[first : first + count + own - 1], own, shingles[:count])
            for s in range(count):
                h = np.uint32(shingles[s] >> HALF)
                h ^= h >> np.uint32(16)
                h = np.uint32(h * FMIX_1)
                h ^= h >> np.uint32(13)
                h = np.uint32(h * FMIX_2)
                block[s] = h ^ (h >> np.uint32(16))
            padded = (count + LANE - 1) // LANE * LANE
            for s in range(count, padded):
                block[s] = block[0]
            for k in range(a.shape[0]):
                factor, shift, least = a[k], b[k], out[d, k]
                for s in range(padded):
                    least = min(least, np.uint32(block[s] * factor + shift))
                out[d, k] = least
            first += count
