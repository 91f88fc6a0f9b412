"""A corpus of which a sample of the shards was read (--shards-sample): its row of the report says of what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from auditor.estimate.fraction.unread_shards import sampled_finding
from auditor.records import Estimate, Finding, Status
from auditor.statistics.twostage import two_stage_ratio

WITHIN = "duplicate_fraction_within"


def describe_all(
    corpus: dict[str, Any], shards: Sequence[Mapping[str, Any]], listed: int | None, *, level: float
) -> list[Finding]:
    """Put the duplicates within shards of all `listed` shards into the corpus' row, and say what the others are of.

    Returns: the finding that says so; nothing where every shard was read
    """
    if listed is None:
        return []
    rows = [shard for shard in shards if shard[WITHIN].is_number]
    values, sizes = np.array([[shard[WITHIN].value, shard["documents"]] for shard in rows], float).reshape(-1, 2).T
    corpus["shards_listed"] = listed
    corpus[WITHIN] = two_stage_ratio(values, np.zeros(len(rows)), sizes, listed, level=level)
    for name in ("duplicate_fraction", "duplicate_fraction_across"):
        found: Estimate = corpus[name]
        if found.is_number:
            reason = f"among the {len(rows):,} shards read, of {listed:,}: repeats in the others are not known"
            corpus[name] = found.but(Status.INCONCLUSIVE, reason)
    return [sampled_finding(len(rows), listed, level=level)]
