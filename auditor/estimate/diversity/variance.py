"""The uncertainty of a diversity: documents (delete-a-group jackknife) and sampled types (Poisson sampling), each
counted once.

A spectrum varies twice: other documents could have been there, and another hash would have sampled other types.
With x_i the contribution of sampled type i and rate its sampling probability, the jackknife over groups of documents
gives C + sum var(x_i) / rate (C: types that come and go together), the sampling of types
(1 - rate) / rate * sum E[x_i^2]. Both hold the types' own noise, so it is taken off once, as in two-way clustering
(Cameron, Gelbach & Miller 2011, J. Business & Economic Statistics 29:238, eq. 2.11).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.diversity.equations import Frequencies
from auditor.estimate.diversity.spectrum import Counted
from auditor.estimate.diversity.spectrum_kernels import added_by_key
from auditor.records import LEVEL, Estimate, Status
from auditor.run_columns import GROUPS
from auditor.statistics.intervals import student_quantile
from auditor.statistics.resampling import jackknife_variance

MIN_GROUPS, ENOUGH_GROUPS = 4, 8
# Influence is smooth in the count beyond the first few: it is computed at these counts and interpolated in ln k.
EXACT_NODES, RATIO = 12, 1.35
NODES = np.unique(np.r_[np.arange(1, EXACT_NODES), np.ceil(EXACT_NODES * RATIO ** np.arange(80))])
STEP = 1e-5

Measure = Callable[[Frequencies], float]


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic of one body of documents, with what its variance needs.

    change (GROUPS,): value without the group minus value, 0 where the group is empty; sizes (GROUPS,) units
    types (t,) uint64 sampled types; influence (t,) of each; cell_type, cell_group, cell_change (e,): how a type's
    contribution changes without a group; documents: name of the body, terms of one name vary together; noise: of the
    sampled types on their own, if it is known and the cells are left out; no other term may then have its name
    """

    value: float
    change: np.ndarray
    sizes: np.ndarray
    rate: float
    types: np.ndarray
    influence: np.ndarray
    cell_type: np.ndarray
    cell_group: np.ndarray
    cell_change: np.ndarray
    documents: str = ""
    noise: float | None = None

    @property
    def groups(self) -> float:
        """Effective number of groups, (sum m)^2 / sum m^2: one host with nearly all the text counts as one."""
        return float(self.sizes.sum() ** 2 / np.sum(self.sizes**2)) if self.sizes.any() else 0.0


def jackknife(counted: Counted, measure: Measure, *, documents: str = "") -> Statistic:
    """A statistic with the changes that its variance is made of.

    Parameters: measure maps frequencies to a finite number (usually a logarithm)
    """
    out = unvaried(counted, measure, documents=documents)
    several = np.count_nonzero(counted.sizes) > 1  # one group alone has no variance: see `variance`
    for g, rest in counted.without_each_group() if several else ():
        out.change[g] = measure(rest) - out.value
    if counted.spectrum.rate < 1.0 and np.isfinite(out.change).all():
        types, influence, of, group, change = _sampled(counted, measure)
        out = replace(out, types=types, influence=influence, cell_type=of, cell_group=group, cell_change=change)
    return out


def unvaried(counted: Counted, measure: Measure, *, documents: str = "") -> Statistic:
    """A statistic alone, for draws whose variance comes from others."""
    nothing, keys = np.zeros(0), np.zeros(0, np.uint64)
    cells = (keys, nothing, keys, np.zeros(0, np.int64), nothing)
    value = measure(counted.frequencies())
    return Statistic(value, np.zeros(GROUPS), counted.sizes, counted.spectrum.rate, *cells, documents)


def _sampled(counted: Counted, measure: Measure) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    spectrum, law = counted.spectrum, Influence.of(counted, measure)
    sampled, totals = ~spectrum.fixed, counted.totals()
    entry = sampled[counted.index]
    of, group = counted.index[entry], spectrum.group[entry]
    change = law.at(totals[of] - counted.value[entry]) - law.at(totals[of])
    return spectrum.types[sampled], law.at(totals[sampled]), spectrum.types[of], group, change


@dataclass(frozen=True, slots=True)
class Influence:
    """How a statistic changes with a sampled type, by the type's count.

    nodes, slopes (nodes,): derivatives of the statistic at these counts; slope: of their regression on the count, 0
    where nothing is calibrated
    """

    nodes: np.ndarray
    slopes: np.ndarray
    slope: float
    rate: float

    @classmethod
    def of(cls, counted: Counted, measure: Measure) -> Influence:
        """The influence of the sampled types of a body.

        Of a calibrated total only the residual from its regression on k varies (Deville & Sarndal 1992, eq. 3.4).
        """
        k = counted.totals()[~counted.spectrum.fixed]
        nodes = cls.nodes_to(float(k.max(initial=1.0)))
        slopes = _slopes(counted.frequencies(), measure, nodes, counted.incidence)
        out = cls(nodes, slopes, 0.0, counted.spectrum.rate)
        if counted.incidence:
            return out
        return replace(out, slope=float(out._along(k) @ k) / max(float(k @ k), 1e-300))

    @staticmethod
    def nodes_to(most: float) -> np.ndarray:
        """The counts at which slopes are computed, up to `most`, the largest count of a type."""
        return NODES[: np.searchsorted(NODES, most) + 1]

    def at(self, k: np.ndarray) -> np.ndarray:
        """The contribution (n,) of types that occur k times."""
        return (self._along(k) - self.slope * k) / self.rate

    def _along(self, k: np.ndarray) -> np.ndarray:
        return np.where(k > 0, np.interp(np.log(np.maximum(k, 1.0)), np.log(self.nodes), self.slopes), 0.0)


def _slopes(whole: Frequencies, measure: Measure, nodes: np.ndarray, incidence: bool) -> np.ndarray:
    """Derivative of the statistic by f_k at each node."""
    step = STEP * max(whole.seen, 1.0)
    base, slopes = measure(whole), np.zeros(len(nodes))
    for i, k in enumerate(nodes):
        at = np.flatnonzero(whole.k == k)
        ks, fs = whole.k, whole.f.copy()
        if at.size:
            fs[at[0]] += step
        else:
            ks, fs = np.append(ks, k), np.append(fs, step)
        total = whole.total + (k * step if incidence else 0.0)
        slopes[i] = (measure(Frequencies(ks, fs, whole.size, total)) - base) / step
    return slopes


def variance(terms: list[tuple[float, Statistic]]) -> float:
    """Variance of sum(sign * value): terms of the same documents vary together, sampled types vary in all terms."""
    out = 0.0
    for name in {term.documents for _, term in terms}:
        own = [(sign, term) for sign, term in terms if term.documents == name]
        filled = sum((term.sizes > 0) for _, term in own) > 0
        count = int(np.count_nonzero(filled))
        joint = np.sum([sign * term.change for sign, term in own], axis=0)[filled]
        if count < 2 or not np.isfinite(joint).all():
            return math.inf
        noise, rate = own_noise(own, count), min(term.rate for _, term in own)
        # What is left can't be less than the types' own noise in a full count; the difference of two estimates can.
        out += max(float(jackknife_variance(joint)) - (1.0 - rate) * noise, rate * noise)
    rate = min(term.rate for _, term in terms)
    together = _added([(term.types, sign * term.influence) for sign, term in terms])
    return out + (1.0 - rate) * float(np.sum(together**2))


def _added(parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Values of equal keys added up, in order of the keys; the keys of each part ascend."""
    keys, values = parts[0]
    for more in parts[1:]:
        keys, values = added_by_key(keys, values, *more)
    return values


def own_noise(terms: list[tuple[float, Statistic]], groups: int) -> float:
    """The jackknife variance of each sampled type on its own, summed over types."""
    if len(terms) == 1 and terms[0][1].noise is not None:
        return terms[0][1].noise
    keys = np.concatenate([term.cell_type for _, term in terms])
    if not keys.size:
        return 0.0
    types, at = np.unique(keys, return_inverse=True)
    group = np.concatenate([term.cell_group for _, term in terms])
    change = np.bincount(
        at * GROUPS + group, np.concatenate([sign * term.cell_change for sign, term in terms]), types.size * GROUPS
    ).reshape(-1, GROUPS)
    centred = np.sum(change**2) - np.sum(change.sum(1) ** 2) / groups
    return float((groups - 1) / groups * centred)


def reach(groups: float, level: float = LEVEL) -> float:
    """How many standard errors the interval spans: Student's t with one degree less than there are groups."""
    return student_quantile(level, max(groups - 1.0, 1.0))


def bounded(value: float, spread: float, groups: float, level: float) -> tuple[float, float, float]:
    """value, lower, upper on the scale of the logarithm."""
    width = reach(groups, level) * math.sqrt(spread)
    return value, value - width, value + width


def judged(estimate: Estimate, groups: float) -> Estimate:
    """An interval from few groups is unreliable; from fewer than four, none can be given."""
    if groups < MIN_GROUPS:
        return estimate.but(Status.NOT_MEASURED, f"fewer than {MIN_GROUPS} groups of documents to vary")
    if groups < ENOUGH_GROUPS and estimate.status == Status.MEASURED:
        return estimate.but(Status.INCONCLUSIVE, f"{groups:.1f} effective groups of documents: the interval is rough")
    return estimate
