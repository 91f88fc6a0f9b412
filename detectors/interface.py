"""What a detector is: something that gives every document of a batch a score, or NaN where it does not apply."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from auditor.records import Json
from auditor.text.batch import TextBatch

UNSPACED = ("zh", "ja", "th", "lo", "km", "my", "bo")  # languages written without spaces between words


@dataclass(frozen=True, slots=True)
class Description:
    """What a detector declares about itself, without being loaded.

    languages: ISO 639-1 codes, None for any; minimum_words: word tokens below which the score is NaN
    minimum_characters: the same where words have no spaces between them (UNSPACED), where it is larger
    tier: 0 for every document, 1 for a sample; cost: microseconds a document of 250 words on one core, for planning
    extra: name of the optional dependencies it needs; revision: hash or version of its weights
    """

    name: str
    version: str
    summary: str = ""
    languages: frozenset[str] | None = None
    minimum_words: int = 0
    tier: int = 0
    cost: float = 1.0
    extra: str | None = None
    revision: str = ""
    minimum_characters: int = 0

    def applies(self, batch: TextBatch) -> np.ndarray:
        """(n,) bool: documents long enough and in a language of the detector; an unknown language is accepted."""
        unspaced = batch.languages.is_in(UNSPACED).fill_null(False).to_numpy()
        enough = batch.tokens.words >= self.minimum_words
        enough &= ~unspaced | (batch.tokens.characters >= self.minimum_characters)
        if self.languages is None:
            return enough
        known = batch.languages.is_in(list(self.languages)).fill_null(True)
        return enough & known.to_numpy()

    def as_dict(self) -> Json:
        """For `detectors list --json`."""
        return asdict(self) | {"languages": sorted(self.languages) if self.languages is not None else None}


@dataclass(frozen=True, slots=True)
class Card:
    """A detector as report.json names it: its weight in the score, and where it applies in words."""

    name: str
    version: str
    revision: str
    weight: float
    reach: str

    @classmethod
    def of(cls, description: Description, weight: float, reach: str) -> Card:
        """The card of a detector with this weight."""
        return cls(description.name, description.version, description.revision, weight, reach)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing in a text that moved a detector's score.

    start, end: where it is (characters; both 0 for a property of the whole text)
    weight: what it added to the score (positive: towards machine-written), in the detector's own unit
    """

    detector: str
    what: str
    weight: float
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a detector cannot be used here, and the command that changes it."""

    reason: str
    command: str = ""


@runtime_checkable
class Detector(Protocol):
    """A loaded detector."""

    @property
    def description(self) -> Description:
        """What it declares about itself."""
        ...

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32, higher for machine-written; NaN where it does not apply.

        A document's score depends on that document alone, not on the batch or the order.
        """
        ...


@runtime_checkable
class Explaining(Protocol):
    """A detector that can say what moved its score."""

    def explain(self, text: str) -> list[Evidence]:
        """What moved its score, strongest first."""
        ...


class Provider(Protocol):
    """What the registry knows a detector by: a module (or any object) with these names; cheap to import."""

    DESCRIPTION: Description

    def obstacle(self) -> Obstacle | None:
        """None where the detector can be loaded."""
        ...

    def load(self, path: str | None = None) -> Detector:
        """The detector; path is a model folder where the user named one (`hf:PATH`, `lm:PATH`).

        Raises: DetectorError saying what is wrong with the folder and what to do
        """
        ...
