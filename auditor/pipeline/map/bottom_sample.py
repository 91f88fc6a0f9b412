"""The rows of lowest stable id over the batches of a split, with what is dear to make only for those that may stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl


class Lowest:
    """Rows chosen by their ids and a few cheap columns, and one dear column (texts, lists of words) of theirs.

    The dear column is made for a row of a batch when it is chosen, and put beside the others at the end, so that no
    batch moves what is there already. choose: frame -> the rows that stay, in order; it must not matter to it in how
    many steps it is asked.
    """

    def __init__(self, name: str, choose: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        self._name, self._choose = name, choose
        self._rows: pl.DataFrame | None = None
        self._made: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame, make: Callable[[np.ndarray], pl.Series]) -> None:
        """Rows of a batch with stable_id and `place` (0 to n - 1); make: places (k,) -> the dear column (k,)."""
        chosen = self._choose(batch if self._rows is None else pl.concat([self._rows, batch]))
        new = chosen.filter(pl.col("place") >= 0)
        self._made.append(new.select("stable_id", make(new["place"].to_numpy()).alias(self._name)))
        self._rows = chosen.with_columns(place=pl.lit(-1, pl.Int64))

    def frame(self) -> pl.DataFrame | None:
        """All that stayed, the dear column last; None without a batch."""
        if self._rows is None:
            return None
        return self._rows.drop("place").join(pl.concat(self._made), on="stable_id", how="left", maintain_order="left")
