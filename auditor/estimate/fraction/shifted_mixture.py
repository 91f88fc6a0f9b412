"""Score densities and residual shifts, learned jointly over all atoms (the documents of one kind within one scope)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.fraction.atom_sampler import (
    ALIKE,
    FREEDOM,
    SHARED,
    Drawn,
    Sampler,
    State,
    active_bins,
    irreducible,
)
from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.counts import BINS, STEP
from auditor.estimate.fraction.shift_prior import ShiftPrior

KERNEL = np.exp(-0.5 * (np.arange(-6, 7) * STEP / 0.22) ** 2)
KERNEL /= KERNEL.sum()
MOSTLY_COVERED = 0.5  # share of documents whose kinds anchors cover, from which on machine text is taken to be narrow
MOST_ATOMS = 96  # that the densities are learned from; all others are drawn given the densities
ANCHORS_BELIEVED = 400.0
OWN_HUMAN, MACHINE_FOUND = 150.0, 600.0
CONCENTRATION, FREE, PROFILE_WEIGHT = 4.0, 0.25, 30.0
FEW_ATOMS, TIMES = 1000, 5  # from how many atoms on how many draws are made given one state
CHAINS, LEAST_WARM_UP = 4, 15
SPREAD_FREEDOM = 1.0  # degrees of freedom of the prior of the atoms' spread
LEAST_SPREAD, MOST_SPREAD = 0.08, 2.5
ENOUGH_FOUND = 20.0  # machine documents of an atom from which on it tells how machine text differs


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws of what all scopes share.

    states: the draws; design_effect: documents per independent document; anchors (BINS,): independent human documents
    behind the human density
    """

    states: tuple[State, ...]
    design_effect: float
    anchors: np.ndarray
    prior: ShiftPrior

    @property
    def human(self) -> np.ndarray:
        """(draws, BINS) densities of human scores, rows sum to 1."""
        return np.stack([state.human for state in self.states])

    @property
    def machine(self) -> np.ndarray:
        """(draws, BINS) densities of machine scores, rows sum to 1."""
        return np.stack([state.machine for state in self.states])

    @property
    def spread(self) -> np.ndarray:
        """(draws,) the atoms' own sd about their kinds, in units of their prior sd."""
        return np.array([state.spread for state in self.states])

    @property
    def slack(self) -> float:
        """What intervals are widened by: n anchors do not tell shares of less than one of them."""
        return min(1 / max(float(self.anchors.sum()), 1.0), 0.01)

    @property
    def separation(self) -> float:
        """Total-variation distance between the mean densities: 0 where scores say nothing."""
        return 0.5 * float(np.abs(self.human.mean(0) - self.machine.mean(0)).sum())


def smooth(density: np.ndarray) -> np.ndarray:
    """A density (BINS,) smoothed by a kernel of sd .22 human units."""
    out = np.convolve(density, KERNEL, "same")
    return out / out.sum()


def fit_shifted(
    atoms: Atoms,
    anchors: np.ndarray,
    prior: ShiftPrior,
    rng: np.random.Generator,
    *,
    draws: int = 200,
    warm_up: int = 80,
) -> Posterior:
    """Draw densities, shifts and fractions from their joint posterior by blocked Gibbs sampling.

    The scores of atom i have density (1 - a_i) h(u - d_i) + a_i f(u - d_i - e_i): a_i its fraction, d_i its residual
    shift (sd given by how well its kind is covered by anchors, about a shift that all atoms of the kind share), e_i how
    much its generators differ from the common machine density. Within a step every atom's (a, d, log-scale, e) is drawn
    exactly from a grid; then h given the anchors, f given the documents found to be machine text (about known
    generators' densities), the shifts of the kinds, and the spread of the atoms about them.

    Parameters: anchors (BINS,), scores of known human documents in human units, thinned to independent ones
    Returns: Posterior
    Assumes: human scores of a kind differ between sources in location and log-scale only
    References: METHODS: docs/prevalence.md; Gelman et al. 2013, chapter 11 (Gibbs sampling), chapter 5 (hierarchies)
    """
    if atoms.covered >= MOSTLY_COVERED:
        prior = prior.where_placed()
    atoms = _largest(atoms, rng)
    effect = atoms.design_effect()
    sampler = Sampler([atoms], effect, prior, active_bins([atoms], anchors))
    states: list[State] = []
    for _ in range(CHAINS):
        states += _chain(
            atoms, sampler, anchors, rng, draws=-(-draws // CHAINS), warm_up=-(-warm_up // CHAINS) + LEAST_WARM_UP
        )
    return Posterior(tuple(states[:draws]), effect, anchors, prior)


def _chain(
    atoms: Atoms, sampler: Sampler, anchors: np.ndarray, rng: np.random.Generator, *, draws: int, warm_up: int
) -> list[State]:
    """One chain from its own beginning: where a shift and a fraction explain a shard alike, a chain may stay in one."""
    prior, known = sampler.prior, float(anchors.sum())
    begin = rng.standard_normal(len(atoms.group_variance)) * np.sqrt(atoms.group_variance)
    state = State(smooth(prior.human + 1e-6), prior.weights @ prior.profiles, begin)
    allocated, own_human = np.zeros(len(prior.weights)), np.zeros(BINS)
    kept: list[State] = []
    for step in range(warm_up + draws):
        agreement = float(np.clip((ALIKE / max(prior.within * state.spread, 1e-3)) ** 2, 1.0, 20.0))
        support = anchors * min(1.0, agreement * ANCHORS_BELIEVED / max(known, 1.0))
        support = support + prior.human * prior.human_worth(known) + own_human
        state.human = smooth(rng.dirichlet(np.convolve(support, KERNEL, "same") + 1e-3))
        (drawn,) = sampler.draw(state, rng)
        made = sampler.counts * drawn.by_bin
        found = _moved_back(made, drawn.shift + drawn.machine_shift)
        machine, state.weights, allocated = _machine(found, allocated, prior, state.machine_spread, rng)
        state.machine = irreducible(machine, state.human, rng.uniform(*SHARED))
        state.machine_spread, state.single = _variety(drawn, made.sum(1), prior, rng)
        human = _moved_back(sampler.counts - made, drawn.shift)
        own = max(0.0, OWN_HUMAN - known / 4) + ANCHORS_BELIEVED * (agreement - 1)
        own_human = human * min(1.0, own / max(human.sum(), 1.0))
        sd = atoms.own_sd(prior) / np.sqrt(_precision(drawn.shift, state, atoms, prior, rng))
        state.group = _group_shifts(drawn.shift, atoms, sd * state.spread, prior, rng)
        state.spread = _spread(drawn.shift - state.group[atoms.group], sd, rng)
        if step >= warm_up:
            kept.append(replace(state))
    return kept


def _precision(
    shift: np.ndarray, state: State, atoms: Atoms, prior: ShiftPrior, rng: np.random.Generator
) -> np.ndarray:
    """How much each atom's shift (atoms,) counts: Student's t is a normal variate of a gamma-distributed precision."""
    units = (shift - state.group[atoms.group]) / (atoms.own_sd(prior) * state.spread)
    return rng.gamma((FREEDOM + 1) / 2, 2 / (FREEDOM - 2 + units**2))


def _spread(residual: np.ndarray, sd: np.ndarray, rng: np.random.Generator) -> float:
    """The atoms' spread about their kinds in units of their prior sd: scaled inverse chi-square."""
    scale = SPREAD_FREEDOM + float(((residual / sd) ** 2).sum())
    found = np.sqrt(scale / rng.chisquare(SPREAD_FREEDOM + len(residual)))
    return float(np.clip(found, LEAST_SPREAD, MOST_SPREAD))


def draw_atoms(posterior: Posterior, parts: Sequence[Atoms], rng: np.random.Generator) -> Iterator[Drawn]:
    """The atoms of several cuts drawn given the draws of the densities, one draw at a time: fitted or not.

    Of more than FEW_ATOMS atoms several draws are made given each of fewer states: the tables of an atom's likelihood
    are what takes time.
    """
    sampler = Sampler(parts, posterior.design_effect, posterior.prior, active_bins(parts, posterior.anchors))
    times = 1 if len(sampler.group) <= FEW_ATOMS else TIMES
    for i in range(0, len(posterior.states), times):
        yield from sampler.draw(posterior.states[i], rng, min(times, len(posterior.states) - i))


def _moved_back(counts: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The sum (BINS,) over atoms of their counts (atoms, BINS), each moved back by its shift."""
    at = np.clip((np.arange(BINS)[None] - by[:, None] / STEP), 0, BINS - 1.001)
    low = at.astype(np.int64)
    part = at - low
    out = np.bincount(low.ravel(), (counts * (1 - part)).ravel(), minlength=BINS)
    return out + np.bincount((low + 1).ravel(), (counts * part).ravel(), minlength=BINS)


def _machine(
    found: np.ndarray, allocated: np.ndarray, prior: ShiftPrior, spread: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The machine density given the documents found: a mixture of known generators' densities, and a little freedom.

    A density that might lie anywhere could settle on human text of a shifted kind; where the atoms agree on it, it is
    believed more.
    """
    agreement = float(np.clip(1 / spread**2, 1.0, 8.0))
    found = found * min(1.0, agreement * MACHINE_FOUND / max(found.sum(), 1.0))
    weight = rng.dirichlet(CONCENTRATION * prior.weights + allocated)
    share = weight[:, None] * prior.profiles + 1e-12
    allocated = (share / share.sum(0)) @ found
    centre = rng.dirichlet(CONCENTRATION * prior.weights + allocated) @ prior.profiles
    free = min(FREE * agreement, 1.0)
    return smooth(rng.dirichlet(PROFILE_WEIGHT * centre + free * found + 1e-3)), weight, allocated


def _variety(drawn: Drawn, found: np.ndarray, prior: ShiftPrior, rng: np.random.Generator) -> tuple[float, float]:
    """How much the atoms' machine text differs: the spread of its shifts, the probability of a single profile.

    Parameters: found (atoms,), machine documents of each; an atom with few of them tells little
    """
    weight = np.minimum(found / ENOUGH_FOUND, 1.0)
    common = weight * ~drawn.single
    squares = SPREAD_FREEDOM + float((common * (drawn.machine_shift / prior.machine_shift) ** 2).sum())
    spread = float(np.clip(np.sqrt(squares / rng.chisquare(SPREAD_FREEDOM + common.sum())), LEAST_SPREAD, MOST_SPREAD))
    return min(spread, 1.5), float(rng.beta(1 + (weight * drawn.single).sum(), 1 + common.sum()))


def _group_shifts(
    shift: np.ndarray, atoms: Atoms, sd: np.ndarray, prior: ShiftPrior, rng: np.random.Generator
) -> np.ndarray:
    """The common shift (groups,) of each kind given its atoms' shifts and their sd (atoms,).

    Normal, all kinds a little shifted together.
    """
    groups = len(atoms.group_variance)
    variance = np.diag(atoms.group_variance) + prior.common**2
    precision = np.linalg.inv(variance + 1e-9 * np.eye(groups))
    precision += np.diag(np.bincount(atoms.group, 1 / sd**2, minlength=groups))
    covariance = np.linalg.inv(precision)
    mean = covariance @ np.bincount(atoms.group, shift / sd**2, minlength=groups)
    return mean + np.linalg.cholesky(covariance + 1e-12 * np.eye(groups)) @ rng.standard_normal(groups)


def _largest(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """At most MOST_ATOMS atoms: those of most documents of each kind first, then others at random."""
    if len(atoms) <= MOST_ATOMS:
        return atoms
    size = atoms.undecided.sum(1) + atoms.known_human.sum(1)
    order = np.lexsort((-size, atoms.group))
    rank = np.empty(len(atoms), np.int64)
    starts = np.searchsorted(atoms.group[order], np.arange(len(atoms.group_variance)))
    rank[order] = np.arange(len(atoms)) - starts[atoms.group[order]]
    first = rank < 2
    lot = np.where(first, 2.0, rng.random(len(atoms)) * np.minimum(size / 200, 1))
    return atoms.take(np.sort(np.argsort(-lot, kind="stable")[:MOST_ATOMS]))
