"""A detector with two heads: one for the machine text of today, one for that of earlier models.

What gives away the models of 2026 gives away hardly any model before 2025, and vice versa. The score is the
smooth maximum of the two heads (the logarithm of a sum of exponentials), so that either is enough.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from auditor.detectors.interface import Detector
from auditor.text.batch import TextBatch

HEADS = 2  # recent, earlier
TEMPERATURE = 0.5
# The amount by which the head `recent` has to exceed the other. In English `earlier` learned from a dozen sources and
# is trusted more; in other languages it learned from few, finds little, and has to exceed `recent` instead.
OFFSETS = {"en": 0.6, "zh": -0.25, "ja": -0.5, "": -1.0}


@runtime_checkable
class TwoHeaded(Detector, Protocol):
    """A detector that gives both heads' scores."""

    def heads(self, batch: TextBatch) -> np.ndarray:
        """(n, HEADS) float64 in human units; NaN where the detector does not apply."""
        ...


def soft_maximum(heads: np.ndarray, offset: float | np.ndarray = OFFSETS["en"]) -> np.ndarray:
    """(n,) float64: the smooth maximum of heads (n, HEADS), the first one less its offset."""
    recent, earlier = heads[:, 0] - offset, heads[:, 1]
    with np.errstate(invalid="ignore"):  # of documents without a score
        return TEMPERATURE * np.logaddexp(recent / TEMPERATURE, earlier / TEMPERATURE)


def shares_of(heads: np.ndarray, offset: float = OFFSETS["en"]) -> np.ndarray:
    """(HEADS,) sum 1: how much each head of one document, heads (HEADS,), moves its smooth maximum."""
    recent = 1 / (1 + np.exp(-np.clip((heads[0] - offset - heads[1]) / TEMPERATURE, -50, 50)))
    return np.array([recent, 1 - recent])
