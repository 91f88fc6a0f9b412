"""Who a document is: its stable id, the hash of its content, and the resampling group that it falls in."""

from __future__ import annotations

import hashlib

import numpy as np

from auditor.text.jit import kernel
from auditor.text.tokens import PRIME, Tokens, mix

GROUPS = 32
SECOND = np.uint64(0xD6E8FEB86659FD93)


def stable_ids(corpus: str, shard: str, rows: np.ndarray) -> np.ndarray:
    """(n,) uint64 from corpus, shard and row: the same on every machine, whatever ids the source has."""
    base = int.from_bytes(hashlib.sha256(f"{corpus}\0{shard}".encode()).digest()[:8], "little")
    return _mixed(rows.astype(np.uint64), np.uint64(base))


def content_hashes(tokens: Tokens) -> np.ndarray:
    """(n, 2) uint64: equal for documents of the same words in the same order; zeros for a document without words.

    128 bits, so that chance collisions (n^2 / 2^129) play no part at any corpus size.
    """
    return _content(tokens.hashes, tokens.offsets)


def groups(hosts: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(n,) uint8 below GROUPS: documents of one host fall together, others by their own id.

    hosts: (n,) uint64 hashes of host names, 0 where there is none; ids: (n,) uint64
    """
    return (_mixed(np.where(hosts == 0, ids, hosts), SECOND) >> np.uint64(59)).astype(np.uint8)


def host_hashes(hosts: list[str | None]) -> np.ndarray:
    """(n,) uint64 of host names, 0 for None."""
    known = {name: int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") | 1
             for name in {h for h in hosts if h is not None}}  # fmt: skip
    return np.array([0 if name is None else known[name] for name in hosts], np.uint64)


@kernel
def _mixed(values, salt):
    out = np.empty(values.shape[0], np.uint64)
    for i in range(values.shape[0]):
        out[i] = mix(values[i] * PRIME + salt)
    return out


@kernel
def _content(hashes, offsets):
    """hashes (t,) uint64, offsets (n+1,) -> (n, 2) uint64."""
    n = offsets.shape[0] - 1
    out = np.zeros((n, 2), np.uint64)
    for d in range(n):
        a, b = np.uint64(offsets[d + 1] - offsets[d]), SECOND
        if a == 0:
            continue
        for t in range(offsets[d], offsets[d + 1]):
            a = (a ^ hashes[t]) * PRIME
            a ^= a >> np.uint64(32)
            b = (b + hashes[t]) * SECOND
            b ^= b >> np.uint64(29)
        out[d, 0], out[d, 1] = mix(a), mix(b)
    return out
