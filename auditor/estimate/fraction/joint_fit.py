"""Two audits fitted together: one draw of the score densities for both, so that the error they share cancels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor import streams
from auditor.estimate.fraction.anchors import Anchors, AnchorSet
from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.bundled import Calibration
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.prevalence import estimate_prevalence
from auditor.estimate.fraction.scopes import LEAST_SEPARATION, PrevalenceOptions
from auditor.records import Estimate

MOST_APART = 0.1  # human units
FRACTIONS = ("synthetic_fraction", "synthetic_fraction_tokens")
METHOD = "joint_fit"
CORPUS = ("", "")


class Unpaired(Exception):
    """Two audits share no evidence that could cancel; says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """Changes from one fit over two audits: draws (draws,) and the misfit by which they are widened.

    By quantity and the shards compared, CORPUS for the whole. The error of anchors, of the machine density and of
    documents that stand in both audits is the same in both sides of each draw, so it cancels.
    """

    changes: Mapping[tuple[str, tuple[str, str]], tuple[np.ndarray, float]]

    def change(self, quantity: str, shards: tuple[str, str], level: float) -> Estimate | None:
        """The change of a quantity, None if the fit lacks these shards."""
        if (quantity, shards) not in self.changes:
            return None
        draws, misfit = self.changes[quantity, shards]
        lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        low, high = float(lower - misfit), float(upper + misfit)
        return Estimate(float(np.median(draws)), low, high, level, METHOD, len(draws))


def pair(
    a: Evidence,
    b: Evidence,
    contents: tuple[Mapping[str, str], Mapping[str, str]],
    *,
    calibration: Calibration,
    shards: Sequence[tuple[str, str]] = (),
    seed: int = 0,
    options: PrevalenceOptions = PrevalenceOptions(),
) -> Paired:
    """Fit two audits that were measured with one ensemble together.

    Parameters: contents, digest of each shard's documents by its name, of both: equal ones are counted once, and their
        error cancels too; shards, those to compare beside the whole
    Raises: Unpaired, with the reason, where nothing would cancel
    """
    _same_units(a, b)
    twins = _twins(a.shards, b.shards, contents)
    names = [f"a{name}" for name in a.shards] + [f"b{name}" for name in b.shards if name not in twins]
    place = {name: i for i, name in enumerate(names)}
    atoms = _joined(a, b, twins, place)
    anchors = Anchors(_shared(a.human, b.human, bool(twins)), _shared(a.machine, b.machine, False), calibration)
    rng = streams.rng(seed, "joint fit")
    found = estimate_prevalence(atoms, names, anchors, rng, options=options)
    if not found.posteriors:
        raise Unpaired("nothing to estimate from")
    sizes = found.shards.histogram.sum(1)
    there = {name: f"a{twins[name]}" if name in twins else f"b{name}" for name in b.shards}
    sides = [place[f"a{name}"] for name in a.shards], [place[there[name]] for name in b.shards]
    separation = min(p.separation for p in found.posteriors.values())
    changes = {}
    for quantity, each in (
        (FRACTIONS[0], found.shards.replicates),
        (FRACTIONS[1], found.shards.token_replicates),
    ):
        whole = [each[:, rows] @ (sizes[rows] / max(sizes[rows].sum(), 1)) for rows in sides]
        changes[quantity, CORPUS] = whole[1] - whole[0], 0.0
        for first, second in shards:
            at, to = place.get(f"a{first}"), place.get(there.get(second, ""))
            if at is not None and to is not None:
                misfit = 0.0 if at == to else _root(found.shards.misfit[[at, to]], separation)
                changes[quantity, (first, second)] = each[:, to] - each[:, at], misfit
    return Paired(changes)


def _same_units(a: Evidence, b: Evidence) -> None:
    """Scores of both are in one unit if both place the human scores of every kind of text that both know alike."""
    apart = [abs(a.shift[kind] - b.shift[kind]) for kind in a.shift.keys() & b.shift.keys()]
    if apart and max(apart) > MOST_APART:
        raise Unpaired("their human anchors place the scores of a kind of text differently")


def _joined(a: Evidence, b: Evidence, twins: Mapping[str, str], place: Mapping[str, int]) -> dict[str, Atoms]:
    """The atoms of both audits by language, each document once; groups of one name are one group."""
    out: dict[str, Atoms] = {}
    for side, evidence in (("a", a), ("b", b)):
        for language, own in evidence.atoms.items():
            names = [f"{side}{evidence.shards[i]}" for i in own.scope]
            kept = np.flatnonzero([name in place for name in names])
            scope = np.array([place[names[i]] for i in kept], np.int64)
            fresh = replace(own.take(kept), scope=scope)
            marked = tuple(side + name for name in fresh.counts.scopes)
            counts = fresh.counts
            fresh = replace(fresh, counts=ScoreCounts(marked, counts.documents, counts.tokens, counts.unscored))
            out[language] = fresh if language not in out else out[language] + fresh
    return out


def _root(misfit: np.ndarray, separation: float) -> float:
    """Misfits of several scopes as one, in units of the fraction."""
    return float(np.hypot.reduce(misfit)) / max(separation, LEAST_SEPARATION)


def _twins(a: Sequence[str], b: Sequence[str], contents: tuple[Mapping[str, str], Mapping[str, str]]) -> dict[str, str]:
    """Shards of b with exactly the documents of a shard of a: their names in a."""
    there = {contents[0].get(name): name for name in a if contents[0].get(name)}
    found: dict[str, str] = {}
    for name in b:
        other = there.get(contents[1].get(name, ""))
        if other is not None and other not in found.values():
            found[name] = other
    return found


def _shared(a: Sequence[AnchorSet], b: Sequence[AnchorSet], overlapping: bool) -> tuple[AnchorSet, ...]:
    """The anchors of both, each document once.

    Sets that differ come from the corpora themselves (dated, labelled): where these overlap the larger is taken, for
    it mostly holds the other; where they don't, nothing is shared. References must be one and the same.
    """
    ours, theirs = ({anchors.origin: anchors for anchors in side if anchors.size} for side in (a, b))
    out = []
    for origin in sorted(ours.keys() | theirs.keys()):
        first, second = ours.get(origin), theirs.get(origin)
        same = first is not None and second is not None and _equal(first.counts, second.counts)
        if not same and (origin == "reference" or not overlapping):
            raise Unpaired(f"their anchors ({origin}) are not the same documents")
        out.append(max((s for s in (first, second) if s is not None), key=lambda s: s.size))
    return tuple(out)


def _equal(a: ScoreCounts, b: ScoreCounts) -> bool:
    return a.scopes == b.scopes and np.array_equal(a.documents, b.documents)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a posterior rests on, kept with the audit so that two audits can be fitted together.

    shards, their names; atoms, of the shards, by language; human, machine: the audit's own anchors (the calibration
    comes with the detectors); shift: by kind of text, where its human scores lie in bundled human units
    """

    shards: tuple[str, ...]
    atoms: Mapping[str, Atoms]
    human: tuple[AnchorSet, ...]
    machine: tuple[AnchorSet, ...]
    shift: Mapping[str, float]

    @property
    def sizes(self) -> np.ndarray:
        """Scored documents (shards,)."""
        out = np.zeros(len(self.shards))
        for own in self.atoms.values():
            out += np.bincount(own.scope, own.counts.sizes, minlength=len(out))
        return out
