"""The content of a split: records, documents, skips, notes and digests."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl

from auditor.pipeline.run.markers import Counts, Marker
from auditor.pipeline.run.plan import Task
from auditor.records import Skip
from auditor.sketch.content import skips_digest, summed, written
from auditor.sources.read.interface import Batch

SKIPS_KEPT = 200  # records named one by one in a split; the rest are counts by reason


class Tally:
    """What a split's marker says: counts, skips by reason, and the digests of its content.

    `text_digest` covers the texts in their normal form, so that audits can be compared. `digest` covers everything that
    feeds a figure: the records as the source has them, and how many were left out for each reason.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self.skips: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.ineligible: Counter[str] = Counter()
        self.named: list[Skip] = []
        self.digest = self.text_digest = 0
        self.error: str | None = None

    def add(self, documents: pl.DataFrame, records: np.ndarray, batch: Batch) -> None:
        """Count a batch and add it to the digests; records: (n,) hashes of its documents as they were given."""
        eligible = documents.filter("eligible")
        read = int(eligible["words"].sum()), int(documents["bytes"].sum())
        self.counts += Counts(batch.records, documents.height, eligible.height, *read)
        self.ineligible.update(documents["skip_reason"].drop_nulls().to_list())
        for skip in batch.skips:
            self.skips[skip.reason] += skip.documents
            if len(self.named) < SKIPS_KEPT:
                self.named.append(skip)
        for note in batch.notes:
            self.notes[note.reason] += note.documents
        self.digest += summed(records)
        self.text_digest += summed(documents["content_1"].to_numpy() ^ documents["content_2"].to_numpy())

    def marker(self, task: Task) -> Marker:
        """What was read of a task's split."""
        return Marker(
            replace(self.counts, skipped=sum(self.skips.values())),
            dict(sorted(self.skips.items())),
            dict(sorted(self.notes.items())),
            dict(sorted(self.ineligible.items())),
            tuple(self.named),
            written(self.digest + skips_digest(self.skips)),
            written(self.text_digest),
            self.error,
            task.role,
            task.shard.name,
            task.split.index,
        )
