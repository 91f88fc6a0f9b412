"""A 128-bit hash of a document's bytes, by which equal texts are found first and cheaply; and digests made of hashes.

A digest is the sum modulo 2^64 of the hashes of what it covers: it does not depend on order, and digests of splits add
up.
"""

from collections.abc import Mapping

import numpy as np

from auditor.text.jit import kernel
from auditor.text.tokens import MURMUR_1, MURMUR_2, SHIFT, mix

WEYL_1, WEYL_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
TURN_1, TURN_2 = np.uint64(31), np.uint64(29)
ALL = np.uint64(64)
WHOLE = 1 << 64


def content_hashes(text: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Two 64-bit hashes of each document's bytes, each in its own way: (n, 2) uint64.

    Parameters: text (b,) uint8; offsets (n+1,) int64
    Assumes: nobody builds collisions on purpose (it is not a cryptographic hash); by chance, 1e11 documents hold a
    false pair with probability 1e22 / 2^129, about 1e-17
    """
    out = np.empty((len(offsets) - 1, 2), np.uint64)
    _content(text, offsets, out)
    return out


def record_hashes(text: np.ndarray, given: np.ndarray) -> np.ndarray:
    """One hash of each record (n,) uint64, of its text and of the columns beside it, bound to one another.

    Parameters: text, given (n, 2) uint64: content hashes of the texts as the source has them, and of the other columns
    """
    apart = _mixed(given[:, 0] ^ (given[:, 1] << TURN_1 | given[:, 1] >> (ALL - TURN_1)))
    return _mixed(_mixed(text[:, 0] ^ (text[:, 1] << TURN_2 | text[:, 1] >> (ALL - TURN_2))) + apart)


def summed(hashes: np.ndarray) -> int:
    """The digest of hashes (n,) uint64."""
    return int(np.add.reduce(hashes, dtype=np.uint64))


def skips_digest(skips: Mapping[str, int]) -> int:
    """The digest of records that were left out, by reason: the hash of each reason times its count."""
    total = 0
    for reason, count in skips.items():
        octets = np.frombuffer(reason.encode(), np.uint8)
        pair = content_hashes(octets, np.array([0, len(octets)]))
        total += count * int(record_hashes(pair, ~pair)[0])
    return total % WHOLE


def written(digest: int) -> str:
    """A digest as reports show it: 16 hexadecimal digits."""
    return f"{digest % WHOLE:016x}"


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """The finaliser of `mix`, of an array."""
    h = hashes ^ (hashes >> SHIFT)
    h = h * MURMUR_1
    h = h ^ (h >> SHIFT)
    h = h * MURMUR_2
    return h ^ (h >> SHIFT)


@kernel
def _content(text, offsets, out):
    """text (b,) uint8, offsets (n+1,) int64 -> out (n, 2) uint64; eight bytes a step, two chains."""
    for d in range(offsets.shape[0] - 1):
        i, stop = offsets[d], offsets[d + 1]
        length = np.uint64(stop - i)
        g, h = length * WEYL_1, length ^ WEYL_2
        while i < stop:
            word = np.uint64(0)
            if i + 8 <= stop:
                for j in range(8):
                    word |= np.uint64(text[i + j]) << np.uint64(8 * j)
            else:
                for j in range(stop - i):
                    word |= np.uint64(text[i + j]) << np.uint64(8 * j)
            g = (g ^ word) * WEYL_1
            g = (g << TURN_1) | (g >> (ALL - TURN_1))
            h = (h + word) * WEYL_2
            h ^= h >> TURN_2
            i += 8
        out[d, 0], out[d, 1] = mix(g ^ (h >> np.uint64(32))), mix(h + g)
