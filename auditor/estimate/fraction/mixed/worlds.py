"""Possible worlds: how human, assisted and machine-written text of an unknown corpus may score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor import streams
from auditor.estimate.fraction.counts import BINS, CENTRES
from auditor.estimate.fraction.mixed.library import Densities, Library, moved

TOUCHED = np.concatenate([[0, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.08, 0.1, 0.13, 0.16], np.linspace(0.2, 1, 17)])
SHARES = np.linspace(0, 1, 11)  # of assisted text among the touched
# Where runs of score bins begin: fine where the classes overlap.
EDGES = np.concatenate(
    [[-12.0, -2.5, -1.75, -1.25, -0.75], np.arange(-0.5, 3.51, 0.25), [4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0]]
)
STARTS = np.searchsorted(CENTRES, EDGES)
WORLDS, SEED = 1200, 24
FARTHEST = 0.5  # sd of the place of human scores in the worlds, in human units; a scope weighs them by its own
WITH_PLACE = 0.7  # how far assisted and machine text moves with the human text of its kind
# What an unknown editor or generator differs by from known ones, scale in human units: in half of the worlds little.
ALIKE, OTHER_EDITORS, OTHER_GENERATORS = 0.2, 0.6, 0.4
FREEDOM = 3.0  # of Student's t by which they differ: some editors' text scores like its draft, three sd below others'
UNSEEN = 0.7  # most assisted text that scores like its human draft, in half of the worlds
LIGHT, LIGHT_PLACE = 0.35, (0.5, 0.15)  # most human text that was edited lightly; how far it scores above the draft
MOST_HUMAN, MOST_ASSISTED, MOST_MACHINE = 3, 4, 5  # densities that a world mixes
TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Worlds:
    """log (worlds, touched, shares, runs) float32: log densities of the runs of bins; place (worlds,) of human text."""

    log: np.ndarray
    place: np.ndarray


def draw_worlds(library: Library, *, worlds: int = WORLDS, seed: int = SEED) -> Worlds:
    """Worlds drawn from a library: which domains, editors and generators a corpus may hold, and where its text scores.

    A world's human density mixes those of a few known domains and is moved as a whole; in half of the worlds a part of
    the human text was edited lightly, which counts as human. Its assisted and machine densities mix a few cells, of one
    source or of several, and differ from them somewhat; in half of the worlds part of the assisted text scores like its
    draft. The worlds do not depend on the corpus, so one table of them serves every scope.
    """
    rng = streams.rng(seed, "possible worlds")
    place = FARTHEST * rng.standard_normal(worlds)
    of_human, of_assisted, of_machine = (_by_source(own) for own in (library.human, library.assisted, library.machine))
    human, assisted, machine = (np.empty((worlds, BINS)) for _ in range(3))
    for i, by in enumerate(place):
        own = moved(_mixed(of_human, MOST_HUMAN, rng), by)
        human[i] = _partly(own, moved(own, rng.normal(*LIGHT_PLACE)), LIGHT, rng)
        edited = _differing(_mixed(of_assisted, MOST_ASSISTED, rng), by, OTHER_EDITORS, rng)
        assisted[i] = _partly(edited, own, UNSEEN, rng)
        machine[i] = _differing(_mixed(of_machine, MOST_MACHINE, rng), by, OTHER_GENERATORS, rng)
    h, g, f = (np.add.reduceat(part + TINY, STARTS, axis=1).astype(np.float32) for part in (human, assisted, machine))
    s = SHARES[None, :, None].astype(np.float32)
    t = TOUCHED[None, :, None, None].astype(np.float32)
    made = s * g[:, None] + (1 - s) * f[:, None]
    return Worlds(np.log((1 - t) * h[:, None, None] + t * made[:, None]), place)


def _differing(density: np.ndarray, place: float, other: float, rng: np.random.Generator) -> np.ndarray:
    """The density moved with the human text, and by what this editor or generator differs from known ones."""
    scale = other if rng.random() < 0.5 else ALIKE
    return moved(density, WITH_PLACE * place + scale * rng.standard_t(FREEDOM))


def _partly(density: np.ndarray, other: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """In half of the cases up to `most` of the density is the other one."""
    share = rng.uniform(0, most) if rng.random() < 0.5 else 0.0
    return (1 - share) * density + share * other


def _by_source(known: Densities) -> list[np.ndarray]:
    """The densities (k, BINS) of every source."""
    return [known.rows[rows] for rows in known.by_source()]


def _mixed(groups: Sequence[np.ndarray], most: int, rng: np.random.Generator) -> np.ndarray:
    """A mixture of up to `most` densities, in half of the cases of one source; every source is as likely."""
    count = int(rng.integers(1, most + 1))
    weights = rng.dirichlet(np.ones(count))
    sources = rng.integers(len(groups), size=count)
    if rng.random() < 0.5:
        sources[:] = sources[0]
    return weights @ np.stack([groups[source][rng.integers(len(groups[source]))] for source in sources])
