"""The share of machine text in each scope, given the two densities of scores: exact for any number of documents."""

from __future__ import annotations

import numpy as np

from auditor.text.jit import kernel

POINTS = 49  # of the grid on which each posterior is tabulated
DEEP = 16.0  # log-likelihood below the maximum that is left out: e^-16


@kernel
def _slope(counts, human, machine, a):
    total = 0.0
    for b in range(len(counts)):
        if counts[b] > 0:
            total += counts[b] * (machine[b] - human[b]) / (human[b] + a * (machine[b] - human[b]))
    return total


@kernel
def _height(counts, human, machine, a):
    total = 0.0
    for b in range(len(counts)):
        if counts[b] > 0:
            total += counts[b] * np.log(human[b] + a * (machine[b] - human[b]))
    return total


@kernel
def _mode(counts, human, machine):
    """Maximum of the likelihood of a in [0, 1]: it is concave, so Newton's steps within a shrinking bracket find it."""
    if _slope(counts, human, machine, 0.0) <= 0:
        return 0.0
    if _slope(counts, human, machine, 1.0) >= 0:
        return 1.0
    low, high, a = 0.0, 1.0, 0.1
    for _ in range(60):
        slope, bend = 0.0, 0.0
        for b in range(len(counts)):
            if counts[b] > 0:
                gain = (machine[b] - human[b]) / (human[b] + a * (machine[b] - human[b]))
                slope += counts[b] * gain
                bend += counts[b] * gain * gain
        if slope > 0:
            low = a
        else:
            high = a
        step = a + slope / bend
        if not (low < step < high):
            step = (low + high) / 2
        if abs(step - a) < 1e-8:
            return step
        a = step
    return a


@kernel
def _reach(counts, human, machine, mode, end):
    """Where between the mode and the end (0 or 1) the log-likelihood has fallen by DEEP."""
    floor = _height(counts, human, machine, mode) - DEEP
    if _height(counts, human, machine, end) >= floor:
        return end
    near, far = mode, end
    for _ in range(14):
        middle = (near + far) / 2
        if _height(counts, human, machine, middle) >= floor:
            near = middle
        else:
            far = middle
    return far


# counts (scopes, bins); human, machine (draws, bins); centre (draws,) and spread of the log-odds a priori, spread 0
# for a flat prior of the fraction; uniforms (draws, scopes) in (0, 1) -> draws and modes (draws, scopes)
@kernel
def draw_fractions(counts, human, machine, centre, spread, uniforms):
    """One draw of every scope's fraction from its posterior, for every draw of the densities.

    L(a) = prod_b [(1-a) h_b + a f_b]^n_b times the prior, tabulated in u = a^(1/4), fine near 0, inverted: no normal
    approximation, ten documents are as right as ten million.
    """
    draws, scopes = uniforms.shape
    out, modes = np.empty((draws, scopes)), np.empty((draws, scopes))
    mass = np.empty(POINTS)
    for d in range(draws):
        for s in range(scopes):
            mode = _mode(counts[s], human[d], machine[d])
            modes[d, s] = mode
            low = _reach(counts[s], human[d], machine[d], mode, 0.0) ** 0.25
            high = _reach(counts[s], human[d], machine[d], mode, 1.0) ** 0.25
            step = (high - low) / POINTS
            top = _height(counts[s], human[d], machine[d], mode)
            best = -np.inf
            for i in range(POINTS):
                u = low + (i + 0.5) * step
                a = u**4
                mass[i] = _height(counts[s], human[d], machine[d], a) - top
                if spread > 0:
                    odds = np.log(max(a, 1e-300)) - np.log(max(1 - a, 1e-12))
                    mass[i] -= 0.5 * ((odds - centre[d]) / spread) ** 2 + np.log(u * max(1 - a, 1e-12))
                else:
                    mass[i] += 3 * np.log(u)
                best = max(best, mass[i])
            total = 0.0
            for i in range(POINTS):
                mass[i] = np.exp(mass[i] - best)
                total += mass[i]
            left = uniforms[d, s] * total
            i = 0
            while i < POINTS - 1 and left > mass[i]:
                left -= mass[i]
                i += 1
            out[d, s] = (low + (i + min(left / max(mass[i], 1e-300), 1.0)) * step) ** 4
    return out, modes


# counts (scopes, bins); human, machine (bins,) -> (scopes,)
@kernel
def likeliest_fractions(counts, human, machine):
    """Maximum-likelihood fraction of every scope (0 where it has no documents)."""
    out = np.zeros(len(counts))
    for s in range(len(counts)):
        out[s] = _mode(counts[s], human, machine)
    return out


def machine_probability(fractions: np.ndarray, human: np.ndarray, machine: np.ndarray) -> np.ndarray:
    """P(machine | bin) (..., scopes, bins) by Bayes' rule with each scope's own fraction (..., scopes) as prior.

    Parameters: human, machine (..., bins), the densities of each draw
    """
    a = np.asarray(fractions, float)[..., None]
    joint = a * machine[..., None, :]
    return joint / np.maximum(joint + (1 - a) * human[..., None, :], 1e-300)


def realised_fractions(
    counts: np.ndarray, weights: np.ndarray, probability: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws (..., scopes) of the share in the very documents of a scope, not in what they were drawn from.

    A shard is a finite population: given the densities and its fraction, the n_b documents of a bin hold a
    Binomial(n_b, P(machine | b)) number of machine-written ones. weights (..., scopes, bins) are
    documents, or tokens for the twin; probability (..., scopes, bins).

    References: Little 2004, section 4 (prediction of a finite population total)
    """
    drawn = rng.binomial(counts.astype(np.int64), np.clip(probability, 0.0, 1.0))
    share = np.where(counts > 0, drawn / np.maximum(counts, 1), probability)
    return (share * weights).sum(-1) / np.maximum(weights.sum(-1), 1e-300)
