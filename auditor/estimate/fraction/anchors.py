"""Documents whose origin is known: the anchors of every estimate, ordered by trust and matched to the corpus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.domain_shift import DensityPrior, Trust

# Dated documents count as human when first seen before this day: the release of ChatGPT (30 November 2022).
HUMAN_BEFORE = "2022-11-01"
FEWEST_MATCHED = 50


@dataclass(frozen=True, slots=True, eq=False)
class AnchorSet:
    """Scores of documents of one origin that are all human, or all of one generator family.

    counts: its scopes are cells (language x length band, topic ...), or one scope where cells are not known
    """

    origin: str
    trust: Trust
    counts: ScoreCounts
    family: str = ""

    @property
    def size(self) -> int:
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
    """Everything known about human and machine scores.

    machine: one set per generator family; `--known-ai` (Trust.REFERENCE) is a weak prior, bundled ones are listed only
    prior: the detector's table of what past domains and generators taught; None is a vague one
    """

    human: tuple[AnchorSet, ...] = ()
    machine: tuple[AnchorSet, ...] = ()
    prior: DensityPrior | None = None

    @property
    def best_trust(self) -> Trust | None:
        """Trust of the best human anchors there are, None without any."""
        return min((anchors.trust for anchors in self.human if anchors.size), default=None)


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


def chosen(anchors: Anchors, cells: dict[str, float] | None) -> tuple[list[AnchorSet], list[AnchorUse]]:
    """Human anchor sets to use: those of the best trust, and the next ones until FEWEST_MATCHED documents stand.

    Bundled anchors are used beside others only when these are fewer: they are of other domains.
    """
    kept: list[AnchorSet] = []
    uses: list[AnchorUse] = []
    counted, last = 0, None
    first = None
    for human in sorted(anchors.human, key=lambda a: (a.trust, -a.size)):
        take = human.size > 0 and (counted < FEWEST_MATCHED or human.trust == last)
        counts, effective, share = matched(human.counts, cells)
        shape = counts.sum(0) / max(counts.sum(), 1e-300)
        if take:
            kept.append(human)
            counted, last = counted + human.size, human.trust
            first = shape if first is None else first
        distance = 0.0 if first is None else 0.5 * float(np.abs(shape - first).sum())
        reason = "" if take else ("no scored documents" if not human.size else "better trusted anchors suffice")
        used = human.size if take else 0
        uses.append(
            AnchorUse("human", human.origin, int(human.trust), human.size, used, effective, share, distance, reason)
        )
    for machine in anchors.machine:
        uses.append(
            AnchorUse("ai", machine.origin, int(machine.trust), machine.size, machine.size, 0.0, 0.0, 0.0, "prior only")
        )
    return kept, uses


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
