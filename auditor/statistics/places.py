"""Places drawn on a grid of two densities' mixtures, exactly, without the likelihood of most of the grid.

A row of the grid is one pair of densities (human, machine) with all fractions. The log-likelihood of a row is concave
in the fraction, so a few fractions bound all others; rows whose bound is negligible for a body of counts are left out.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from auditor.text.jit import kernel

# A cell this far below the likeliest one moves no cumulative sum: exp(-60) is less than a double's last bit of it.
NEGLIGIBLE = -60.0
# Rows this far below are left out: of a hundred thousand such cells the mass is less than 1e-7.
LEFT_OUT = -30.0
SLACK = 1.0  # of bounds: log-likelihoods of thousands of documents are right to .01 in single precision
ROOT_HALF, MANTISSA, EXPONENT = np.int32(0x3F3504F3), np.int32(0x7FFFFF), np.int32(23)


# h, f (runs,) float32, fractions (k,) float32 -> out (runs, k) float32: log((1 - a) h + a f)
@kernel
def mixture_log(h, f, fractions, out, exponents):
    """Logarithms in loops that compilers turn into vectors, which a call of the library's logarithm is not.

    References: S. Moshier, Cephes library, logf (a polynomial of degree 9 between the roots of 1/2 and 2)
    """
    for run in range(h.size):
        row, whole = out[run], exponents
        bits = row.view(np.int32)
        human, more = h[run], f[run] - h[run]
        for k in range(fractions.size):
            row[k] = human + fractions[k] * more
        for k in range(fractions.size):
            above = bits[k] - ROOT_HALF
            whole[k] = np.float32(above >> EXPONENT)
            bits[k] = (above & MANTISSA) + ROOT_HALF
        for k in range(fractions.size):
            x, e = row[k] - np.float32(1), whole[k]
            y = np.float32(7.0376836292e-2)
            y = y * x + np.float32(-1.1514610310e-1)
            y = y * x + np.float32(1.1676998740e-1)
            y = y * x + np.float32(-1.2420140846e-1)
            y = y * x + np.float32(1.4249322787e-1)
            y = y * x + np.float32(-1.6668057665e-1)
            y = y * x + np.float32(2.0000714765e-1)
            y = y * x + np.float32(-2.4999993993e-1)
            y = y * x + np.float32(3.3333331174e-1)
            square = x * x
            y = y * x * square + np.float32(-2.12194440e-4) * e - np.float32(0.5) * square
            row[k] = x + y + np.float32(0.693359375) * e


# at (k,) fractions in order, value (k,) of a concave function there, per (k - 1,): 1 / distance, prior (k - 1,): most
# of the log prior between two, slope (k + 1,) to write to -> most of the sum anywhere
@kernel
def concave_bound(at, value, per, prior, slope):
    """Between two points a concave function lies below the chords of the neighbouring pairs."""
    last = at.size - 1
    slope[0], slope[last + 1] = 1e30, -1e30
    for j in range(last):
        slope[j + 1] = (value[j + 1] - value[j]) * per[j]
    most = -np.inf
    for j in range(last):
        left, right = slope[j], slope[j + 2]
        bound = max(value[j], value[j + 1])
        if left > 0 and right < 0 and left > right:
            cross = (value[j + 1] - value[j] + left * at[j] - right * at[j + 1]) / (left - right)
            bound = max(bound, value[j + 1] + right * (cross - at[j + 1]))
        most = max(most, bound + prior[j])
    return most


def row_bounds(
    counts, human, machine, fractions, coarse, of_fraction, prior, node, known_human, known_machine, answers
):
    """What no cell of a row exceeds, and the best value that a coarse cell of each atom has.

    A row with negative counts (labels beyond what is believed of an atom) is not concave, and has no bound.

    Parameters: counts (atoms, runs), human (nodes, scales, runs), machine (nodes, variants, runs) float32; fractions
        (f,); coarse, positions of some, both ends among them; of_fraction (f,), prior (scales, variants), node (atoms,
        nodes); known_human (atoms, nodes * scales), known_machine (atoms, nodes * variants), answers (atoms, f): of
        documents of known origin, without columns if there are none
    Returns: (atoms, nodes * scales * variants), (atoms,)
    """
    at = fractions[coarse]
    between = np.array([of_fraction[first : last + 1].max() for first, last in pairwise(coarse)])
    answers = np.ascontiguousarray(answers[:, coarse]) if answers.size else answers
    points = at, at.astype(np.float32), 1 / np.diff(at), between, of_fraction[coarse], answers
    concave = counts.min(1, initial=0.0) >= 0
    return _row_bounds(counts, human, machine, prior, node, known_human, known_machine, concave, *points)


# as above; concave (atoms,) bool; at, few, of_fraction (k,) at the coarse fractions, answers (atoms, k); per, between
# (k - 1,)
@kernel
def _row_bounds(
    counts,
    human,
    machine,
    prior,
    node,
    known_human,
    known_machine,
    concave,
    at,
    few,
    per,
    between,
    of_fraction,
    answers,
):
    atoms, runs, points = counts.shape[0], counts.shape[1], at.size
    nodes, scales, variants = human.shape[0], human.shape[1], machine.shape[1]
    told = known_human.shape[1] > 0
    logs, exponents = np.empty((runs, points), np.float32), np.empty(points, np.float32)
    found, value, slope = np.empty((atoms, points), np.float32), np.empty(points), np.empty(points + 1)
    bounds, best = np.empty((atoms, nodes * scales * variants), np.float32), np.full(atoms, -np.inf)
    row = 0
    for n in range(nodes):
        for s in range(scales):
            for v in range(variants):
                mixture_log(human[n, s], machine[n, v], few, logs, exponents)
                np.dot(counts, logs, found)
                for atom in range(atoms):
                    more = prior[s, v] + node[atom, n]
                    if told:
                        more += known_human[atom, n * scales + s] + known_machine[atom, n * variants + v]
                    for j in range(points):
                        value[j] = found[atom, j] + more
                        if told:
                            value[j] += answers[atom, j]
                        best[atom] = max(best[atom], value[j] + of_fraction[j])
                    bounds[atom, row] = concave_bound(at, value, per, between, slope) if concave[atom] else np.inf
                row += 1
    return bounds, best


# as above; bounds (atoms, rows), best (atoms,) -> cells (kept rows, fractions) of all atoms, one after the other, the
# row of each (kept rows,), where an atom's begin (atoms + 1,)
@kernel
def _likely_rows(counts, human, machine, fractions, bounds, best):
    """Log-likelihoods of the rows that are not left out."""
    atoms, runs = counts.shape
    scales, variants, width, rows = human.shape[1], machine.shape[1], fractions.size, bounds.shape[1]
    kept = np.zeros(atoms + 1, np.int64)
    for atom in range(atoms):
        kept[atom + 1] = kept[atom]
        for row in range(rows):
            if bounds[atom, row] > best[atom] + (LEFT_OUT - SLACK):
                kept[atom + 1] += 1
    cells, of_row = np.empty((kept[atoms], width), np.float32), np.empty(kept[atoms], np.int64)
    next_cell = kept[:-1].copy()
    each = fractions.astype(np.float32)
    logs, exponents = np.empty((runs, width), np.float32), np.empty(width, np.float32)
    some, found = np.empty((atoms, runs), np.float32), np.empty((atoms, width), np.float32)
    who = np.empty(atoms, np.int64)
    for row in range(rows):
        several = 0
        for atom in range(atoms):
            if bounds[atom, row] > best[atom] + (LEFT_OUT - SLACK):
                who[several] = atom
                some[several] = counts[atom]
                several += 1
        if several == 0:
            continue
        n, s, v = row // (scales * variants), row // variants % scales, row % variants
        mixture_log(human[n, s], machine[n, v], each, logs, exponents)
        np.dot(some[:several], logs, found[:several])
        for i in range(several):
            atom = who[i]
            cells[next_cell[atom]] = found[i]
            of_row[next_cell[atom]] = row
            next_cell[atom] += 1
    return cells, of_row, kept


# as above; bounds (atoms, rows), best (atoms,); chance (times, atoms) -> places (times, atoms)
@kernel
def drawn_places(
    counts,
    human,
    machine,
    fractions,
    of_fraction,
    prior,
    node,
    known_human,
    known_machine,
    answers,
    bounds,
    best,
    chance,
):
    """Places drawn in proportion to exp of the log-likelihood and all log priors."""
    scales, variants, width, rows = human.shape[1], machine.shape[1], fractions.size, bounds.shape[1]
    told = known_human.shape[1] > 0
    cells, of_row, kept = _likely_rows(counts, human, machine, fractions, bounds, best)
    out = np.empty(chance.shape, np.int64)
    summed = np.empty(rows * width)
    for atom in range(counts.shape[0]):
        most, cell = -np.inf, 0
        for k in range(kept[atom], kept[atom + 1]):
            row = of_row[k]
            n, s, v = row // (scales * variants), row // variants % scales, row % variants
            more = prior[s, v] + node[atom, n]
            if told:
                more += known_human[atom, n * scales + s] + known_machine[atom, n * variants + v]
            for a in range(width):
                value = np.float64(cells[k, a]) + (more + of_fraction[a])
                if told:
                    value += answers[atom, a]
                summed[cell] = value
                most = max(most, value)
                cell += 1
        total = 0.0
        for c in range(cell):
            if summed[c] - most > NEGLIGIBLE:
                total += math.exp(summed[c] - most)
            summed[c] = total
        for t in range(chance.shape[0]):
            place = min(np.searchsorted(summed[:cell], chance[t, atom] * total), cell - 1)
            out[t, atom] = of_row[kept[atom] + place // width] * width + place % width
    return out
