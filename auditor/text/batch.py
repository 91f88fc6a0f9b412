"""A batch of documents in the form that kernels read: made once per batch, read by every sketch and detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.text.arrow import buffers
from auditor.text.normal_form import normal_form
from auditor.text.tokens import Tokens, tokenise


@dataclass(frozen=True, slots=True, eq=False)
class Rewritten:
    """Documents as they came: rows (m,) of the batch, text (b,) uint8 and offsets (m+1,) int64 into it."""

    rows: np.ndarray
    text: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, column: pl.Series, normal: pl.Series) -> Rewritten:
        """The documents of a column that differ from their normal form."""
        rows = (column != normal).fill_null(False).arg_true()
        return cls(rows.to_numpy().astype(np.int64), *buffers(column.gather(rows)))


@dataclass(frozen=True, slots=True)
class TextBatch:
    """n documents in their normal form (normal_form.py): text (b,) uint8 UTF-8, offsets (n+1,) int64 into it, their
    tokens, and ISO 639-1 language codes.

    languages is a Polars String column of n values, null where unknown; rewritten: the documents that the normal form
    changed, None where it changed none.
    """

    text: np.ndarray
    offsets: np.ndarray
    tokens: Tokens
    languages: pl.Series
    rewritten: Rewritten | None = None

    @classmethod
    def of(cls, column: pl.Series, languages: pl.Series | None = None) -> TextBatch:
        """The documents of a Polars String column, in their normal form and tokenised."""
        normal = normal_form(column)
        text, offsets = buffers(normal)
        rewritten = None if normal is column else Rewritten.of(column, normal)
        unknown = pl.Series([None] * len(column), dtype=pl.String)
        return cls(text, offsets, tokenise(text, offsets), unknown if languages is None else languages, rewritten)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def bytes(self) -> np.ndarray:
        """(n,) int64: bytes of each document."""
        return np.diff(self.offsets)

    def document(self, index: int) -> str:
        """One document as a Python string: for the slow tiers and for showing, never on the hot path."""
        raw = self.text[self.offsets[index] : self.offsets[index + 1]]
        return raw.tobytes().decode("utf-8", "replace")
