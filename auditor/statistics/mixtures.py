"""Loops over mixtures of two densities of many bodies of counts."""

from __future__ import annotations

import math

import numpy as np

from auditor.text.jit import kernel


# density (n, BINS), by (n, k), scale (n,): exp(-log-scale); centres (BINS,) -> (n, k, BINS)
@kernel
def moved_rows(density, by, scale, centres, step):
    """Each density moved by its shifts, its upper half stretched; rows sum to 1."""
    bins = centres.size
    out = np.empty((by.shape[0], by.shape[1], bins))
    for i in range(by.shape[0]):
        for k in range(by.shape[1]):
            total = 0.0
            for b in range(bins):
                units = centres[b] - by[i, k]
                if units > 0:
                    units *= scale[i]
                at = min(max((units - centres[0]) / step, 0.0), bins - 1.001)
                low = int(at)
                part = at - low
                value = (1 - part) * density[i, low] + part * density[i, low + 1]
                out[i, k, b] = value
                total += value
            for b in range(bins):
                out[i, k, b] /= total
    return out


# counts (n, BINS); human, machine (n, k, BINS), k = 1 where all rows share one; fraction (n, m), m = 1 likewise
# -> (n, max(k, m))
@kernel
def mixture_logs(counts, human, machine, fraction, tiny):
    """Log-likelihood of counts under (1 - a) h + a f; bins that are empty are passed over."""
    rows = max(human.shape[1], fraction.shape[1])
    out = np.zeros((counts.shape[0], rows))
    for i in range(counts.shape[0]):
        for b in range(counts.shape[1]):
            count = counts[i, b]
            if count == 0.0:
                continue
            for k in range(rows):
                h, a = min(k, human.shape[1] - 1), fraction[i, min(k, fraction.shape[1] - 1)]
                out[i, k] += count * math.log((1 - a) * human[i, h, b] + a * machine[i, h, b] + tiny)
    return out
