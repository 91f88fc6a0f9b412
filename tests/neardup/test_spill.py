"""Signatures handed out in slices: the same in memory and from disk, whole components, nothing missing in silence."""

import numpy as np
import polars as pl
import pytest

from auditor.errors import StoreError
from auditor.neardup.components import components
from auditor.neardup.spill import ROW_OVERHEAD, gather

WIDTH = 4
A_ROW = 4 * WIDTH + ROW_OVERHEAD
DOCUMENTS = np.arange(100, 160, dtype=np.uint64)
SIGNATURES = np.arange(60 * WIDTH, dtype=np.uint32).reshape(60, WIDTH)


def pairs(*sizes: int):
    """Components of these sizes, from the smallest document on."""
    edges, first = [], 100
    for size in sizes:
        edges += [(first + i, first) for i in range(1, size)]
        first += size
    frame = pl.DataFrame(edges, schema={"document": pl.UInt64, "centre": pl.UInt64}, orient="row")
    return components([frame.lazy()])


def batches(step: int = 7):
    order = np.random.default_rng(3).permutation(60)
    return [(DOCUMENTS[order[i : i + step]], SIGNATURES[order[i : i + step]]) for i in range(0, 60, step)]


@pytest.mark.parametrize("rows", [1, 5, 12, 1000])
def test_slices_hold_whole_components_with_their_own_signatures(tmp_path, rows):
    found = pairs(3, 2, 10, 4, 2)
    gathered = gather(found, batches(), WIDTH, limit=rows * A_ROW, scratch=tmp_path)
    seen = []
    for part in gathered.slices():
        assert np.array_equal(part.signatures, SIGNATURES[(part.documents - 100).astype(int)])
        assert part.starts[0] == 0 and part.starts[-1] == len(part.documents)
        assert len(part.documents) <= rows or len(part.starts) == 2  # a component larger than the memory stands alone
        seen += part.documents.tolist()
    assert seen == found.documents.tolist()
    assert (len(gathered) == 1) == (rows >= 21)


def test_a_candidate_without_a_signature_is_named(tmp_path):
    with pytest.raises(StoreError, match="such as 101"):
        gather(pairs(3), [(DOCUMENTS[[0, 2]], SIGNATURES[[0, 2]])], WIDTH, limit=1000 * A_ROW, scratch=None)
    with pytest.raises(StoreError, match="such as 101"):
        gather(pairs(3), [(DOCUMENTS[[0, 2]], SIGNATURES[[0, 2]])], WIDTH, limit=A_ROW, scratch=tmp_path)


def test_without_a_scratch_folder_too_many_candidates_are_refused():
    with pytest.raises(StoreError, match="scratch folder"):
        gather(pairs(3), batches(), WIDTH, limit=A_ROW, scratch=None)


def test_without_candidates_no_signature_is_read():
    def unread():
        raise AssertionError("read")
        yield

    assert len(gather(pairs(), unread(), WIDTH, limit=A_ROW, scratch=None)) in (0, 1)
