"""Draws of every atom's fraction and shift from a grid, given the densities that all atoms share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.counts import BINS, moved, shifted, stretched
from auditor.estimate.fraction.shift_prior import ShiftPrior
from auditor.statistics.mixtures import mixture_logs
from auditor.statistics.places import drawn_places, row_bounds

# Fractions that are tabulated, with the prior's mass: small ones are likelier, and 0 is possible.
FRACTIONS = np.concatenate([[0.0], np.geomspace(0.002, 0.06, 11), np.linspace(0.09, 1.0, 20)])
LOG_FRACTION_DENSITY = -0.75 * np.log(FRACTIONS + 0.004)
LOG_FRACTION_PRIOR = LOG_FRACTION_DENSITY + np.log(np.gradient(FRACTIONS))
COARSE = np.array([0, 1, 6, 11, 16, 22, 30, 31])  # positions of fractions that bound what lies between them
SCALES = np.array([-1.0, 0.0, 1.0]) * np.sqrt(3.0)  # Gauss-Hermite nodes of a standard normal variate
LOG_SCALE_WEIGHT = np.log([1 / 6, 2 / 3, 1 / 6])
MACHINE_SHIFTS = np.linspace(-2.0, 2.0, 5)  # in units of the prior's sd
LEAST_NODES, MOST_NODES, FINEST, REACH = 9, 23, 0.02, 3.4
FINER = np.linspace(-0.9, 0.9, 13)  # of the distance between two shifts of the grid
# Independent documents of one atom that are believed: beyond, its human shape differs from the common one by more than
# its sampling error. An atom whose shift is known to be small is believed further.
BELIEVED, MOST_BELIEVED = 300.0, 8_000.0
# Shifts of known domains about their kind have heavier tails than a normal variate: Student's t of 4.6 degrees of
# freedom fits 312 domains whose kinds were covered by anchors.
FREEDOM = 5.0
ALIKE = 0.28  # own sd of atoms from which on, downwards, more documents are believed to share one density
ONE_GENERATOR = 0.5  # prior probability that the machine text of an atom is of one kind of generator
LOW_SCORES, MOST_SHARED, SHARED = (0.05, 0.6), 0.8, (0.6, 1.0)
MOST_RUNS = 200  # a run holds at least one in so many documents
TINY = 1e-9
BLOCK = 512  # atoms that are drawn at a time: memory does not follow the number of shards


@dataclass(slots=True, eq=False)
class State:
    """What all atoms share within one step: the densities (BINS,), the kinds' shifts (groups,), the atoms' spread.

    machine_spread: sd of the atoms' machine shifts in units of the prior's; single: probability that an atom's machine
    text is of one profile; weights: of the profiles of known generators, None for the prior's
    """

    human: np.ndarray
    machine: np.ndarray
    group: np.ndarray
    spread: float = 1.0
    machine_spread: float = 1.0
    single: float = ONE_GENERATOR
    weights: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One draw of every atom.

    fraction, shift, machine_shift (atoms,); single (atoms,): its machine text is of one profile; human, machine (atoms,
    BINS): densities of the atom's scores; by_bin (atoms, BINS): probability that a document of the bin is machine text
    """

    fraction: np.ndarray
    shift: np.ndarray
    machine_shift: np.ndarray
    single: np.ndarray
    human: np.ndarray
    machine: np.ndarray
    by_bin: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where every atom stands on the grid: (atoms,) each; moves (variants,) of the machine densities."""

    fraction: np.ndarray
    shift: np.ndarray
    log_scale: np.ndarray
    variant: np.ndarray
    moves: np.ndarray

    @property
    def move(self) -> np.ndarray:
        return self.moves[self.variant]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """What the draws of all atoms given one state have in common.

    own_sd, centre, weight (atoms,); nodes (nodes,); human (nodes, scales, runs), machine (nodes, variants, runs):
    densities; log_prior (scales, variants); moves (variants,); base (variants, BINS): machine densities before they
    are moved
    """

    own_sd: np.ndarray
    centre: np.ndarray
    nodes: np.ndarray
    human: np.ndarray
    machine: np.ndarray
    log_prior: np.ndarray
    weight: np.ndarray
    moves: np.ndarray
    base: np.ndarray


class Sampler:
    """Draws (fraction, shift, log-scale, machine shift) of every atom from its grid, given the densities.

    Parameters: parts, atoms of several cuts of one corpus, which share every table; drawn one after the other
    """

    def __init__(self, parts: Sequence[Atoms], effect: float, prior: ShiftPrior, starts: np.ndarray):
        self.prior, self.starts, self.effect = prior, starts, effect
        self.own_sd = np.concatenate([atoms.own_sd(prior) for atoms in parts])
        self.group = np.concatenate([atoms.group for atoms in parts])
        self.counts = np.concatenate([atoms.undecided for atoms in parts]) / effect
        self.known_human, self.labelled_human, self.labelled_machine = (
            np.concatenate([getattr(atoms, name) for atoms in parts])
            for name in ("known_human", "labelled_human", "labelled_machine")
        )
        self.total = np.maximum(self.counts.sum(1), TINY)
        runs = [self.counts, self.known_human / effect, self.labelled_human, self.labelled_machine]
        self.unknown, self.known, self.said_human, self.said_machine = (
            np.ascontiguousarray(np.add.reduceat(part, starts, axis=1)) for part in runs
        )
        self.told = any(part.any() for part in runs[1:])

    def draw(self, state: State, rng: np.random.Generator, times: int = 1) -> list[Drawn]:
        """`times` independent draws of every atom given one state, BLOCK atoms at a time."""
        table = self._tabulated(state)
        starts = range(0, max(len(self.group), 1), BLOCK)
        blocks = [self._drawn(state, table, slice(start, start + BLOCK), rng, times) for start in starts]
        return [_joined(parts) for parts in zip(*blocks, strict=True)]

    def _tabulated(self, state: State) -> _Table:
        """The log-densities that every atom's likelihood is made of."""
        prior = self.prior
        own_sd = self.own_sd * state.spread
        centre = state.group[self.group]
        nodes = _nodes(centre, own_sd)
        human = stretched(state.human, nodes, SCALES * prior.log_scale * state.spread)  # (nodes, scales, BINS)
        singles = self._singles(state)
        h = (np.add.reduceat(human, self.starts, axis=-1) + TINY).astype(np.float32)
        f = (np.add.reduceat(self._machine(state, nodes, singles), self.starts, axis=-1) + TINY).astype(np.float32)
        believed = np.clip(BELIEVED * (ALIKE / np.maximum(own_sd, 1e-3)) ** 2, BELIEVED, MOST_BELIEVED)
        shifts = MACHINE_SHIFTS * prior.machine_shift * state.machine_spread
        moves = np.concatenate([shifts, np.zeros(len(prior.weights))])
        base = np.concatenate([np.repeat(state.machine[None], len(MACHINE_SHIFTS), axis=0), singles])
        log_prior = self._log_of_machine(state) + LOG_SCALE_WEIGHT[:, None]
        return _Table(own_sd, centre, nodes, h, f, log_prior, np.minimum(1.0, believed / self.total), moves, base)

    def _drawn(self, state: State, table: _Table, rows: slice, rng: np.random.Generator, times: int) -> list[Drawn]:
        """Draws of some of the atoms."""
        own_sd, centre = table.own_sd[rows, None], table.centre[rows, None]
        undecided = self.unknown[rows] * table.weight[rows, None] - self.said_human[rows] - self.said_machine[rows]
        of_shift = log_of_shift((table.nodes - centre) / own_sd)
        # single precision: a log-likelihood of thousands is right to .001
        grid = undecided.astype(np.float32), table.human, table.machine, FRACTIONS
        known = self._of_known(table.human.astype(np.float64), table.machine.astype(np.float64), rows)
        terms = LOG_FRACTION_PRIOR, table.log_prior, of_shift, *known
        chance = rng.random((times, 3, len(undecided)))  # of the place on the grid, then of the shift, of the fraction
        bounds, best = row_bounds(*grid, COARSE, *terms)
        places = drawn_places(*grid, *terms, bounds, best, np.ascontiguousarray(chance[:, 0]))
        shape = *table.human.shape[:2], table.machine.shape[1], len(FRACTIONS)
        scales = SCALES * self.prior.log_scale * state.spread
        out = []
        for place, own in zip(places, chance, strict=True):
            at = np.unravel_index(place, shape)
            where = _Place(FRACTIONS[at[3]], table.nodes[at[0]], scales[at[1]], at[2], table.moves)
            out.append(self._refined(state, table, where, rows, own[1:]))
        return out

    def _refined(self, state: State, table: _Table, place: _Place, rows: slice, chance: np.ndarray) -> Drawn:
        """The shift, then the fraction, drawn again between the points of the grid, each given all else."""
        finer = place.shift[:, None] + (table.nodes[1] - table.nodes[0]) * FINER
        human = moved(np.broadcast_to(state.human, (len(finer), BINS)), finer, place.log_scale)
        machine = moved(table.base[place.variant], finer + place.move[:, None], np.zeros(len(finer)))
        labelled_human, labelled_machine = self.labelled_human[rows], self.labelled_machine[rows]
        counts = self.counts[rows] * table.weight[rows, None] - labelled_human - labelled_machine
        log = mixture_logs(counts, human, machine, place.fraction[:, None], TINY)
        if self.told:
            surely_human = self.known_human[rows] / self.effect + labelled_human
            log += mixture_logs(surely_human, human, machine, np.zeros((len(log), 1)), TINY)
            log += mixture_logs(labelled_machine, human, machine, np.ones((len(log), 1)), TINY)
        log += log_of_shift((finer - table.centre[rows, None]) / table.own_sd[rows, None])
        at = _drawn_from(log, chance[0])
        each = np.arange(len(at))
        own, other, shift = human[each, at], machine[each, at], finer[each, at]
        points = _around(place.fraction)
        log = mixture_logs(counts, own[:, None], other[:, None], points, TINY)
        log += np.interp(points, FRACTIONS, LOG_FRACTION_DENSITY) + np.log(_cells(points) + 1e-12)
        if self.told:
            humans, machines = labelled_human.sum(1), labelled_machine.sum(1)
            log += humans[:, None] * np.log(1 - points + 1e-4) + machines[:, None] * np.log(points + 1e-4)
        fraction = points[each, _drawn_from(log, chance[1])]
        by_bin = fraction[:, None] * other / ((1 - fraction[:, None]) * own + fraction[:, None] * other + TINY)
        return Drawn(fraction, shift, place.move, place.variant >= len(MACHINE_SHIFTS), own, other, by_bin)

    def _singles(self, state: State) -> np.ndarray:
        """The profiles of known generators (profiles, BINS) without what could as well be human text."""
        return irreducible(self.prior.profiles, state.human, sum(SHARED) / 2)

    def _machine(self, state: State, nodes: np.ndarray, singles: np.ndarray) -> np.ndarray:
        """Machine densities (nodes, variants, BINS) that an atom may have: the common one moved, or a single profile.

        The common density is of many generators; the machine text of one atom is often of one of them, and narrower.
        """
        moves = MACHINE_SHIFTS * self.prior.machine_shift * state.machine_spread
        common = shifted(state.machine, (nodes[:, None] + moves[None]).ravel()).reshape(len(nodes), len(moves), BINS)
        return np.concatenate([common, shifted(singles, nodes).swapaxes(0, 1)], axis=1)

    def _log_of_machine(self, state: State) -> np.ndarray:
        """Log prior (variants,) of the machine densities."""
        common = np.exp(-0.5 * MACHINE_SHIFTS**2)
        weights = self.prior.weights if state.weights is None else state.weights
        return np.log(np.concatenate([(1 - state.single) * common / common.sum(), state.single * weights]) + 1e-12)

    def _of_known(self, h: np.ndarray, f: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log-likelihood of documents whose origin somebody knows, in three parts that add up.

        Returns: (atoms, nodes * scales), (atoms, nodes * variants), (atoms, fractions); no columns where nobody does
        """
        said_human, said_machine = self.said_human[rows], self.said_machine[rows]
        if not self.told:
            none = np.empty((len(said_human), 0))
            return none, none, none
        log_h, log_f = np.log(h).reshape(-1, h.shape[-1]).T, np.log(f).reshape(-1, f.shape[-1]).T
        humans, machines = said_human.sum(1)[:, None], said_machine.sum(1)[:, None]
        answers = humans * np.log(1 - FRACTIONS + 1e-4) + machines * np.log(FRACTIONS + 1e-4)
        return (self.known[rows] + said_human) @ log_h, said_machine @ log_f, answers


def log_of_shift(units: np.ndarray) -> np.ndarray:
    """Log prior density of shifts in units of their sd, up to a constant: Student's t."""
    return -0.5 * (FREEDOM + 1) * np.log1p(units**2 / (FREEDOM - 2))


def _joined(parts: Sequence[Drawn]) -> Drawn:
    """The draws of several blocks of atoms as one."""
    return Drawn(*(np.concatenate([getattr(part, name) for part in parts]) for name in Drawn.__slots__))


def _nodes(centre: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Shifts that are tabulated: all that the atoms' priors reach, as fine as the narrowest needs."""
    low, high = float((centre - REACH * sd).min()), float((centre + REACH * sd).max())
    step = max(FINEST, 0.45 * float(sd.min()), (high - low) / (MOST_NODES - 1))
    count = int(np.clip(np.ceil((high - low) / step) + 1, LEAST_NODES, MOST_NODES))
    return np.linspace(low, high, count)


def _around(fraction: np.ndarray) -> np.ndarray:
    """Fractions (n, k) between the neighbours on the grid of each; 0 is among them where it is the place itself."""
    place = np.searchsorted(FRACTIONS, fraction)
    low, high = FRACTIONS[np.maximum(place - 1, 0)], FRACTIONS[np.minimum(place + 1, len(FRACTIONS) - 1)]
    return low[:, None] + (high - low)[:, None] * np.linspace(0, 1, 17)


def _cells(points: np.ndarray) -> np.ndarray:
    """Widths (n, k) of the cells about points in order."""
    return np.gradient(points, axis=1)


def _drawn_from(log: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """One position (n,) of each row of log-probabilities (n, k), drawn by chance (n,)."""
    summed = np.cumsum(np.exp(log - log.max(1, keepdims=True)), axis=1)
    place = (summed < chance[:, None] * summed[:, -1:]).sum(1)
    return np.minimum(place, log.shape[1] - 1)


def irreducible(machine: np.ndarray, human: np.ndarray, part: float) -> np.ndarray:
    """The machine density without most of what could as well be human text: (f - k h) / (1 - k).

    k is the largest share of human text that the low scores of f leave room for. A mixture alone cannot tell (a, f)
    from (a / (1 - k), (1 - k) f + k h): that a generator scores like people at times is believed to a part of k only.

    References: Blanchard, Lee & Scott 2010, definition 4; Scott 2015, section 3 (irreducibility)
    """
    below, human_below = np.cumsum(machine, axis=-1), np.cumsum(human)
    low = (human_below >= LOW_SCORES[0]) & (human_below <= LOW_SCORES[1])
    if not low.any():
        return machine
    found = (below[..., low] / human_below[low]).min(-1, keepdims=True)
    rest = np.maximum(machine - np.clip(found, 0.0, MOST_SHARED) * part * human, 1e-9)
    return rest / rest.sum(-1, keepdims=True)


def active_bins(parts: Sequence[Atoms], anchors: np.ndarray) -> np.ndarray:
    """Starts of the runs of bins that are told apart: runs of at least half a percent of the documents, ends as one."""
    histogram = sum((atoms.counts.histogram.sum(0) for atoms in parts), anchors)
    share = np.cumsum(histogram) / max(histogram.sum(), 1e-300)
    return np.unique(np.concatenate([[0], np.unique(np.floor(share * MOST_RUNS), return_index=True)[1]]))
