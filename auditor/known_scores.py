"""Scores of documents of known origin, by models that saw nothing of their family: the shipped calibration.

The detectors write and read it, the estimators learn from it. Neither may import the other, so its types are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from auditor.records import Json
from auditor.run_columns import BINS


@dataclass(frozen=True, slots=True)
class KindRow:
    """The calibration of one kind of text: location and scale of human text, in human units of its language.

    variance: of the location over domains; documents: human ones, by their shares of the kind; domains: that hold it
    """

    kind: str
    language: str
    location: float
    scale: float
    variance: float
    documents: int
    domains: int


@dataclass(frozen=True, slots=True)
class KnownCell:
    """Human or wholly machine-written documents of one source, domain and generator, counted by score.

    label: human or ai; base: a generator that was not instruction-tuned; band: fewest words; first: the bin of the grid
    that counts start at
    """

    source: str
    family: str
    domain: str
    language: str
    label: str
    generator: str
    base: bool
    band: int
    documents: int
    first: int
    counts: tuple[int, ...]

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> KnownCell:
        """A cell of first_tier.json."""
        return cls(**{**stored, "counts": tuple(stored["counts"])})

    @property
    def histogram(self) -> np.ndarray:
        """(BINS,) documents on the whole grid."""
        return _on_grid(self.first, self.counts)


@dataclass(frozen=True, slots=True)
class EditedCell:
    """Human drafts that a model edited, of one source, domain and generator, counted by score.

    operation: how they were edited; extent: light, assisted or machine, see detectors.edited.class_of
    """

    source: str
    family: str
    domain: str
    language: str
    generator: str
    operation: str
    extent: str
    documents: int
    first: int
    counts: tuple[int, ...]

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> EditedCell:
        """A cell of edited.json, where the extent is called `class`."""
        rest = {name: value for name, value in stored.items() if name != "class"}
        return cls(**{**rest, "extent": stored["class"], "counts": tuple(stored["counts"])})

    def as_dict(self) -> Json:
        """What `from_dict` reads."""
        return {"class" if name == "extent" else name: value for name, value in asdict(self).items()}

    @property
    def histogram(self) -> np.ndarray:
        """(BINS,) documents on the whole grid."""
        return _on_grid(self.first, self.counts)


@dataclass(frozen=True, slots=True, eq=False)
class KnownScores:
    """Counts of known documents on a grid of so many bins, kinds of text, and spreads of locations by their names.

    spreads: learned by leaving domains and sources out; see estimate.fraction.shift_prior.ShiftPrior
    """

    bins: int = BINS
    cells: tuple[KnownCell, ...] = ()
    kinds: tuple[KindRow, ...] = ()
    spreads: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> KnownScores:
        """What first_tier.json holds of them."""
        kinds = tuple(KindRow(**row) for row in stored["kinds"])
        return cls(stored["bins"], tuple(map(KnownCell.from_dict, stored["cells"])), kinds, stored["shift"])


def _on_grid(first: int, counts: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(BINS)
    out[first : first + len(counts)] = counts
    return out
