"""The calibration that ships with the detectors, in the words of the estimators: kinds of text and the prior."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor.estimate.fraction.counts import BINS, CENTRES
from auditor.estimate.fraction.shift_prior import ShiftPrior, learn_shift_prior, scores_of

# Keys of the calibration's `shift`: spreads that were learned by leaving domains and sources out.
SPREADS = ("within", "uncovered", "common", "machine_shift", "log_scale")


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What is known of human and machine scores before an audit.

    variance: of each kind's human location over sources, in human units; priors: by language, "" for any other
    """

    variance: Mapping[str, float]
    priors: Mapping[str, ShiftPrior]
    machine: np.ndarray  # (BINS,) scores of all known machine text: for cross-checks
    documents: int = 0  # human documents that the kinds were placed with

    def prior(self, language: str) -> ShiftPrior:
        """The prior of a language; one that was never measured has the wider one of all."""
        return self.priors.get(language) or self.priors[""]


def bundled_calibration(stored: Mapping[str, Any]) -> Calibration:
    """Read the calibration of an ensemble; where it has none, or one on another grid, vague priors take its place."""
    if stored.get("bins") != BINS:
        return Calibration({}, {"": ShiftPrior.vague()}, np.zeros(BINS))
    variance = {row["kind"]: float(row["variance"]) for row in stored.get("kinds", [])}
    spreads = {key: float(value) for key, value in stored.get("shift", {}).items() if key in SPREADS}
    cells = stored["cells"]
    priors = {"": _prior(cells, spreads)}
    for language in sorted({cell["language"] for cell in cells}):
        priors[language] = _prior([cell for cell in cells if cell["language"] == language], spreads)
    machine = sum((histogram(cell) for cell in cells if cell["label"] == "ai"), np.zeros(BINS))
    documents = sum(int(histogram(cell).sum()) for cell in cells if cell["label"] == "human")
    return Calibration(variance, priors, machine, documents)


def histogram(cell: Mapping[str, Any]) -> np.ndarray:
    """Documents (BINS,) of a cell of the calibration."""
    out = np.zeros(BINS)
    out[cell["first"] : cell["first"] + len(cell["counts"])] = cell["counts"]
    return out


def _prior(cells: list[Mapping[str, Any]], spreads: Mapping[str, float]) -> ShiftPrior:
    human: dict[Any, np.ndarray] = defaultdict(lambda: np.zeros(BINS))
    machine: dict[Any, dict[str, np.ndarray]] = defaultdict(lambda: defaultdict(lambda: np.zeros(BINS)))
    for cell in cells:
        if cell["label"] == "human":
            human[cell["source"], cell["domain"]] += histogram(cell)
        elif cell["label"] == "ai" and not cell.get("base", False):
            machine[cell["source"], cell["generator"]][cell["domain"]] += histogram(cell)
    domains = [scores_of(human[key], CENTRES) for key in sorted(human)]
    return learn_shift_prior(domains, [list(machine[key].values()) for key in sorted(machine)], spreads)
