"""Signatures of the candidates, gathered in one sequential pass and handed out in slices that fit the memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auditor.errors import StoreError
from auditor.neardup.components import Components

Batches = Iterable[tuple[np.ndarray, np.ndarray]]  # (documents (n,) uint64, signatures (n, k) uint32), each once
ROW_OVERHEAD = 512  # bytes a candidate costs in a slice beside its signature: buckets, stars, orders
READ_ROWS = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Whole components: documents (m,) uint64, starts (c+1,) int64 into them, signatures (m, k) uint32."""

    documents: np.ndarray
    starts: np.ndarray
    signatures: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """The candidates' signatures: in memory where they fit, else one file per slice in `scratch`.

    cuts (s+1,) int64: components of each slice.
    """

    components: Components
    cuts: np.ndarray
    width: int
    memory: np.ndarray | None
    scratch: Path | None
    limit: int

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def slices(self) -> Iterator[Slice]:
        """The slices in order, one in memory at a time."""
        return (self.slice(i) for i in range(len(self)))

    def slice(self, index: int) -> Slice:
        """One slice, read back where it was spilled."""
        starts = self.components.starts[self.cuts[index] : self.cuts[index + 1] + 1]
        first, stop = starts[0], starts[-1]
        documents = self.components.documents[first:stop]
        rows = self.memory if self.memory is not None else self._read(index, first, stop - first)
        return Slice(documents, starts - first, rows)

    def _read(self, index: int, first: int, count: int) -> np.ndarray:
        assert self.scratch is not None
        places = np.fromfile(_places(self.scratch, index), np.int64)
        spilled = np.memmap(_rows(self.scratch, index), np.uint32, "r", shape=(len(places), self.width))
        rows: np.ndarray
        if count * (4 * self.width + ROW_OVERHEAD) > self.limit:  # one component larger than the memory allowed
            path = self.scratch / f"ordered-{index}.u32"
            rows = np.memmap(path, np.uint32, "w+", shape=(count, self.width))
        else:
            rows = np.empty((count, self.width), np.uint32)
        for row in range(0, len(places), READ_ROWS):
            rows[places[row : row + READ_ROWS] - first] = spilled[row : row + READ_ROWS]
        return rows


def gather(components: Components, batches: Batches, width: int, *, limit: int, scratch: Path | None) -> Gathered:
    """Keep the signatures of candidate documents, in one pass over all signatures in any order.

    Parameters: width numbers in a signature; limit bytes that one slice may use; scratch an existing folder, needed
        only where the candidates do not fit the limit at once (512 bytes a candidate are written there)
    Raises: StoreError when a candidate has no signature, or scratch is needed and None
    """
    cuts = _cuts(components.starts, max(limit // (4 * width + ROW_OVERHEAD), 1))
    total = len(components.documents)
    if total * (4 * width + ROW_OVERHEAD) <= limit:
        rows = np.empty((total, width), np.uint32)
        seen = _fill(components, batches, rows) if total else np.zeros(0, bool)  # without reading them all
        kept = Gathered(components, np.array([0, len(components.starts) - 1]), width, rows, None, limit)
    elif scratch is None:
        raise StoreError(f"{total} near-duplicate candidates need more than {limit} bytes: give a scratch folder")
    else:
        seen = _spill(components, batches, cuts, scratch)
        kept = Gathered(components, cuts, width, None, scratch, limit)
    if not seen.all():
        raise StoreError(
            f"{int((~seen).sum())} documents have bands but no signature, such as {components.documents[~seen][0]}: "
            "the parts of this run are incomplete; map the shards again"
        )
    return kept


def _cuts(starts: np.ndarray, most: int) -> np.ndarray:
    """Components grouped into runs of at most `most` documents; a larger component is a run of its own."""
    cuts = [0]
    while cuts[-1] < len(starts) - 1:
        reach = int(np.searchsorted(starts, starts[cuts[-1]] + most, "right")) - 1
        cuts.append(max(reach, cuts[-1] + 1))
    return np.array(cuts, np.int64)


def _fill(components: Components, batches: Batches, rows: np.ndarray) -> np.ndarray:
    seen = np.zeros(len(rows), bool)
    for documents, signatures in batches:
        place = components.place(documents)
        mine = place >= 0
        rows[place[mine]] = signatures[mine]
        seen[place[mine]] = True
    return seen


def _spill(components: Components, batches: Batches, cuts: np.ndarray, scratch: Path) -> np.ndarray:
    """Append each candidate's place and signature to the files of its slice."""
    seen = np.zeros(len(components.documents), bool)
    bounds = components.starts[cuts]
    for index in range(len(cuts) - 1):
        _places(scratch, index).write_bytes(b"")
        _rows(scratch, index).write_bytes(b"")
    for documents, signatures in batches:
        place = components.place(documents)
        mine = np.flatnonzero(place >= 0)
        seen[place[mine]] = True
        owner = np.searchsorted(bounds, place[mine], "right") - 1
        for index in np.unique(owner):
            chosen = mine[owner == index]
            with _places(scratch, index).open("ab") as file:
                file.write(place[chosen].tobytes())
            with _rows(scratch, index).open("ab") as file:
                file.write(np.ascontiguousarray(signatures[chosen]).tobytes())
    return seen


def _places(scratch: Path, index: int) -> Path:
    return scratch / f"places-{index}.i64"


def _rows(scratch: Path, index: int) -> Path:
    return scratch / f"rows-{index}.u32"
