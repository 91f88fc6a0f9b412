"""Linear models over the columns that a slow model gives: applying, writing and reading them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import DetectorError
from auditor.records import Json

FAR = 4.0  # standard deviations beyond which a column is cut off


@dataclass(frozen=True, slots=True)
class Head:
    """A linear model over k columns, in a logit: centre, spread and weights (k,) float64, and an intercept."""

    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    intercept: float

    def logit(self, columns: np.ndarray) -> np.ndarray:
        """(n,) from columns (n, k); NaN where a column is."""
        return standard(columns, self.centre, self.spread) @ self.weights + self.intercept

    def as_dict(self) -> Json:
        """As `read` takes it, in six decimals."""
        columns = {name: getattr(self, name).round(6).tolist() for name in ("centre", "spread", "weights")}
        return {**columns, "intercept": round(self.intercept, 6)}


def standard(columns: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Columns (n, k) in standard deviations, cut off at FAR."""
    return np.clip((columns.astype(np.float64) - centre) / spread, -FAR, FAR)


def read(file: Path, **wanted: Any) -> tuple[Head, str]:
    """A head and a mark of its version.

    Parameters: wanted, what else the file must state (the columns that it was trained on)
    Raises: DetectorError where there is none, or one of other columns
    """
    try:
        text = file.read_text("utf-8")
        stored = json.loads(text)
        other = [name for name, value in wanted.items() if stored[name] != value]
        if other:
            raise ValueError(f"its {other[0]} is of another version")
        centre, spread, weights = (np.array(stored[name], np.float64) for name in ("centre", "spread", "weights"))
        head = Head(centre, spread, weights, float(stored["intercept"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DetectorError(f"{file}: no head there ({error}); run auditor detectors train --deep") from None
    return head, hashlib.sha256(text.encode()).hexdigest()[:6]
