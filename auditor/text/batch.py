"""A batch of documents as kernels see it: made once per batch, read by every sketch and detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.text.arrow import buffers
from auditor.text.normal_form import normal_form
from auditor.text.tokens import Tokens, tokenise


@dataclass(frozen=True, slots=True)
class TextBatch:
    """n documents in their normal form (normal_form.py): text (b,) uint8 UTF-8, offsets (n+1,) int64 into it, their
    tokens, and ISO 639-1 language codes.

    languages is a Polars String column of n values, null where unknown.
    """

    text: np.ndarray
    offsets: np.ndarray
    tokens: Tokens
    languages: pl.Series

    @classmethod
    def of(cls, column: pl.Series, languages: pl.Series | None = None) -> TextBatch:
        text, offsets = buffers(normal_form(column))
        unknown = pl.Series([None] * len(column), dtype=pl.String)
        return cls(text, offsets, tokenise(text, offsets), unknown if languages is None else languages)

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
