"""Agreement of two or more raters beyond chance, on nominal labels."""

from __future__ import annotations

import numpy as np


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """(p_o - p_e)/(1 - p_e) of two raters' labels (n,) of the same documents; nan when chance explains all.

    References: Cohen 1960, eq. 1
    """
    first, second = np.asarray(first), np.asarray(second)
    if len(first) == 0:
        return float("nan")
    observed = float((first == second).mean())
    expected = sum(float((first == k).mean() * (second == k).mean()) for k in np.union1d(first, second))
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")


def krippendorff_alpha(units: np.ndarray, labels: np.ndarray) -> float:
    """1 - D_o/D_e for nominal labels (n,) of units (n,), any number of raters each; nan without two labels of a unit.

    References: Krippendorff 2011, Computing Krippendorff's alpha-reliability, part C (nominal data, missing values)
    """
    _, unit = np.unique(np.asarray(units), return_inverse=True)
    names, label = np.unique(np.asarray(labels), return_inverse=True)
    table = np.zeros((unit.max(initial=-1) + 1, len(names)))
    np.add.at(table, (unit, label), 1)
    table = table[table.sum(1) >= 2]
    if not len(table):
        return float("nan")
    raters = table.sum(1)
    total, by_label = raters.sum(), table.sum(0)
    observed = ((raters**2 - (table**2).sum(1)) / (raters - 1)).sum() / total
    expected = (total**2 - (by_label**2).sum()) / (total * (total - 1))
    return float(1 - observed / expected) if expected > 0 else float("nan")
