"""What a split held: documents, skips, notes, the digest of its content."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from auditor.estimate.fraction.anchors import HUMAN_BEFORE
from auditor.records import Skip
from auditor.sources.read.interface import Batch

SKIPS_KEPT = 200  # records named one by one in a split; the rest are counts by reason


class Tally:
    """What a split's marker says: counts, skips by reason, and the digest of its content."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.skips: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.ineligible: Counter[str] = Counter()
        self.named: list[Skip] = []
        self.digest = 0
        self.error: str | None = None

    def add(self, documents: pl.DataFrame, batch: Batch) -> None:
        """Count a batch: documents, skips, notes, and the digest of the content."""
        eligible = documents.filter("eligible")
        self.counts.update(
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
        # A sum does not depend on order, and a changed document changes it: 64 bits modulo 2^64.
        content = documents["content_1"].to_numpy() ^ documents["content_2"].to_numpy()
        self.digest = (self.digest + int(np.add.reduce(content, dtype=np.uint64))) % (1 << 64)

    def marker(self) -> dict[str, Any]:
        return {
            **{name: self.counts[name] for name in ("documents", "eligible_documents", "tokens", "bytes")},
            "skipped": sum(self.skips.values()),
            "skips": dict(sorted(self.skips.items())),
            "notes": dict(sorted(self.notes.items())),
            "ineligible": dict(sorted(self.ineligible.items())),
            "named": [asdict(skip) for skip in self.named],
            "digest": f"{self.digest:016x}",
            "complete": self.error is None,
            "error": self.error,
        }
