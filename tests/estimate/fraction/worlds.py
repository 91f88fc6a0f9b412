"""Made-up corpora for the estimator: scores of human and machine text in human units, kinds that are shifted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auditor.estimate.fraction.anchors import Anchors, AnchorSet, Trust
from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.bundled import Calibration
from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.shift_prior import ShiftPrior, learn_shift_prior

MACHINE = 2.6


def human_scores(n, rng, shift=0.0):
    return rng.normal(shift, 1.0, n)


def machine_scores(n, rng, shift=0.0):
    return rng.normal(MACHINE + shift, 1.0, n)


def mixed(fraction, n, rng, shift=0.0):
    machine = round(fraction * n)
    return np.concatenate([human_scores(n - machine, rng, shift), machine_scores(machine, rng, shift)])


def calibration(rng, **spreads) -> Calibration:
    """Eight domains and twelve generators seen before; neither is the corpus' own."""
    human = [rng.normal(0, 1, 400) for _ in range(8)]
    machine = [
        ScoreCounts.of(rng.normal(centre, 1.1, 300)).histogram[0].astype(float) for centre in np.linspace(1.6, 4.0, 12)
    ]
    prior = learn_shift_prior(human, [[counts] for counts in machine], spreads)
    return Calibration({}, {"en": prior, "": prior}, sum(machine, np.zeros(BINS)))


def atoms(
    shards: Mapping[str, np.ndarray],
    *,
    kinds: Mapping[str, str] | None = None,
    groups: np.ndarray | None = None,
    tokens: np.ndarray | None = None,
    variance: float = 0.03,
    uncovered: float = 0.0,
) -> dict[str, Atoms]:
    """One atom a shard; `kinds` names each shard's kind of text, else all are of one."""
    names = list(shards)
    own = [(kinds or {}).get(name, "en/plain") for name in names]
    order = tuple(dict.fromkeys(own))
    scope = np.repeat(np.arange(len(names)), [len(shards[name]) for name in names])
    counts = ScoreCounts.of(
        np.concatenate([shards[name] for name in names]), scope_of=scope, scopes=names, groups=groups, tokens=tokens
    )
    none = np.zeros((len(names), BINS))
    return {
        "en": Atoms(
            counts,
            np.arange(len(names)),
            np.array([order.index(kind) for kind in own]),
            order,
            np.full(len(order), variance),
            np.full(len(names), uncovered),
            none,
            none,
            none,
        )
    }


def reference(n, rng, *, kind="en/plain", trust=Trust.REFERENCE, scores=None) -> AnchorSet:
    found = human_scores(n, rng) if scores is None else scores
    return AnchorSet(trust.name.lower(), trust, ScoreCounts.of(found, scopes=[kind]))


def anchors(*human: AnchorSet, rng, **spreads) -> Anchors:
    return Anchors(tuple(human), (), calibration(rng, **spreads))


def narrow_prior(rng) -> ShiftPrior:
    return calibration(rng, within=0.05, uncovered=0.3).prior("en")
