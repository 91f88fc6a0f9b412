"""The identity of a document: its stable id and its resampling group."""

from __future__ import annotations

import hashlib

import numpy as np

from auditor.text.jit import kernel
from auditor.text.tokens import PRIME, mix

SECOND = np.uint64(0xD6E8FEB86659FD93)


def stable_ids(corpus: str, shard: str, rows: np.ndarray) -> np.ndarray:
    """(n,) uint64 from corpus, shard and row: the same on every machine, whatever ids the source has."""
    base = int.from_bytes(hashlib.sha256(f"{corpus}\0{shard}".encode()).digest()[:8], "little")
    return _mixed(rows.astype(np.uint64), np.uint64(base))


def groups(hosts: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(n,) uint8 below GROUPS: documents of one host fall together, others by their own id.

    hosts: (n,) uint64 hashes of host names, 0 where there is none; ids: (n,) uint64
    """
    return (_mixed(np.where(hosts == 0, ids, hosts), SECOND) >> np.uint64(59)).astype(np.uint8)


def host_hashes(hosts: list[str | None]) -> np.ndarray:
    """(n,) uint64 of host names, 0 for None."""
    known = {
        name: int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") | 1
        for name in {h for h in hosts if h is not None}
    }
    return np.array([0 if name is None else known[name] for name in hosts], np.uint64)


@kernel
def _mixed(values, salt):
    out = np.empty(values.shape[0], np.uint64)
    for i in range(values.shape[0]):
        out[i] = mix(values[i] * PRIME + salt)
    return out
