"""Text columns as bytes and offsets: what the kernels read."""

import numpy as np
import polars as pl
import pyarrow as pa


def buffers(column: pl.Series | pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """A text column as (bytes (b,) uint8, offsets (n+1,) int64), nulls as empty text.

    Polars keeps strings as views, so the bytes are copied once, here.
    """
    array = column.to_arrow() if isinstance(column, pl.Series) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.null_count:
        array = array.fill_null("")
    if not pa.types.is_large_string(array.type):
        array = array.cast(pa.large_string())
    _, starts, raw = array.buffers()
    if len(array) == 0 or starts is None:
        return np.zeros(0, np.uint8), np.zeros(len(array) + 1, np.int64)
    offsets = np.frombuffer(starts, np.int64)[array.offset : array.offset + len(array) + 1]
    text = np.frombuffer(raw, np.uint8) if raw is not None else np.zeros(0, np.uint8)
    return text, offsets
