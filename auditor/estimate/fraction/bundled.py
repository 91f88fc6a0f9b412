"""The calibration that ships with the detectors, in the words of the estimators: kinds of text and the prior."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor.estimate.fraction.counts import BINS, CENTRES
from auditor.estimate.fraction.shift_prior import ShiftPrior, learn_shift_prior, scores_of
from auditor.known_scores import KnownCell, KnownScores

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


def bundled_calibration(known: KnownScores) -> Calibration:
    """Read the calibration of an ensemble; where it has none, or one on another grid, vague priors take its place."""
    if known.bins != BINS:
        return Calibration({}, {"": ShiftPrior.vague()}, np.zeros(BINS))
    variance = {row.kind: float(row.variance) for row in known.kinds}
    spreads = {key: float(value) for key, value in known.spreads.items() if key in SPREADS}
    cells = known.cells
    priors = _Priors(cells, spreads)
    machine = sum((cell.histogram for cell in cells if cell.label == "ai"), np.zeros(BINS))
    documents = sum(int(cell.histogram.sum()) for cell in cells if cell.label == "human")
    return Calibration(variance, priors, machine, documents)


class _Priors(Mapping[str, ShiftPrior]):
    """The priors of all languages that were measured, and of all together (""); each is learned when it is asked for.

    An audit asks for one or two of twenty.
    """

    def __init__(self, cells: Sequence[KnownCell], spreads: Mapping[str, float]):
        self._cells: dict[str, list[KnownCell]] = {"": list(cells)}
        for cell in cells:
            self._cells.setdefault(cell.language, []).append(cell)
        self._spreads = spreads
        self._learned: dict[str, ShiftPrior] = {}

    def __getitem__(self, language: str) -> ShiftPrior:
        if language not in self._learned:
            self._learned[language] = _prior(self._cells[language], self._spreads)
        return self._learned[language]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


def _prior(cells: Sequence[KnownCell], spreads: Mapping[str, float]) -> ShiftPrior:
    human: dict[Any, np.ndarray] = defaultdict(lambda: np.zeros(BINS))
    machine: dict[Any, dict[str, np.ndarray]] = defaultdict(lambda: defaultdict(lambda: np.zeros(BINS)))
    for cell in cells:
        if cell.label == "human":
            human[cell.source, cell.domain] += cell.histogram
        elif cell.label == "ai" and not cell.base:
            machine[cell.source, cell.generator][cell.domain] += cell.histogram
    domains = [scores_of(human[key], CENTRES) for key in sorted(human)]
    return learn_shift_prior(domains, [list(machine[key].values()) for key in sorted(machine)], spreads)
