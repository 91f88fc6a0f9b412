"""The rows of lowest stable id over the batches of a split; expensive columns are made only for rows that may stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl


class Lowest:
    """Rows chosen by their ids and a few cheap columns, with one expensive column (texts, lists of words).

    The expensive column is made for a row when its batch is added and the row is chosen. It is joined to the others at
    the end, so that no batch moves existing rows.
    choose: frame -> the rows that stay, in order; its answer must not depend on the number of steps
    """

    def __init__(self, name: str, choose: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        self._name, self._choose = name, choose
        self._rows: pl.DataFrame | None = None
        self._made: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame, make: Callable[[np.ndarray], pl.Series]) -> None:
        """Rows of a batch with stable_id and `place` (0 to n - 1); make: places (k,) -> the expensive column (k,)."""
        chosen = self._choose(batch if self._rows is None else pl.concat([self._rows, batch]))
        new = chosen.filter(pl.col("place") >= 0)
        self._made.append(new.select("stable_id", make(new["place"].to_numpy()).alias(self._name)))
        self._rows = chosen.with_columns(place=pl.lit(-1, pl.Int64))

    def frame(self) -> pl.DataFrame | None:
        """All rows that stayed, with the expensive column last; None where no batch was added."""
        if self._rows is None:
            return None
        return self._rows.drop("place").join(pl.concat(self._made), on="stable_id", how="left", maintain_order="left")
