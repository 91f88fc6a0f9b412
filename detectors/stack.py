"""Linear combinations of detectors' scores, and the grid that estimates count scores on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from auditor.errors import DetectorError
from auditor.records import Json
from auditor.run_columns import HIGHEST, LOWEST


@dataclass(frozen=True, slots=True)
class Stack:
    """One linear combination: logit = intercept + sum over members of weight * score."""

    members: tuple[str, ...]
    intercept: float
    weights: tuple[float, ...]

    @classmethod
    def of(cls, stored: Json) -> Stack:
        """As a calibration file has it."""
        return cls(tuple(stored["members"]), stored["intercept"], tuple(stored["weights"]))

    def logit(self, scores: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) float64 in [-12, 12], NaN where a member's score is."""
        terms = [weight * scores[name].astype(float) for name, weight in zip(self.members, self.weights, strict=True)]
        return np.clip(self.intercept + sum(terms), LOWEST, HIGHEST)


@cache
def read_calibration(path: Path) -> Json:
    """A calibration file.

    Raises: DetectorError where it is missing or not JSON
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DetectorError(f"{path}: no calibration of the ensemble ({error}); run auditor detectors train") from None
