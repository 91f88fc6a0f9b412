"""What past domains and generators teach about new ones: shapes of the densities, and how far scores are shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.fraction.counts import BINS, CENTRES, EDGES, HIGHEST, LOWEST

PROFILES = 8
LOCATIONS, WIDTHS = 7, 2  # of the narrow profiles
FEWEST = 30  # documents of a domain or a generator from which on it is learned from
LEAST_MACHINE = 0.95  # human units: an area under the ROC curve of about .75; below, machine text is not detectable
SMOOTHING = 0.22


@dataclass(frozen=True, slots=True, eq=False)
class ShiftPrior:
    """The prior of the shifted mixture, learned by leaving domains, sources and generators out; in human units.

    profiles (p, BINS), weights (p,): densities of known machine text by generator, rows sum to 1; human (BINS,): shape
    of human scores in the units of their own domain, sums to 1; narrow (q, BINS), narrow_weights (q,): densities by
    generator and domain, for corpora whose human text is placed by anchors; within: sd of a domain's human location
    about its kind's where anchors cover the kind, uncovered: what is added (in quadrature) where none does; common: sd
    of a shift of all kinds of a corpus together; machine_shift: sd of the machine text of one scope about the common
    density; log_scale: sd of the logarithm of how far one scope's human scores reach upwards, beside the common
    density's
    """

    profiles: np.ndarray
    weights: np.ndarray
    human: np.ndarray
    narrow: np.ndarray
    narrow_weights: np.ndarray
    within: float = 0.36
    uncovered: float = 0.30
    common: float = 0.10
    machine_shift: float = 0.6
    log_scale: float = 0.20

    def __post_init__(self) -> None:
        assert self.profiles.shape == (len(self.weights), BINS)
        assert self.human.shape == (BINS,)

    def where_placed(self) -> ShiftPrior:
        """The prior for a corpus whose kinds are mostly covered by anchors: the machine text of a shard is narrow.

        Elsewhere human text of a narrow kind could be taken for machine text of a narrow profile.
        """
        return replace(self, profiles=self.narrow, weights=self.narrow_weights)

    def human_worth(self, anchors: float) -> float:
        """Documents that the bundled shape of human scores is worth beside so many anchors."""
        return 80.0 / (1.0 + anchors / 80.0)

    @classmethod
    def vague(cls) -> ShiftPrior:
        """A prior without any measurement: humans about N(0, 1), machine text one to four units above them."""
        profiles = np.stack([_normal(centre, 1.2) for centre in (1.0, 2.0, 3.0, 4.0)])
        weights = np.full(4, 0.25)
        return cls(profiles, weights, _normal(0.0, 1.05), profiles, weights, 0.45, 0.45, 0.20, 0.8, 0.25)


def learn_shift_prior(
    human: Sequence[np.ndarray],
    machine: Sequence[Sequence[np.ndarray]],
    spreads: Mapping[str, float],
    *,
    fewest: int = FEWEST,
) -> ShiftPrior:
    """The prior from out-of-family scores in bundled human units.

    Generators are ordered by the location of their scores and grouped into PROFILES profiles of about as many
    generators each, moved onto each other so that a profile is as narrow as the text of one generator; those that score
    like human text are left out, for the estimand leaves out what no detector tells. Narrow profiles are made alike of
    the text of one generator and domain, in LOCATIONS groups that are halved by width.

    Parameters: human, scores (n,) of each domain; machine, by generator the documents (BINS,) of each of its domains;
        spreads, the fields of ShiftPrior that were measured
    """
    vague = ShiftPrior.vague()
    shape = np.zeros(BINS)
    for scores in human:
        if len(scores) >= fewest:
            low, middle, high = np.quantile(scores, [0.16, 0.5, 0.84])
            units = (scores - middle) / max((high - low) / 2, 0.3)
            shape += np.histogram(np.clip(units, LOWEST, HIGHEST - 1e-6), EDGES)[0] / len(scores)
    of_generator = _known([np.sum(domains, axis=0) for domains in machine], fewest)
    of_domain = _known(_alike(machine, fewest), fewest)
    if shape.sum() < 3 or min(len(of_generator), len(of_domain)) < 4:
        return replace(vague, **dict(spreads))  # type: ignore[arg-type]
    wide = vague.weights @ vague.profiles
    broad, narrow = _profiles(of_generator, PROFILES, 1, wide), _profiles(of_domain, LOCATIONS, WIDTHS, wide)
    return replace(ShiftPrior(*broad, shape / shape.sum(), *narrow), **dict(spreads))  # type: ignore[arg-type]


def _known(histograms: Sequence[np.ndarray], fewest: int) -> list[np.ndarray]:
    """Those of enough documents that detectors tell from human text."""
    return [counts for counts in histograms if counts.sum() >= fewest and _median(counts) > LEAST_MACHINE]


def _alike(machine: Sequence[Sequence[np.ndarray]], fewest: int) -> list[np.ndarray]:
    """Documents (BINS,) of one generator and domain, the small domains of a generator together."""
    out = []
    for domains in machine:
        out += [counts for counts in domains if counts.sum() >= fewest]
        out.append(sum((counts for counts in domains if counts.sum() < fewest), np.zeros(BINS)))
    return out


def _profiles(
    known: Sequence[np.ndarray], locations: int, widths: int, wide: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Densities (p, BINS) and weights (p,) of documents (BINS,) grouped by location, each group parted by width.

    wide (BINS,): a vague density that keeps a tenth of the weight, since new generators need not be like known ones
    """
    order = np.argsort([_median(counts) for counts in known], kind="stable")
    profiles, weights = [], []
    for group in np.array_split(order, min(locations, len(known) // widths)):
        place = float(np.mean([_median(known[i]) for i in group]))
        for own in np.array_split(sorted(group, key=lambda i: _width(known[i])), widths):
            profiles.append(_smoothed(_moved_to(place, [known[i] for i in own]) + 1e-5))
            weights.append(0.9 * len(own) / len(known))
    return np.stack([*profiles, wide]), np.array([*weights, 0.1])


def scores_of(histogram: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Scores (n,) that a histogram (BINS,) stands for, at the centres of its bins."""
    return np.repeat(centres, np.round(histogram).astype(np.int64))


def _moved_to(place: float, histograms: Sequence[np.ndarray]) -> np.ndarray:
    """The mean (BINS,) of densities whose medians are moved to one place."""
    moved = [np.interp(CENTRES - (place - _median(counts)), CENTRES, counts / counts.sum()) for counts in histograms]
    return np.mean(moved, axis=0)


def _width(histogram: np.ndarray) -> float:
    low, high = np.searchsorted(np.cumsum(histogram), histogram.sum() * np.array([0.16, 0.84]))
    return float(CENTRES[high] - CENTRES[low])


def _median(histogram: np.ndarray) -> float:
    return float(CENTRES[np.searchsorted(np.cumsum(histogram), histogram.sum() / 2)])


def _normal(centre: float, width: float) -> np.ndarray:
    density = np.exp(-0.5 * ((CENTRES - centre) / width) ** 2) + 1e-6
    return density / density.sum()


def _smoothed(density: np.ndarray) -> np.ndarray:
    kernel = np.exp(-0.5 * (np.arange(-6, 7) * (EDGES[1] - EDGES[0]) / SMOOTHING) ** 2)
    out = np.convolve(density, kernel / kernel.sum(), "same")
    return out / out.sum()
