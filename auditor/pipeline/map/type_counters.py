"""The types of a split, counted by several threads at once."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import date

import pyarrow as pa

from auditor.pipeline.map.batch import Measured
from auditor.run_columns import HUMAN_BEFORE, TYPE_CAP
from auditor.sketch.types import TypeSample, summed


class TypeCounters:
    """A type sample for each thread, and another for documents that are human by their date, once there are any.

    Counts add up, so it does not matter which thread counts which batch.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._free: queue.SimpleQueue[tuple[TypeSample, TypeSample | None]] = queue.SimpleQueue()
        for _ in range(threads):
            self._free.put((TypeSample(cap=TYPE_CAP), None))

    def add(self, measured: Measured) -> None:
        """Count the eligible documents of a batch; from any thread."""
        documents, tokens = measured.documents, measured.batch.tokens
        group, score_bin, eligible = (documents[name].to_numpy() for name in ("group", "score_bin", "eligible"))
        dated = eligible & (documents["date"] < date.fromisoformat(HUMAN_BEFORE)).fill_null(False).to_numpy()
        counter, dated_counter = self._free.get()
        counter.add(tokens, group, score_bin, eligible)
        if dated.any():
            dated_counter = dated_counter or TypeSample(cap=TYPE_CAP)
            dated_counter.add(tokens, group, score_bin, dated)
        self._free.put((counter, dated_counter))

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """The parts `types` and `dated_types`, where there is anything to write, when all batches are counted."""
        counters = [self._free.get() for _ in range(self._threads)]
        every = summed([counter for counter, _ in counters])
        dated = summed([counter for _, counter in counters if counter])
        for name, sample in (("types", every), ("dated_types", dated)):
            if sample:
                yield name, sample.frame().to_arrow()
