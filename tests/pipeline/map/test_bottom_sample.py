"""Rows of lowest id, with their dear column made late: the same as from one frame, made once for each that stays."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from auditor.pipeline.map.bottom_sample import Lowest


def five_lowest(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort("stable_id").head(5)


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=40), st.integers(1, 12))
def test_batches_of_any_size_leave_the_same_rows_each_with_its_own_text(ids, size):
    kept, asked = Lowest("text", five_lowest), []
    for start in range(0, max(len(ids), 1), size):
        own = ids[start : start + size]
        batch = pl.DataFrame({"stable_id": own, "place": range(len(own))}, schema_overrides={"place": pl.Int64})

        def texts(places: np.ndarray, own: list[int] = own) -> pl.Series:
            asked.extend(own[place] for place in places)
            return pl.Series([f"text of {own[place]}" for place in places], dtype=pl.String)

        kept.add(batch, texts)
    found = kept.frame()
    assert found["stable_id"].to_list() == sorted(ids)[:5]
    assert found["text"].to_list() == [f"text of {i}" for i in sorted(ids)[:5]]
    assert len(asked) == len(set(asked))


def test_without_a_batch_there_is_no_frame():
    assert Lowest("text", five_lowest).frame() is None
