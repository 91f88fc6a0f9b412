"""Draws from the joint posterior of both score densities and all shards' fractions: Hamiltonian Monte Carlo."""

from __future__ import annotations

import numpy as np

from auditor.estimate.fraction.checks.overlap import LEAST_AREA, MOST_AREA, SEPARATED
from auditor.text.jit import kernel

LEAPS = 12
CENTRE, CENTRE_SPREAD = -3.0, 2.0  # of the shards' log-odds, before any is seen: 5%, from .1% to 73%


@kernel
def _softmax(x):
    p = np.exp(x - x.max())
    return p / p.sum()


# z (k,) = [human | shifts of each anchor set | machine | centre | overlap | shards], all N(0, 1) a priori;
# shards (s, bins); anchors (o, bins); known (bins,) pseudo-counts of machine text; base_h, base_f (bins,) logs;
# root_h (bins, kh), root_f (bins, kf) roots of prior covariances; moves (o, bins, 2) change of an anchor set's log
# density with its location and scale; spread: sd of the shards' log-odds about the centre; overlap (3,): see
# DensityPrior -> (log posterior, gradient (k,))
@kernel
def log_posterior(z, shards, anchors, known, base_h, base_f, root_h, root_f, moves, spread, overlap):
    """Log posterior density, and its gradient, of the hierarchical mixture.

    n_s ~ Multinomial((1-a_s) h + a_s f), f = (1-k) g + k h, anchors_o ~ Multinomial(h moved by a residual shift),
    logit a_s = centre + spread z_s, log h and log g Gaussian about what past domains and generators have shown,
    logit k Gaussian about a line in the log-odds of the area under the ROC curve of g against h.
    """
    s, bins = shards.shape
    o, kh, kf = len(anchors), root_h.shape[1], root_f.shape[1]
    at_g = kh + 2 * o
    at_c = at_g + kf
    gradient = -z.copy()
    value = -0.5 * (z * z).sum()
    x = base_h + root_h @ z[:kh]
    h = _softmax(x)
    g = _softmax(base_f + root_f @ z[at_g:at_c])
    k, by_area, below, above = human_like_share(h, g, overlap, z[at_c + 1])
    f = (1 - k) * g + k * h
    by_h, by_f, direct = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    centre = CENTRE + CENTRE_SPREAD * z[at_c]
    for i in range(s):
        a = 1 / (1 + np.exp(-(centre + spread * z[at_c + 2 + i])))
        slope = 0.0
        for b in range(bins):
            n = shards[i, b]
            if n > 0:
                mixed = (1 - a) * h[b] + a * f[b] + 1e-300
                value += n * np.log(mixed)
                by_h[b] += n * (1 - a) / mixed
                by_f[b] += n * a / mixed
                slope += n * (f[b] - h[b]) / mixed
        slope *= a * (1 - a)
        gradient[at_c] += CENTRE_SPREAD * slope
        gradient[at_c + 2 + i] += spread * slope
    for j in range(o):
        moved = _softmax(x + moves[j] @ z[kh + 2 * j : kh + 2 * j + 2])
        residual = anchors[j] - anchors[j].sum() * moved
        for b in range(bins):
            if anchors[j, b] > 0:
                value += anchors[j, b] * np.log(moved[b] + 1e-300)
        direct += residual
        gradient[kh + 2 * j : kh + 2 * j + 2] += moves[j].T @ residual
    for b in range(bins):
        value += known[b] * np.log(f[b] + 1e-300)
        by_f[b] += known[b] / (f[b] + 1e-300)
    by_k = k * (1 - k) * (by_f * (h - g)).sum()
    gradient[at_c + 1] += overlap[2] * by_k
    by_h += k * by_f + by_k * by_area * above
    by_g = (1 - k) * by_f + by_k * by_area * below
    gradient[:kh] += root_h.T @ (h * (by_h - (by_h * h).sum()) + direct)
    gradient[at_g:at_c] += root_f.T @ (g * (by_g - (by_g * g).sum()))
    return value, gradient


# h, g (bins,), overlap (3,), z standard normal -> (k, d logit k / d area, d area / d g (bins,), d area / d h (bins,))
@kernel
def human_like_share(h, g, overlap, z):
    """The share of machine text that scores like human text, given how well the rest is told from it."""
    below = np.cumsum(h) - h / 2
    above = 1 - np.cumsum(g) + g / 2
    area = (g * below).sum()
    inside = min(max(area, LEAST_AREA), MOST_AREA)
    odds = np.log(inside / (1 - inside)) - SEPARATED
    by_area = overlap[1] / (inside * (1 - inside)) if inside == area else 0.0
    return 1 / (1 + np.exp(-(overlap[0] + overlap[1] * odds + overlap[2] * z))), by_area, below, above


# start (k,); whiten (k, k); noise (steps, k) normal, uniforms (steps, 2); size: first step; tune: adapt it
# -> chain (steps, k), mean acceptance, step size
@kernel
def hamiltonian(start, whiten, noise, uniforms, size, tune, model):
    """Hamiltonian Monte Carlo in whitened coordinates.

    References: Neal 2011, section 5.3; step size: Robbins & Monro 1951, to an acceptance of .8 (Hoffman & Gelman 2014)
    """
    steps, k = noise.shape
    out = np.empty((steps, k))
    here = start.copy()
    value, slope = log_posterior(here, *model)
    accepted = 0.0
    for i in range(steps):
        momentum = noise[i].copy()
        energy = 0.5 * (momentum * momentum).sum() - value
        step = size * (0.7 + 0.6 * uniforms[i, 0])
        there, there_value, there_slope = here.copy(), value, slope.copy()
        momentum += 0.5 * step * (whiten.T @ there_slope)
        for leap in range(LEAPS):
            there += step * (whiten @ momentum)
            there_value, there_slope = log_posterior(there, *model)
            momentum += (0.5 if leap == LEAPS - 1 else 1.0) * step * (whiten.T @ there_slope)
        change = energy - 0.5 * (momentum * momentum).sum() + there_value
        chance = np.exp(min(0.0, change)) if np.isfinite(change) else 0.0
        if uniforms[i, 1] < chance:
            here, value, slope = there, there_value, there_slope
        if tune:
            size *= np.exp((chance - 0.8) / np.sqrt(1.0 + i / 4))
            size = min(max(size, 1e-4), 0.5)
        accepted += chance / steps
        out[i] = here
    return out, accepted, size
