"""Score densities of human and machine text, learned jointly over all shards with the machine side unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.estimate.counts import GROUPS, coarse_bins
from auditor.statistics.resampling import group_weights
from auditor.text.jit import kernel


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Draws of the two densities on runs of grid bins: what all scopes share, so comparisons cancel its error.

    starts (bins,); human, machine (draws, bins) rows sum to 1; design_effect: documents per independent document
    """

    starts: np.ndarray
    human: np.ndarray
    machine: np.ndarray
    design_effect: float

    def runs(self, histogram: np.ndarray) -> np.ndarray:
        """A histogram (..., BINS) on the fit's own bins."""
        return np.add.reduceat(histogram, self.starts, axis=-1)

    @property
    def separation(self) -> float:
        """Total-variation distance between the mean densities: 0 where scores say nothing."""
        return 0.5 * float(np.abs(self.human.mean(0) - self.machine.mean(0)).sum())


@kernel
def joint_em(shards, anchors, prior, weight, steps):
    """shards (s, bins), anchors (bins,), prior (bins,) a machine density -> (human, machine) densities (bins,)."""
    s, bins = shards.shape
    a = np.full(s, 0.1)
    h = (anchors + 0.5) / (anchors + 0.5).sum()
    f = prior / prior.sum()
    for _ in range(steps):
        new_f = weight * prior
        new_h = anchors + 0.5
        for i in range(s):
            machine_total, total = 0.0, 0.0
            for b in range(bins):
                p = a[i] * f[b]
                share = p / (p + (1 - a[i]) * h[b])
                new_f[b] += shards[i, b] * share
                new_h[b] += shards[i, b] * (1 - share)
                machine_total += shards[i, b] * share
                total += shards[i, b]
            if total > 0:
                a[i] = machine_total / total
        f = new_f / new_f.sum()
        h = new_h / new_h.sum()
        # irreducibility: a machine density that contains some of the human one says nothing; take that part out
        k, below_f, below_h = 0.9, 0.0, 0.0
        for b in range(bins):
            below_f += f[b]
            below_h += h[b]
            if below_h < 0.9:
                k = min(k, below_f / below_h)
        f = np.maximum(f - k * h, 1e-9)
        f /= f.sum()
        a *= 1 - k
    return h, f


def fit_densities(
    shards: np.ndarray, human: np.ndarray, machine: np.ndarray, rng: np.random.Generator, *, draws: int, bins: int
) -> Fit:
    """shards (s, GROUPS, BINS), human (GROUPS, BINS), machine (families, BINS): bootstrap draws of both densities."""
    pooled = shards.sum((0, 1)) + human.sum(0)
    starts = coarse_bins(pooled, bins)
    target = np.add.reduceat(shards, starts, axis=-1).astype(float)
    anchors = np.add.reduceat(human, starts, axis=-1).astype(float)
    priors = np.add.reduceat(machine, starts, axis=-1) + 0.5
    priors /= priors.sum(1, keepdims=True)
    shard_weights, anchor_weights = group_weights(GROUPS, draws, rng), group_weights(GROUPS, draws, rng)
    family_weights = rng.dirichlet(np.ones(len(priors)), size=draws)
    h, f = np.empty((draws, len(starts))), np.empty((draws, len(starts)))
    for d in range(draws):
        resampled = np.tensordot(target, shard_weights[d], axes=(1, 0))
        h[d], f[d] = joint_em(resampled, anchor_weights[d] @ anchors, family_weights[d] @ priors, 20.0, 200)
    return Fit(starts, h, f, 1.0)
