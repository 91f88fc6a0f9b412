"""The second tier: slow detectors on a sample, stacked with the first tier's logit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from auditor.detectors import registry
from auditor.detectors.first_tier import MODELS, reach
from auditor.detectors.interface import Card, Detector
from auditor.detectors.stack import Stack, read_calibration
from auditor.errors import DetectorError
from auditor.records import Json
from auditor.run_columns import HIGHEST, LOWEST
from auditor.text.batch import TextBatch

FILE = "second_tier.json"
FIRST = "first"  # the first tier's logit, as a member
FALSE_POSITIVES = 0.05
FEWEST_FAMILIES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Documents of one family and class, which no model learned from, counted by the stack's score.

    bins: of the whole grid from LOWEST to HIGHEST; counts (k,): from bin `first` on
    """

    family: str
    label: str
    bins: int
    first: int
    counts: np.ndarray

    @classmethod
    def of(cls, stored: Json) -> Cell:
        """As second_tier.json has it."""
        return cls(stored["family"], stored["label"], stored["bins"], stored["first"], np.array(stored["counts"]))

    @property
    def middles(self) -> np.ndarray:
        """(k,) the scores in the middle of the counted bins."""
        step = (HIGHEST - LOWEST) / self.bins
        return LOWEST + step * (self.first + np.arange(len(self.counts)) + 0.5)


@dataclass(frozen=True, slots=True)
class SecondTier:
    """Deep detectors and the combination that reads them; the revision names all weights that a score depends on."""

    detectors: tuple[Detector, ...]
    stack: Stack
    cells: tuple[Cell, ...]  # out-of-family score counts of the stack, empty for a user's own model
    without: tuple[str, ...] = ()  # detectors that could not be used, with the reason
    smaller: tuple[Stack, ...] = ()  # for documents that a member of the stack has no score for

    @property
    def revision(self) -> str:
        """Name and revision of every detector."""
        return "+".join(f"{d.description.name}:{d.description.revision}" for d in self.detectors)

    def score(self, batch: TextBatch, first: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Logit (n,) float32 in three decimals (NaN where a member has no score) and the members' scores.

        Parameters: first (n,), the first tier's logit
        """
        members = {d.description.name: d.score(batch) for d in self.detectors}
        known = {**members, FIRST: np.asarray(first)}
        logit = self.stack.logit(known)
        for stack in self.smaller:
            logit = np.where(np.isnan(logit), stack.logit(known), logit)
        return np.round(logit, 3).astype(np.float32), members

    def cards(self) -> list[Card]:
        """Their lines in the `detectors` section of report.json."""
        share = dict(zip(self.stack.members, np.abs(self.stack.weights), strict=True))
        known = (d.description for d in self.detectors)
        return [Card.of(own, float(share.get(own.name, 0.0)), f"{reach(own)}; a sample of documents") for own in known]


def load(names: Sequence[str] = (), *, folder: Path = MODELS) -> SecondTier | None:
    """The named deep detectors (all must load), or those of the first shipped stack that can be filled; None where none
    can.

    Built-in ones are combined by the first shipped stack of exactly those; a single user's model is used alone.
    Raises: DetectorError where one of those named cannot be loaded, or nothing combines them
    """
    without: tuple[str, ...] = ()
    if names:
        detectors = tuple(registry.load(name) for name in names)
    else:
        detectors = tuple(registry.usable(tier=1))
        without = tuple(reason for reason in obstacles() if "(run: " in reason)  # what the user can change
    if not detectors:
        return None
    stored = _stored(folder / FILE)
    have = {detector.description.name for detector in detectors} | {FIRST}
    usable = [(Stack.of(entry), entry) for entry in stored["stacks"] if have.issuperset(entry["members"])]
    for stack, entry in usable:
        if not names or have == {FIRST, *stack.members}:
            read = tuple(d for d in detectors if d.description.name in stack.members)
            smaller = tuple(other for other, _ in usable if set(other.members) < set(stack.members))
            return SecondTier(read, stack, tuple(map(Cell.of, entry.get("cells", ()))), without, smaller)
    if len(detectors) > 1:
        raise DetectorError(f"no shipped stack combines {', '.join(sorted(have - {FIRST}))}: name one of them alone")
    return SecondTier(detectors, Stack((detectors[0].description.name,), 0.0, (1.0,)), (), without)


def obstacles() -> tuple[str, ...]:
    """Why each built-in deep detector cannot be used, with the command that changes it."""
    return tuple(
        f"{found.description.name}: {found.obstacle.reason}"
        + (f" (run: {found.obstacle.command})" if found.obstacle.command else "")
        for found in registry.listings()
        if found.obstacle is not None and found.description.tier == 1
    )


def rates(cells: Sequence[Cell], label: str, threshold: float) -> tuple[float, float]:
    """(flagged, tested) of out-of-family documents at a threshold, tested being the effective number of them.

    Families differ by more than their documents do: the effective number is p (1 - p) / variance of the families'
    rates, so that its binomial error is theirs. (0, 0) with fewer than FEWEST_FAMILIES families.
    """
    tally: dict[str, np.ndarray] = {}
    for cell in cells:
        if cell.label == label:
            tally.setdefault(cell.family, np.zeros(2))
            tally[cell.family] += cell.counts[cell.middles > threshold].sum(), cell.counts.sum()
    if len(tally) < FEWEST_FAMILIES:
        return 0.0, 0.0
    share = np.array([flagged / tested for flagged, tested in tally.values()])
    p = float(share.mean())
    spread = max(float(share.var(ddof=1)) / len(share), 1e-6)
    tested = float(np.clip(p * (1 - p) / spread, 1, sum(total for _, total in tally.values())))
    return p * tested, tested


def threshold_of(cells: Sequence[Cell]) -> float:
    """The score that FALSE_POSITIVES of the out-of-family human documents exceed (0 without any)."""
    if not cells:
        return 0.0
    step = (HIGHEST - LOWEST) / cells[0].bins
    total = np.zeros(cells[0].bins)
    for cell in cells:
        if cell.label == "human":
            total[cell.first : cell.first + len(cell.counts)] += cell.counts
    above = np.cumsum(total[::-1])[::-1] / max(total.sum(), 1)
    return float(LOWEST + step * np.argmax(above <= FALSE_POSITIVES))


@cache
def _stored(path: Path) -> Json:
    return read_calibration(path) if path.exists() else {"stacks": []}
