"""Which records of a shard are written, and the counts of what was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Written:
    """Records of one shard: documents kept, documents left out, and records that were never documents (unread).

    Together they are all records of the shard.
    """

    kept: int = 0
    left_out: int = 0
    unread: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(self.kept + other.kept, self.left_out + other.left_out, self.unread + other.unread)

    @property
    def records(self) -> int:
        """All records of the shard."""
        return self.kept + self.left_out + self.unread


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of rows: which are documents that stay, which are documents that go; the others were not read."""

    kept: np.ndarray
    left_out: np.ndarray

    def written(self, keep_unread: bool) -> np.ndarray:
        """Mask (n,) of the rows that go into the new file."""
        return ~self.left_out if keep_unread else self.kept

    def count(self, *, blank: int = 0) -> Written:
        """blank: rows that hold no record, such as empty lines."""
        kept, left_out = int(self.kept.sum()), int(self.left_out.sum())
        return Written(kept, left_out, len(self.kept) - kept - left_out - blank)


class Selection:
    """The documents of a shard and which of them stay; asked with rising rows, so it only moves on."""

    def __init__(self, documents: np.ndarray, keep: np.ndarray, *, keep_unread: bool) -> None:
        """documents (n,) int64, ascending: the rows that were read as documents; keep (n,) bool"""
        self.documents, self.keep, self.keep_unread = (
            np.asarray(documents, np.int64),
            np.asarray(keep, bool),
            keep_unread,
        )
        self.at = 0

    def part(self, first: int, count: int) -> Part:
        """The rows from `first` on."""
        stop = self.at + int(np.searchsorted(self.documents[self.at :], first + count))
        start = self.at + int(np.searchsorted(self.documents[self.at : stop], first))
        kept, left_out = np.zeros(count, bool), np.zeros(count, bool)
        rows, keep = self.documents[start:stop] - first, self.keep[start:stop]
        kept[rows[keep]] = True
        left_out[rows[~keep]] = True
        self.at = stop
        return Part(kept, left_out)

    def one(self, row: int) -> tuple[bool, Written]:
        """Whether the record of a row is written, and how it counts."""
        part = self.part(row, 1)
        return bool(part.written(self.keep_unread)[0]), part.count()
