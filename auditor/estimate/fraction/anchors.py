"""Documents whose origin is known: the anchors of every estimate, ordered by trust and matched to the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from auditor.estimate.fraction.bundled import Calibration
from auditor.estimate.fraction.counts import BINS, ScoreCounts


class Trust(IntEnum):
    """The origin of an anchor's labels: a smaller value is trusted more."""

    LABELS = 0
    REFERENCE = 1
    DATED = 2
    BUNDLED = 3


@dataclass(frozen=True, slots=True, eq=False)
class AnchorSet:
    """Scores of documents of one origin that are all human, or all of one generator family.

    counts: scores in human units; its scopes are kinds of text
    """

    origin: str
    trust: Trust
    counts: ScoreCounts
    family: str = ""

    @property
    def size(self) -> int:
        """Documents with a score."""
        return int(self.counts.sizes.sum())


@dataclass(frozen=True, slots=True)
class AnchorUse:
    """What an anchor set contributed: the row of the table `anchors` and of the report."""

    kind: str
    origin: str
    trust: int
    documents: int
    used: int
    effective: float
    matched_share: float
    distance: float
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Everything known about human and machine scores: the audit's own documents, and the calibration that ships."""

    human: tuple[AnchorSet, ...]
    machine: tuple[AnchorSet, ...]
    calibration: Calibration


def matched(anchors: ScoreCounts, cells: dict[str, float] | None) -> tuple[np.ndarray, float, float]:
    """Post-stratify anchors to the corpus' cells: (weighted counts (groups, BINS), effective n, share matched).

    Cell weights are share in the corpus / share among the anchors; the sum is the effective number of documents of
    the weighted sample. Cells of the corpus without anchors are left to the others, and shrink `share matched`.

    References: Holt & Smith 1979; effective n: Kish 1965, eq. 11.7.6, (sum w)^2 / sum w^2
    """
    sizes = anchors.sizes.astype(float)
    if cells is None or not any(name in cells for name in anchors.scopes):
        total = anchors.documents.sum(0).astype(float)
        return total, float(sizes.sum()), 1.0 if cells is None else 0.0
    wanted = np.array([cells.get(name, 0.0) for name in anchors.scopes])
    usable = (sizes > 0) & (wanted > 0)
    if not usable.any():
        return anchors.documents.sum(0).astype(float), float(sizes.sum()), 0.0
    weight = np.where(usable, wanted / np.maximum(sizes, 1), 0.0)
    effective = (weight * sizes).sum() ** 2 / (weight**2 * sizes).sum()
    weight *= effective / (weight * sizes).sum()
    share = wanted[usable].sum() / max(sum(cells.values()), 1e-300)
    return np.tensordot(weight, anchors.documents.astype(float), 1), float(effective), float(share)


def uses_of(human: Sequence[AnchorSet], machine: Sequence[AnchorSet], kinds: dict[str, float]) -> list[AnchorUse]:
    """What each anchor set contributes: all human ones are used, the known machine text only places a cross-check."""
    out: list[AnchorUse] = []
    first: np.ndarray | None = None
    for anchors in sorted(human, key=lambda a: (a.trust, -a.size)):
        counts, effective, share = matched(anchors.counts, kinds)
        shape = counts.sum(0) / max(counts.sum(), 1e-300)
        first = shape if first is None else first
        distance = 0.5 * float(np.abs(shape - first).sum())
        used = anchors.size
        reason = "" if used else "no scored documents"
        out.append(
            AnchorUse(
                "human", anchors.origin, int(anchors.trust), anchors.size, used, effective, share, distance, reason
            )
        )
    for anchors in machine:
        out.append(
            AnchorUse("ai", anchors.origin, int(anchors.trust), anchors.size, anchors.size, 0.0, 0.0, 0.0, "check only")
        )
    return out


def disagreement(first: ScoreCounts, second: ScoreCounts) -> tuple[float, float]:
    """How far two human anchor sets are apart: (excess of the second over the first, its noise), shares of documents.

    The excess is sup_t [S_2(t) - S_1(t)] / [1 - S_1(t)] for S the share of documents above score t: the least share of
    documents of the second set that the first cannot explain. Above the noise the second set is contaminated, or of
    another domain; with one set alone neither can be seen.

    References: Blanchard, Lee & Scott 2010, theorem 16 (with S_1 as the null); band: Dvoretzky, Kiefer & Wolfowitz 1956
    """
    a, b = first.histogram.sum(0), second.histogram.sum(0)
    if not a.sum() or not b.sum():
        return 0.0, 1.0
    above_a = np.cumsum(a[::-1])[::-1] / a.sum()
    above_b = np.cumsum(b[::-1])[::-1] / b.sum()
    excess = np.where(above_a < 0.9, (above_b - above_a) / np.maximum(1 - above_a, 0.1), 0.0)
    noise = np.sqrt(np.log(2 / 0.05) / 2 * (1 / a.sum() + 1 / b.sum()))
    assert len(above_a) == BINS
    return float(max(0.0, excess.max())), float(noise)
