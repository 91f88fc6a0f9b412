"""Two audits fitted together: one draw of the score densities for both, so that the error they share cancels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor.estimate.fraction.anchors import AnchorSet
from auditor.estimate.fraction.bundled import bundled_anchors, with_bundled
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.evidence import FEW_SHARDS, Evidence
from auditor.estimate.fraction.mixture import LEAST_SEPARATION, Fit
from auditor.estimate.fraction.prevalence import PrevalenceOptions, estimate_prevalence, estimate_scopes
from auditor.records import Estimate

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
        """The change of a quantity, None where the fit has not these shards."""
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
    calibration: Mapping[str, Any],
    shards: Sequence[tuple[str, str]] = (),
    seed: int = 0,
    options: PrevalenceOptions = PrevalenceOptions(),
) -> Paired:
    """Fit two audits that were measured with one ensemble together.

    Parameters: contents, digest of each shard's documents by its name, of both: equal ones are counted once, and their
        error cancels too; shards, those to compare beside the whole
    Raises: Unpaired, with the reason, where nothing would cancel or the fit fails
    """
    twins = _twins(a.target, b.target, contents)
    fresh = b.target.take([i for i, name in enumerate(b.target.scopes) if name not in twins])
    target = _marked(a.target, "a") + _marked(fresh, "b")
    anchors = with_bundled(
        _shared(a.human, b.human, bool(twins)),
        _shared(a.machine, b.machine, False),
        bundled_anchors(calibration),
    )
    cells = {name: a.cells.get(name, 0.0) + b.cells.get(name, 0.0) for name in a.cells | b.cells}
    rng = np.random.default_rng([seed, 17])
    found = estimate_prevalence(target, anchors, rng, options=options, cells=cells, parts=_parts(a, b, fresh, twins))
    if found.fit is None or found.fit.failure:
        raise Unpaired((found.fit.failure if found.fit else "") or "nothing to estimate from")
    rows = {
        "both": list(twins.values()),
        "a": [n for n in a.target.scopes if n not in twins.values()],
        "b": list(fresh.scopes),
    }
    groups = _pools(target, rows)
    pooled = estimate_scopes(found.fit, groups, rng, options=options)
    changes = {}
    for quantity, whole, each, counts in (
        (FRACTIONS[0], pooled.replicates, found.shards.replicates, groups.documents),
        (FRACTIONS[1], pooled.token_replicates, found.shards.token_replicates, groups.tokens),
    ):
        weights = _weights(counts.sum((1, 2)).astype(float))
        changes[quantity, CORPUS] = whole @ weights, _root(weights * pooled.misfit, found.fit)
        for first, second in shards:
            at, to = f"a{first}", f"a{twins[second]}" if second in twins else f"b{second}"
            if {at, to} <= set(target.scopes):
                x, y = target.scopes.index(at), target.scopes.index(to)
                misfit = 0.0 if x == y else _root(found.shards.misfit[[x, y]], found.fit)
                changes[quantity, (first, second)] = each[:, y] - each[:, x], misfit
    return Paired(changes)


def _weights(sizes: np.ndarray) -> np.ndarray:
    """What the share of each pool (both, a alone, b alone) counts in the change from a to b."""
    both, a, b = sizes
    return np.array([both, 0, b]) / max(both + b, 1) - np.array([both, a, 0]) / max(both + a, 1)


def _root(misfit: np.ndarray, fit: Fit) -> float:
    """Misfits of several scopes as one, in units of the fraction."""
    return float(np.hypot.reduce(misfit)) / max(fit.separation, LEAST_SEPARATION)


def _twins(a: ScoreCounts, b: ScoreCounts, contents: tuple[Mapping[str, str], Mapping[str, str]]) -> dict[str, str]:
    """Shards of b that hold the very documents of a shard of a: their names there."""
    there = {contents[0].get(name): name for name in a.scopes if contents[0].get(name)}
    found: dict[str, str] = {}
    for name in b.scopes:
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


def _parts(a: Evidence, b: Evidence, fresh: ScoreCounts, twins: Mapping[str, str]) -> ScoreCounts | None:
    """What the densities are learned from where shards are few: both cut otherwise, no document twice."""
    if len(a.target.scopes) + len(fresh.scopes) >= FEW_SHARDS or (a.parts is None and b.parts is None):
        return None
    if twins and b.parts is not None:
        own = [i for i, name in enumerate(a.target.scopes) if name not in twins.values()]
        return _marked(a.target.take(own), "a") + _marked(b.parts, "b")
    rest = fresh if twins or b.parts is None else b.parts
    return _marked(a.parts if a.parts is not None else a.target, "a") + _marked(rest, "b")


def _marked(counts: ScoreCounts, side: str) -> ScoreCounts:
    return ScoreCounts(tuple(side + name for name in counts.scopes), counts.documents, counts.tokens, counts.unscored)


def _pools(target: ScoreCounts, names: Mapping[str, Sequence[str]]) -> ScoreCounts:
    """Three scopes: documents of both audits, of the first alone, of the second alone."""
    place = {name: i for i, name in enumerate(target.scopes)}
    out = ScoreCounts.empty([])
    for key, listed in names.items():
        side = "b" if key == "b" else "a"
        out = out + target.take([place[side + name] for name in listed]).pooled(key)
    return out
