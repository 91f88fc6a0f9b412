"""first_tier.json: how the first tier combines its members, and what is known of its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from auditor.detectors.first.two_heads import shares_of, soft_maximum
from auditor.detectors.first.units import KindTable, LengthTerm
from auditor.detectors.stack import read_calibration
from auditor.known_scores import KnownScores
from auditor.records import Json

FILE = "first_tier.json"


@dataclass(frozen=True, slots=True)
class Combination:
    """How two-headed members become one score in human units of a language. Each joint head is the sum of the members'
    heads times their shares, less `centre`, over `spread`. The score is the smooth maximum of both heads, the first one
    less `offset`; then less `middle`, over `unit`.
    """

    members: tuple[str, ...]
    shares: tuple[float, ...]
    centre: tuple[float, float]
    spread: tuple[float, float]
    offset: float
    middle: float
    unit: float

    @classmethod
    def of(cls, stored: Json) -> Combination:
        """As first_tier.json has it."""
        members, shares, centre, spread = (tuple(stored[name]) for name in ("members", "shares", "centre", "spread"))
        return cls(members, shares, centre, spread, stored["offset"], stored["middle"], stored["unit"])

    def heads(self, members: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n, 2) the joint heads from those of the members, name -> (n, 2)."""
        joint = sum(share * members[name] for name, share in zip(self.members, self.shares, strict=True))
        return (joint - np.array(self.centre)) / np.array(self.spread)

    def score(self, members: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) float64, NaN where a member has no score."""
        return (soft_maximum(self.heads(members), self.offset) - self.middle) / self.unit

    def head_weights(self, member: str, heads: np.ndarray) -> tuple[float, float]:
        """What a unit of either head of a member adds to the score, at a document's joint heads (2,)."""
        share = self.shares[self.members.index(member)]
        recent, earlier = shares_of(heads, self.offset) * share / np.array(self.spread) / self.unit
        return float(recent), float(earlier)


@dataclass(frozen=True, slots=True, eq=False)
class FirstTierCalibration:
    """What first_tier.json holds.

    intercept, slope: of the logit in the score; phrases: what a left-over phrase adds to the score; combinations and
    reach by language; length: by language, "" for any but English; revision: a digest of all of it
    """

    intercept: float
    slope: float
    phrases: float
    combinations: Mapping[str, tuple[Combination, ...]]
    length: Mapping[str, LengthTerm]
    reach: Mapping[str, str]
    revision: str
    known: KnownScores

    @classmethod
    def from_dict(cls, stored: Json) -> FirstTierCalibration:
        """As the file has it."""
        return cls(
            stored["intercept"],
            stored["slope"],
            stored["phrases"],
            {name: tuple(map(Combination.of, own)) for name, own in stored["combinations"].items()},
            {name: LengthTerm(tuple(t["location"]), tuple(t["log_scale"])) for name, t in stored["length"].items()},
            stored["reach"],
            stored["revision"],
            KnownScores.from_dict(stored),
        )

    def table(self, names: tuple[str, ...]) -> KindTable:
        """Location and log-scale of human scores of these kinds of text; a kind without a row keeps its scores."""
        rows = {row.kind: row for row in self.known.kinds}
        location = np.array([rows[name].location if name in rows else 0.0 for name in names])
        scale = np.array([rows[name].scale if name in rows else 1.0 for name in names])
        return KindTable(names, location, np.log(scale))


@cache
def read_first_tier(folder: Path) -> FirstTierCalibration:
    """The calibration of the first tier in a folder of models.

    Raises: DetectorError where the file is missing or not JSON
    """
    return FirstTierCalibration.from_dict(read_calibration(folder / FILE))
