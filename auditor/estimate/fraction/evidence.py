"""The counts that an estimate of the fraction was made from."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.estimate.fraction.anchors import AnchorSet
from auditor.estimate.fraction.counts import ScoreCounts

FEW_SHARDS = 4  # fewer cannot tell a density from a fraction: they are cut into parts


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Score counts that the fit rests on, kept with the audit so that it can be fitted together with another.

    target: by shard; human, machine: the audit's own anchors (bundled ones come with the detectors); cells: documents
    by language x length; parts: the corpus cut otherwise where it has few shards
    """

    target: ScoreCounts
    human: tuple[AnchorSet, ...]
    machine: tuple[AnchorSet, ...]
    cells: dict[str, float]
    parts: ScoreCounts | None
