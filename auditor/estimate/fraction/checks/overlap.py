"""The share of machine text that scores like human text: what no mixture can see, learned from past generators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The better the separable part of a generator's text is told from human text, the less of it is human-like: over the
# labelled sources the two log-odds are correlated by -.65 to -.82 (docs/prevalence.md). SEPARATED = 2: area .88.
SEPARATED = 2.0
LEAST_AREA, MOST_AREA = 0.5, 0.995
# mean, slope and sd of the log-odds where no table says more; worth so many tables
VAGUE, VAGUE_TABLES = (-2.8, -2.3, 1.3), 5
LOW_THRESHOLDS = np.linspace(0.15, 0.9, 16)
MOST_ALIKE = 0.9  # beyond, nothing of a table can be told from human text
LEAST_SPREAD = 0.5
TURNS = 40
GRID = np.linspace(-8.0, 3.0, 56)  # of the log-odds of the share


def human_like(human: np.ndarray, machine: np.ndarray) -> tuple[float, float]:
    """(documents, trials): machine documents under the low threshold where they are rarest, and how many human ones of
    the same number would lie there; their ratio is the share of a generator's documents that scores like human text.

    References: Blanchard, Lee & Scott 2010, proposition 5 (the mixture proportion of one density in another)
    """
    below = np.searchsorted(np.sort(machine), np.quantile(human, LOW_THRESHOLDS), side="right")
    least = int(np.argmin((below + 0.5) / LOW_THRESHOLDS))
    return float(below[least]), float(len(machine) * LOW_THRESHOLDS[least])


def share_of(documents: float | np.ndarray, trials: float | np.ndarray) -> np.ndarray:
    """Their ratio, half a document added: none seen is not none at all."""
    return np.minimum((np.asarray(documents) + 0.5) / (np.asarray(trials) + 0.5), MOST_ALIKE)


def learn_overlap(tables: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Mean, slope and sd of the log-odds of the human-like share, given those of the rest's area under the ROC curve.

    tables: (documents, trials, area of the whole generator) of each; those that no threshold tells from human text are
    left out. Documents are Poisson(trials k), logit k normal about the line: EM, the E-step on a grid, with
    VAGUE_TABLES of the vague prior.

    References: Dempster, Laird & Rubin 1977; Breslow & Clayton 1993 (Poisson counts with normal random effects)
    """
    line, spread = np.array(VAGUE[:2]), VAGUE[2]
    kept = [table for table in tables if table[0] < MOST_ALIKE * table[1] and table[2] >= LEAST_AREA]
    if not kept:
        return VAGUE
    documents, trials, area = np.array(kept, float).T
    k_grid = 1 / (1 + np.exp(-GRID))
    likelihood = documents[:, None] * np.log(k_grid) - trials[:, None] * k_grid
    share, variance = share_of(documents, trials), spread**2
    for _ in range(TURNS):
        apart = np.clip((area - share / 2) / (1 - share), LEAST_AREA, MOST_AREA)
        design = np.stack([np.ones_like(apart), np.log(apart / (1 - apart)) - SEPARATED], axis=1)
        height = likelihood - 0.5 * (GRID - (design @ line)[:, None]) ** 2 / variance
        weight = np.exp(height - height.max(1, keepdims=True))
        weight /= weight.sum(1, keepdims=True)
        mean = weight @ GRID
        doubt = weight @ GRID**2 - mean**2
        share = np.minimum(weight @ k_grid, MOST_ALIKE)
        prior = VAGUE_TABLES * np.array(VAGUE[:2])
        line = np.linalg.solve(design.T @ design + VAGUE_TABLES * np.eye(2), design.T @ mean + prior)
        left = ((mean - design @ line) ** 2 + doubt).sum() + VAGUE_TABLES * spread**2
        variance = max(left / (len(mean) + VAGUE_TABLES), LEAST_SPREAD**2)
    return round(float(line[0]), 3), round(float(line[1]), 3), round(float(np.sqrt(variance)), 3)
