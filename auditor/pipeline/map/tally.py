"""What a split held: records, documents, skips, notes, the digests of its content."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from auditor.records import Skip
from auditor.run_columns import HUMAN_BEFORE
from auditor.sketch.content import skips_digest, summed, written
from auditor.sources.read.interface import Batch

SKIPS_KEPT = 200  # records named one by one in a split; the rest are counts by reason


class Tally:
    """What a split's marker says: counts, skips by reason, and the digests of its content.

    `text_digest` is of the texts in their normal form: what two audits have in common. `digest` is of everything that
    feeds a figure: the records as the source has them, and how many were left out for which reason.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.skips: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.ineligible: Counter[str] = Counter()
        self.named: list[Skip] = []
        self.digest = self.text_digest = 0
        self.error: str | None = None

    def add(self, documents: pl.DataFrame, records: np.ndarray, batch: Batch) -> None:
        """Count a batch and add it to the digests; records: (n,) hashes of its documents as they were given."""
        eligible = documents.filter("eligible")
        self.counts.update(
            records=batch.records,
            documents=documents.height,
            eligible_documents=eligible.height,
            dated=eligible.filter(pl.col("date") < date.fromisoformat(HUMAN_BEFORE)).height,
            tokens=int(eligible["words"].sum()),
            bytes=int(documents["bytes"].sum()),
        )
        self.ineligible.update(documents["skip_reason"].drop_nulls().to_list())
        for skip in batch.skips:
            self.skips[skip.reason] += skip.documents
            if len(self.named) < SKIPS_KEPT:
                self.named.append(skip)
        for note in batch.notes:
            self.notes[note.reason] += note.documents
        self.digest += summed(records)
        self.text_digest += summed(documents["content_1"].to_numpy() ^ documents["content_2"].to_numpy())

    def marker(self) -> dict[str, Any]:
        return {
            **{name: self.counts[name] for name in ("records", "documents", "eligible_documents", "tokens", "bytes")},
            "skipped": sum(self.skips.values()),
            "skips": dict(sorted(self.skips.items())),
            "notes": dict(sorted(self.notes.items())),
            "ineligible": dict(sorted(self.ineligible.items())),
            "named": [asdict(skip) for skip in self.named],
            "digest": written(self.digest + skips_digest(self.skips)),
            "text_digest": written(self.text_digest),
            "complete": self.error is None,
            "error": self.error,
        }
