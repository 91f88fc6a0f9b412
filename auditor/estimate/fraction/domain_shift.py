"""What past domains and generators teach about a new one: priors of score densities, and the residual shift tau."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import numpy as np

from auditor.estimate.fraction.checks.overlap import VAGUE as VAGUE_OVERLAP
from auditor.estimate.fraction.checks.overlap import human_like, learn_overlap, share_of

# Scores are compared in human standard units: (score - median of the domain's humans) / half the distance between
# their 16% and 84% quantiles. In these units domains differ little and only generators move.
NODES = np.linspace(-5.0, 9.0, 29)
SMOOTHING = 0.35
FEWEST = 80
DETECTABLE = 0.75  # area under the ROC curve: the estimand leaves out what no detector can tell
VAGUE = 10  # tables that the vague prior is worth when a detector's own are few


class Trust(IntEnum):
    """Whose word stands behind an anchor: the smaller, the more it is trusted."""

    LABELS = 0
    REFERENCE = 1
    DATED = 2
    BUNDLED = 3


@dataclass(frozen=True, slots=True)
class Shift:
    """Residual shift between anchors and corpus, in human standard units: sd of location and of log-scale."""

    location: float
    scale: float


# Until a detector brings its own table: medians over quick linear detectors with source families left out.
DEFAULT_SHIFTS = {
    Trust.LABELS: Shift(0.0, 0.0),
    Trust.REFERENCE: Shift(0.02, 0.02),
    Trust.DATED: Shift(0.02, 0.02),
    Trust.BUNDLED: Shift(0.6, 0.15),
}


@dataclass(frozen=True, slots=True, eq=False)
class DensityPrior:
    """Gaussian priors of the log densities at NODES, learned by leaving domains and generators out.

    human_mean, machine_mean (nodes,); human_spread, machine_spread (nodes, nodes) covariances; shifts: tau by trust;
    overlap: of the log-odds of the share of machine text that scores like human text: mean, slope and sd, given how
        well the rest is told from human text (log-odds of its area under the ROC curve, less SEPARATED)
    """

    human_mean: np.ndarray
    human_spread: np.ndarray
    machine_mean: np.ndarray
    machine_spread: np.ndarray
    shifts: Mapping[Trust, Shift] = field(default_factory=lambda: dict(DEFAULT_SHIFTS))
    overlap: tuple[float, float, float] = VAGUE_OVERLAP
    tables: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The JSON that ships with a detector."""
        return {
            "schema": 1,
            "nodes": NODES.tolist(),
            "human": {"mean": _round(self.human_mean), "spread": _round(self.human_spread)},
            "machine": {"mean": _round(self.machine_mean), "spread": _round(self.machine_spread)},
            "tau": {t.name.lower(): {"location": s.location, "scale": s.scale} for t, s in self.shifts.items()},
            "overlap": list(self.overlap),
            "tables": self.tables,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> DensityPrior:
        """Raises: ValueError when the table is of another schema or grid."""
        if stored.get("schema") != 1 or not np.allclose(stored["nodes"], NODES):
            raise ValueError("this shift table was written by another version: train the detector again")
        shifts = {Trust[name.upper()]: Shift(**tau) for name, tau in stored["tau"].items()}
        human, machine = stored["human"], stored["machine"]
        return cls(
            np.asarray(human["mean"]),
            np.asarray(human["spread"]),
            np.asarray(machine["mean"]),
            np.asarray(machine["spread"]),
            DEFAULT_SHIFTS | shifts,
            tuple(stored["overlap"]),
            stored["tables"],
        )


def default_prior() -> DensityPrior:
    """Weak priors for a detector without a table: humans about N(0, 1), machines N(1.8, 1.2^2) moved by about one."""
    machine = _kernel(0.5, 1.2) + _polynomial(0.8, 0.10)
    return DensityPrior(_log_normal(0.0, 1.05), _human_kernel(), _log_normal(1.8, 1.2), machine)


def human_units(scores: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """(median, half the 16-84% distance) of human scores (n,), optionally weighted (as bins are)."""
    if weights is None:
        low, middle, high = np.quantile(scores, [0.16, 0.5, 0.84])
    else:
        kept = weights > 0
        centre, weight = scores[kept], weights[kept]
        share = (np.cumsum(weight) - weight / 2) / weight.sum()
        low, middle, high = np.interp([0.16, 0.5, 0.84], share, centre)
    return float(middle), float(max((high - low) / 2, 1e-3))


def separability(human: np.ndarray, machine: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a machine document scores above a human one."""
    ordered = np.sort(human)
    return (
        float(np.searchsorted(ordered, machine, side="left").mean() / len(human)) / 2
        + float(np.searchsorted(ordered, machine, side="right").mean() / len(human)) / 2
    )


def log_density(standard: np.ndarray) -> np.ndarray:
    """Smoothed log density at NODES of scores in human units; a floor of half a percent keeps empty tails finite."""
    kernel = np.exp(-0.5 * ((NODES[:, None] - standard[None, :]) / SMOOTHING) ** 2).sum(1)
    kernel /= len(standard) * SMOOTHING * np.sqrt(2 * np.pi)
    return np.log(0.995 * kernel + 0.005 / (NODES[-1] - NODES[0]))


def separable_density(human: np.ndarray, machine: np.ndarray) -> np.ndarray:
    """Log density at NODES of a generator's scores without their human-like share: (f - k h)/(1 - k)."""
    k = float(share_of(*human_like(human, machine)))
    left = np.maximum(np.exp(log_density(machine)) - k * np.exp(log_density(human)), 0.0) / (1 - k)
    left /= left.sum() * (NODES[1] - NODES[0])
    return np.log(0.995 * left + 0.005 / (NODES[-1] - NODES[0]))


def learn_prior(tables: Sequence[tuple[np.ndarray, Sequence[np.ndarray]]], *, fewest: int = FEWEST) -> DensityPrior:
    """Learn the priors from labelled scores of a detector that saw neither their domain nor their generators.

    tables: for each domain (human scores, [machine scores of each generator]); small ones are left out. Machine
    densities are taken in the units of the humans of the same domain. The covariance over tables is widened by
    (k+1)/(k-1) for the k tables it was learned from, and a smooth kernel is added: a new generator is not a known one.

    tau of bundled anchors: sd between domains of the human location and log-scale, beyond their sampling noise.
    """
    humans, machines, located, overlaps = [], [], [], []
    for human, generators in tables:
        if len(human) < fewest:
            continue
        middle, unit = human_units(human)
        located.append((middle, np.log(unit), len(human)))
        humans.append(log_density((human - middle) / unit))
        large = [g for g in generators if len(g) >= fewest]
        overlaps += [(*human_like(human, g), separability(human, g)) for g in large]
        detectable = [g for g in large if separability(human, g) >= DETECTABLE]
        machines += [separable_density((human - middle) / unit, (g - middle) / unit) for g in detectable]
    if len(machines) < 4 or len(humans) < 3:
        return replace(default_prior(), overlap=learn_overlap(overlaps))
    human, machine = np.array(humans), np.array(machines)
    place = np.array(located)
    unit = float(np.exp(np.median(place[:, 1])))
    noise = float(np.mean(1.5 / place[:, 2]))
    location = float(np.sqrt(max((place[:, 0] / unit).var(ddof=1) - noise, 0.01)))
    scale = float(np.sqrt(max(place[:, 1].var(ddof=1) - noise, 0.0025)))
    shifts = DEFAULT_SHIFTS | {Trust.BUNDLED: Shift(round(location, 3), round(scale, 3))}
    vague = default_prior()
    trust = len(machine) / (len(machine) + VAGUE)
    mean = trust * machine.mean(0) + (1 - trust) * vague.machine_mean
    return DensityPrior(
        human.mean(0),
        _spread(human) + _kernel(0.25, 0.8) + _polynomial(0.1, 0.05),
        mean,
        trust * _spread(machine) + (1 - trust) * vague.machine_spread + _kernel(0.4, 1.0) + _polynomial(0.4, 0.05),
        shifts,
        learn_overlap(overlaps),
        len(machine),
    )


def _spread(logs: np.ndarray) -> np.ndarray:
    k = len(logs)
    return np.cov(logs.T) * (k + 1) / (k - 1)


def _kernel(amplitude: float, length: float) -> np.ndarray:
    return amplitude**2 * np.exp(-0.5 * ((NODES[:, None] - NODES[None, :]) / length) ** 2)


def _polynomial(tilt: float, bend: float) -> np.ndarray:
    """Covariance of tilts and bends of a log density: in log space they are what moves and widens a normal density."""
    square = (NODES - 1) ** 2
    return tilt**2 * np.outer(NODES, NODES) + bend**2 * np.outer(square, square)


def _human_kernel() -> np.ndarray:
    return _kernel(0.4, 0.8) + _polynomial(0.1, 0.05)


def _log_normal(centre: float, width: float) -> np.ndarray:
    density = np.exp(-0.5 * ((NODES - centre) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    return np.log(0.995 * density + 0.005 / (NODES[-1] - NODES[0]))


def _round(values: np.ndarray) -> list:
    return np.round(values, 5).tolist()
