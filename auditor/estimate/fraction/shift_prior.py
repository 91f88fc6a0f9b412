"""What past domains and generators teach about new ones: shapes of the densities, and how far scores are shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.estimate.fraction.counts import BINS, CENTRES, EDGES, HIGHEST, LOWEST

PROFILES = 8
FEWEST = 30  # documents of a domain or a generator from which on it is learned from
LEAST_MACHINE = 0.95  # human units: an area under the ROC curve of about .75; below, machine text is not detectable
SMOOTHING = 0.22


@dataclass(frozen=True, slots=True, eq=False)
class ShiftPrior:
    """The prior of the shifted mixture, learned by leaving domains, sources and generators out; in human units.

    profiles (p, BINS), weights (p,): densities of known machine text, rows sum to 1; human (BINS,): shape of human
    scores in the units of their own domain, sums to 1; within: sd of a domain's human location about its kind's where
    anchors cover the kind, uncovered: what is added (in quadrature) where none does; common: sd of a shift of all kinds
    of a corpus together; machine_shift: sd of the machine text of one scope about the common density; log_scale: sd of
    the logarithm of how far one scope's human scores reach upwards, beside the common density's
    """

    profiles: np.ndarray
    weights: np.ndarray
    human: np.ndarray
    within: float = 0.36
    uncovered: float = 0.30
    common: float = 0.10
    machine_shift: float = 0.6
    log_scale: float = 0.20

    def __post_init__(self) -> None:
        assert self.profiles.shape == (len(self.weights), BINS)
        assert self.human.shape == (BINS,)

    def human_worth(self, anchors: float) -> float:
        """Documents that the bundled shape of human scores is worth beside so many anchors."""
        return 80.0 / (1.0 + anchors / 80.0)

    @classmethod
    def vague(cls) -> ShiftPrior:
        """A prior without any measurement: humans about N(0, 1), machine text one to four units above them."""
        profiles = np.stack([_normal(centre, 1.2) for centre in (1.0, 2.0, 3.0, 4.0)])
        return cls(profiles, np.full(4, 0.25), _normal(0.0, 1.05), 0.45, 0.45, 0.20, 0.8, 0.25)


def learn_shift_prior(
    human: Sequence[np.ndarray],
    machine: Sequence[np.ndarray],
    spreads: Mapping[str, float],
    *,
    fewest: int = FEWEST,
) -> ShiftPrior:
    """The prior from out-of-family scores in bundled human units.

    Generators are ordered by the location of their scores and grouped into PROFILES profiles of about as many
    generators each, moved onto each other so that a profile is as narrow as the text of one generator; those that score
    like human text are left out, for the estimand leaves out what no detector tells.

    Parameters: human, scores (n,) of each domain; machine, documents (BINS,) of each source and generator; spreads, the
        fields of ShiftPrior that were measured
    """
    vague = ShiftPrior.vague()
    shape = np.zeros(BINS)
    for scores in human:
        if len(scores) >= fewest:
            low, middle, high = np.quantile(scores, [0.16, 0.5, 0.84])
            units = (scores - middle) / max((high - low) / 2, 0.3)
            shape += np.histogram(np.clip(units, LOWEST, HIGHEST - 1e-6), EDGES)[0] / len(scores)
    known = [counts for counts in machine if counts.sum() >= fewest and _median(counts) > LEAST_MACHINE]
    if shape.sum() < 3 or len(known) < 4:
        return ShiftPrior(vague.profiles, vague.weights, vague.human, **{**_spreads(vague), **spreads})
    order = np.argsort([_median(counts) for counts in known], kind="stable")
    groups = np.array_split(order, min(PROFILES, len(known)))
    profiles = np.stack([_smoothed(_in_one_place([known[i] for i in group]) + 1e-5) for group in groups])
    weights = np.array([len(group) for group in groups]) / len(known)
    # New generators need not be known ones: a vague profile keeps a tenth of the weight.
    wide = vague.weights @ vague.profiles
    profiles, weights = np.concatenate([profiles, wide[None]]), np.concatenate([0.9 * weights, [0.1]])
    return ShiftPrior(profiles, weights, shape / shape.sum(), **spreads)


def scores_of(histogram: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Scores (n,) that a histogram (BINS,) stands for, at the centres of its bins."""
    return np.repeat(centres, np.round(histogram).astype(np.int64))


def _spreads(prior: ShiftPrior) -> dict[str, float]:
    names = ("within", "uncovered", "common", "machine_shift", "log_scale")
    return {name: getattr(prior, name) for name in names}


def _in_one_place(histograms: Sequence[np.ndarray]) -> np.ndarray:
    """The mean (BINS,) of densities that are moved to the mean of their medians."""
    medians = np.array([_median(counts) for counts in histograms])
    moved = [
        np.interp(CENTRES - by, CENTRES, counts / counts.sum())
        for by, counts in zip(medians.mean() - medians, histograms, strict=True)
    ]
    return np.mean(moved, axis=0)


def _median(histogram: np.ndarray) -> float:
    return float(CENTRES[np.searchsorted(np.cumsum(histogram), histogram.sum() / 2)])


def _normal(centre: float, width: float) -> np.ndarray:
    density = np.exp(-0.5 * ((CENTRES - centre) / width) ** 2) + 1e-6
    return density / density.sum()


def _smoothed(density: np.ndarray) -> np.ndarray:
    kernel = np.exp(-0.5 * (np.arange(-6, 7) * (EDGES[1] - EDGES[0]) / SMOOTHING) ** 2)
    out = np.convolve(density, kernel / kernel.sum(), "same")
    return out / out.sum()
