"""Atoms: the documents of one kind of text within one scope, whose human scores may be shifted as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.estimate.fraction.counts import CENTRES, ScoreCounts
from auditor.estimate.fraction.kind_units import REST
from auditor.estimate.fraction.shift_prior import ShiftPrior
from auditor.statistics.resampling import design_effect

LEAST_DOCUMENTS = 150  # of one kind within a scope that make an atom of their own


@dataclass(frozen=True, slots=True, eq=False)
class Atoms:
    """Documents by atom, resampling unit and bin of the score in human units.

    counts: all documents, its scopes are the atoms; scope (atoms,) position of the atom's scope; group (atoms,)
    position of its kind in `groups`, names of kinds; group_variance (groups,): how uncertain the location of the
    kind's human scores is, in human units; uncovered (atoms,): share of the atom's documents whose kind no anchor
    covers; known_human, labelled_human, labelled_machine (atoms, BINS): documents of the atom that are known to be
    human by
    their date, and those that people labelled (drawn by score, so that they tell of P(machine | score) alone)
    """

    counts: ScoreCounts
    scope: np.ndarray
    group: np.ndarray
    groups: tuple[str, ...]
    group_variance: np.ndarray
    uncovered: np.ndarray
    known_human: np.ndarray
    labelled_human: np.ndarray
    labelled_machine: np.ndarray

    def __len__(self) -> int:
        return len(self.scope)

    @property
    def undecided(self) -> np.ndarray:
        """Documents (atoms, BINS) whose origin nobody knows."""
        return self.counts.histogram - self.known_human

    @property
    def covered(self) -> float:
        """Share of all documents whose kind anchors cover."""
        sizes = self.counts.sizes
        return 1 - float((self.uncovered * sizes).sum()) / max(float(sizes.sum()), 1.0)

    def own_sd(self, prior: ShiftPrior) -> np.ndarray:
        """Prior sd (atoms,) of each atom's shift about its kind's."""
        return np.sqrt(prior.within**2 + self.uncovered * prior.uncovered**2)

    def design_effect(self) -> float:
        """Documents per independent document: of the mean score within atoms, averaged by size."""
        sizes = self.counts.sizes
        weight = np.clip(CENTRES, -3, 3)
        effects = [design_effect(units, weight) for units in self.counts.documents[sizes > 0]]
        return float(np.average(effects, weights=sizes[sizes > 0])) if effects else 1.0

    def __add__(self, other: Atoms) -> Atoms:
        """The atoms of both, one after the other; groups of one name are one group."""
        groups = tuple(dict.fromkeys([*self.groups, *other.groups]))
        variance = dict(zip(other.groups, other.group_variance, strict=True))
        variance |= dict(zip(self.groups, self.group_variance, strict=True))
        place = np.array([groups.index(name) for name in other.groups], np.int64)
        counts = self.counts + other.counts
        return Atoms(
            counts,
            np.concatenate([self.scope, other.scope]),
            np.concatenate([self.group, place[other.group]]),
            groups,
            np.array([variance[name] for name in groups]),
            np.concatenate([self.uncovered, other.uncovered]),
            np.concatenate([self.known_human, other.known_human]),
            np.concatenate([self.labelled_human, other.labelled_human]),
            np.concatenate([self.labelled_machine, other.labelled_machine]),
        )

    def take(self, rows: Sequence[int] | np.ndarray) -> Atoms:
        """The atoms at these positions."""
        rows = np.asarray(rows, np.int64)
        return Atoms(
            self.counts.take(rows),
            self.scope[rows],
            self.group[rows],
            self.groups,
            self.group_variance,
            self.uncovered[rows],
            self.known_human[rows],
            self.labelled_human[rows],
            self.labelled_machine[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A corpus cut into scopes: their names, and the atoms of each by language (`scope` is a position in `scopes`)."""

    scopes: Sequence[str]
    atoms: Mapping[str, Atoms]


def atoms_of(sizes: pl.DataFrame) -> pl.DataFrame:
    """Which documents make an atom: one row for each scope and kind, with columns atom and group added.

    The kinds with LEAST_DOCUMENTS within a scope are atoms of their own, the others of the same language one atom
    together, of the group "LANGUAGE/rest"; too few of these join the scope's largest atom of the language. Atoms are
    named SCOPE, a tab, group.

    Parameters: sizes, columns scope, language, kind, n
    """
    large = pl.col("n") >= LEAST_DOCUMENTS
    key = ["scope", "language"]
    rest = pl.concat_str(pl.col("language"), pl.lit(f"/{REST}"))
    frame = sizes.sort([*key, "kind"]).with_columns(
        large=large,
        left=pl.when(large).then(0).otherwise(pl.col("n")).sum().over(key),
        largest=pl.col("kind").sort_by("n", descending=True).first().over(key),
        any_large=large.any().over(key),
    )
    join = pl.col("any_large") & (pl.col("left") < LEAST_DOCUMENTS)
    group = pl.when("large").then("kind").when(join).then("largest").otherwise(rest)
    frame = frame.with_columns(group=group)
    return frame.with_columns(atom=pl.concat_str("scope", pl.lit("\t"), "group")).select(
        "scope", "language", "kind", "n", "group", "atom"
    )
