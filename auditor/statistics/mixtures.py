"""Loops over mixtures of two densities of many bodies of counts: a place on a grid drawn for each, likelihoods."""

from __future__ import annotations

import math

import numpy as np

from auditor.text.jit import kernel

# A cell this far below the likeliest one moves no cumulative sum: exp(-60) is less than a double's last bit of it.
NEGLIGIBLE = -60.0


# log (atoms, cells) float32; prior (scales * variants * fractions,); human (atoms, nodes * scales), machine (atoms,
# nodes * variants), answers (atoms, fractions): of documents of known origin, without columns if there are none; node
# (atoms, nodes); shape: nodes, scales, variants, fractions; chance (times, atoms) -> places (times, atoms)
@kernel
def drawn_places(log, prior, human, machine, answers, node, shape, chance):
    """Places drawn in proportion to exp of the sum of all terms."""
    nodes, scales, variants, fractions = shape
    told = human.shape[1] > 0
    out = np.empty(chance.shape, np.int64)
    row = np.empty(log.shape[1])
    for atom in range(log.shape[0]):
        cell, most = 0, -np.inf
        for n in range(nodes):
            at = 0
            for s in range(scales):
                for v in range(variants):
                    for a in range(fractions):
                        value = np.float64(log[atom, cell])
                        if told:
                            known = human[atom, n * scales + s] + machine[atom, n * variants + v]
                            value += known + answers[atom, a]
                        value = value + prior[at] + node[atom, n]
                        row[cell] = value
                        most = max(most, value)
                        at, cell = at + 1, cell + 1
        total = 0.0
        for c in range(cell):
            if row[c] - most > NEGLIGIBLE:
                total += math.exp(row[c] - most)
            row[c] = total
        for t in range(chance.shape[0]):
            place = np.searchsorted(row, chance[t, atom] * total)
            out[t, atom] = min(place, cell - 1)
    return out


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
