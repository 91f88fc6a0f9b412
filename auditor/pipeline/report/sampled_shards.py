"""A corpus of which only a sample of shards was read (--shards-sample): its row of the report says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditor.estimate.fraction.unread_shards import sampled_finding
from auditor.pipeline.diversity.results import CorpusResult, ShardResult
from auditor.pipeline.documents.duplicates import Duplication
from auditor.records import Estimate, Finding, Status
from auditor.statistics.twostage import two_stage_ratio


def of_all_shards(
    corpus: CorpusResult, shards: Sequence[ShardResult], listed: int | None, *, level: float
) -> tuple[CorpusResult, list[Finding]]:
    """The corpus with duplicates within shards estimated for all `listed` shards; other figures say which shards they
    describe.

    Returns: the corpus, and the finding that says so; the corpus unchanged and no finding if every shard was read
    """
    if listed is None:
        return corpus, []
    rows = [
        (within.value, shard.counts.counts.documents)
        for shard in shards
        if (within := shard.figures.duplication.duplicate_fraction_within).is_number
    ]
    values, sizes = np.array(rows, float).reshape(-1, 2).T
    reason = f"among the {len(rows):,} shards read, of {listed:,}: repeats in the others are not known"
    copies = corpus.figures.duplication
    duplication = Duplication(
        _among(copies.duplicate_fraction, reason),
        two_stage_ratio(values, np.zeros(len(rows)), sizes, listed, level=level),
        _among(copies.duplicate_fraction_across, reason),
    )
    described = replace(corpus, figures=replace(corpus.figures, duplication=duplication), shards_listed=listed)
    return described, [sampled_finding(len(rows), listed, level=level)]


def _among(estimate: Estimate, reason: str) -> Estimate:
    return estimate.but(Status.INCONCLUSIVE, reason) if estimate.is_number else estimate
