"""Other quantifiers on the same score histograms, written from their papers, beside benchmarks/prevalence.py."""

from __future__ import annotations

import numpy as np


def naive_count(target: np.ndarray, human: np.ndarray, machine: np.ndarray) -> float:
    """Share of documents nearer to the machine anchors: what published audits count."""
    flagged = machine / machine.sum() > human / human.sum()
    return float(target[flagged].sum() / target.sum())


def adjusted_count(target: np.ndarray, human: np.ndarray, machine: np.ndarray) -> float:
    """Rogan & Gladen 1978 at a human false-positive rate of 2%."""
    tail = np.cumsum(human[::-1])[::-1] / human.sum()
    at = int(np.argmax(tail <= 0.02)) if (tail <= 0.02).any() else len(tail) - 1
    false, true = tail[at], machine[at:].sum() / machine.sum()
    return float(np.clip((target[at:].sum() / target.sum() - false) / max(true - false, 1e-3), 0, 1))


def expectation_maximisation(target: np.ndarray, human: np.ndarray, machine: np.ndarray, *, steps: int = 500) -> float:
    """EMQ (Saerens, Latinne & Decaestecker 2002, eq. 2.9) on binned densities, which is maximum likelihood."""
    h, f = (human + 0.5) / (human + 0.5).sum(), (machine + 0.5) / (machine + 0.5).sum()
    a = 0.5
    for _ in range(steps):
        a = float((target * a * f / (a * f + (1 - a) * h)).sum() / target.sum())
    return a


def matched_histograms(target: np.ndarray, human: np.ndarray, machine: np.ndarray) -> float:
    """HDy (Gonzalez-Castro, Alaiz-Rodriguez & Alegre 2013): least Hellinger distance over a grid of fractions."""
    grid = np.linspace(0, 1, 1001)[:, None]
    h, f, p = human / human.sum(), machine / machine.sum(), target / target.sum()
    closeness = (np.sqrt((1 - grid) * h + grid * f) * np.sqrt(p)).sum(1)
    return float(grid[int(np.argmax(closeness)), 0])


PEERS = {
    "naive count": naive_count,
    "Rogan-Gladen": adjusted_count,
    "EMQ": expectation_maximisation,
    "HDy": matched_histograms,
}


def cramer_rao(fraction: float, documents: int, anchors: int, human: np.ndarray, machine: np.ndarray) -> float:
    """Least sd of a fraction when the machine density is known and the human one estimated from anchors.

    sampling 1/(N I), I = sum (f-h)^2/m, m = (1-a) h + a f; anchors add (1-a)^2 Var_h(psi)/M, psi = (f-h)/(m I). The
    target also tells about h, which would lower this a little: the floor is slightly above the true bound.
    """
    m = np.maximum((1 - fraction) * human + fraction * machine, 1e-12)
    score = (machine - human) / m
    information = float((score**2 * m).sum())
    influence = score / information
    mean = float((human * influence).sum())
    by_anchors = (1 - fraction) ** 2 * float((human * (influence - mean) ** 2).sum()) / anchors
    return float(np.sqrt(1 / (documents * information) + by_anchors))
