"""Batches of a bounded number of bytes, cut at the same records whatever blocks the reader used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from auditor.errors import SourceError
from auditor.records import Skip
from auditor.sources.open.canonical import Raw, to_canonical
from auditor.sources.read.interface import CANONICAL, Batch, Shard, SourceOptions

LISTED = 20  # skips of one reason that a batch lists one by one; the others are a count


def batched(raws: Iterable[Raw], shard: Shard, options: SourceOptions) -> Iterator[Batch]:
    """Canonical batches of at most batch_bytes of text (or one longer document) and batch_rows rows.

    Raises: SourceError if the reader raises it, after a batch with everything read before
    """
    held: list[pl.DataFrame] = []
    size = rows = records = 0
    skips: list[Skip] = []
    notes: list[Skip] = []
    failure: SourceError | None = None
    parts = iter(raws)
    while failure is None:
        try:
            raw = next(parts)
        except StopIteration:
            break
        except SourceError as error:
            failure = error
            continue
        done = to_canonical(_with_constants(raw, shard), shard.name)
        skips += done.skips
        notes += done.notes
        records += done.records
        for piece, weight in _pieces(done.frame, size, rows, options):
            if held and (size + weight > options.batch_bytes or rows + piece.height > options.batch_rows):
                yield _batch(held, skips, notes, records)
                held, skips, notes, size, rows, records = [], [], [], 0, 0, 0
            held.append(piece)
            size, rows = size + weight, rows + piece.height
    if held or skips or notes or records:
        yield _batch(held, skips, notes, records)
    if failure is not None:
        raise failure


def _with_constants(raw: Raw, shard: Shard) -> Raw:
    """The records with the values that the partitions of their file give all of them."""
    constants = [pl.lit(value).alias(role) for role, value in shard.partitions]
    return replace(raw, frame=raw.frame.with_columns(constants)) if constants else raw


def _pieces(frame: pl.DataFrame, size: int, rows: int, options: SourceOptions) -> Iterator[tuple[pl.DataFrame, int]]:
    """Cut a frame where a batch is full; size and rows are what the batch at hand holds already."""
    lengths = frame["text"].str.len_bytes().to_numpy()
    ends = np.cumsum(lengths, dtype=np.int64)
    start = 0
    while start < frame.height:
        before = int(ends[start - 1]) if start else 0
        fits = int(np.searchsorted(ends, before + options.batch_bytes - size, side="right"))
        stop = min(fits, start + options.batch_rows - rows, frame.height)
        if stop <= start:
            # Nothing more fits; an empty batch takes one document of any length.
            stop = start + 1 if size == rows == 0 else start
        if stop > start:
            weight = int(ends[stop - 1]) - before
            yield frame.slice(start, stop - start), weight
            size, rows, start = size + weight, rows + stop - start, stop
        if start < frame.height:
            size = rows = 0


def _batch(held: list[pl.DataFrame], skips: list[Skip], notes: list[Skip], records: int) -> Batch:
    frame = pl.concat(held, rechunk=True) if held else pl.DataFrame(schema=CANONICAL)
    return Batch(frame, tuple(condensed(skips)), tuple(condensed(notes)), records)


def condensed(skips: Iterable[Skip]) -> Iterator[Skip]:
    """The first few of each reason as they are, the rest as one count per reason."""
    listed: Counter[str] = Counter()
    more: dict[str, Skip] = {}
    for skip in skips:
        listed[skip.reason] += 1
        if skip.row is not None and listed[skip.reason] <= LISTED:
            yield skip
        elif skip.reason in more:
            more[skip.reason] = replace(more[skip.reason], documents=more[skip.reason].documents + skip.documents)
        else:
            more[skip.reason] = replace(skip, row=None)
    yield from more.values()
