"""Equal bytes have equal hashes; different ones, however alike, do not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.sketch.content import content_hashes


def hashes_of(documents: list[bytes]) -> np.ndarray:
    offsets = np.cumsum([0, *map(len, documents)])
    return content_hashes(np.frombuffer(b"".join(documents), np.uint8), offsets.astype(np.int64))


@given(st.lists(st.binary(max_size=40), min_size=2, max_size=6))
def test_hashes_are_equal_exactly_where_the_bytes_are(documents):
    found = hashes_of(documents)
    for i, left in enumerate(documents):
        for j, right in enumerate(documents):
            assert (found[i] == found[j]).all() == (left == right)
            assert (found[i, 0] == found[j, 0]) == (found[i, 1] == found[j, 1])


def test_near_misses_do_not_collide_in_either_half():
    base = bytes(range(1, 256)) * 2
    changed = [base[:i] + bytes([base[i] ^ (1 << bit)]) + base[i + 1 :] for i in range(len(base)) for bit in range(8)]
    padded = (
        [base[:n] for n in range(511)] + [base + b"\0" * n for n in range(1, 20)] + [b"\0" * n for n in range(1, 90)]
    )
    found = hashes_of(changed + padded)
    for half in np.ascontiguousarray(found.T):
        assert len(np.unique(half)) == len(found)
        bits = np.unpackbits(half.view(np.uint8)).reshape(len(half), 64).mean(axis=0)
        assert np.abs(bits - 0.5).max() < 6 * 0.5 / len(found) ** 0.5
