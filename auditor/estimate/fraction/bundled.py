"""The calibration that ships with the detectors, in the words of the estimators: last-resort anchors and the prior."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from auditor.estimate.fraction.anchors import Anchors, AnchorSet
from auditor.estimate.fraction.counts import BINS, CENTRES, GROUPS, ScoreCounts
from auditor.estimate.fraction.domain_shift import DensityPrior, Trust, learn_prior

ORIGIN = "bundled"
CELL_BANDS = (100, 200, 400)


def bundled_anchors(calibration: Mapping[str, Any]) -> Anchors:
    """Out-of-family score counts of labelled documents as anchors; a domain is one resampling unit.

    Empty where nothing is shipped, or where it was counted on another grid.
    """
    cells = calibration.get("cells", [])
    if not cells or calibration["bins"] != BINS:
        return Anchors()
    domains = sorted({(cell["source"], cell["domain"]) for cell in cells})
    unit = {domain: place % GROUPS for place, domain in enumerate(domains)}
    families = sorted({cell["family"] for cell in cells if cell["label"] == "ai"})
    human = _set(cells, unit, "human", None)
    machine = [_set(cells, unit, "ai", family) for family in families]
    return Anchors((human,), tuple(machine), _prior(cells))


def cell_name(language: str, band: int) -> str:
    """The name of an anchor cell, as the SQL expression CELL gives it."""
    assert band in CELL_BANDS, band
    return f"{language} {band}"


def with_bundled(human: Sequence[AnchorSet], machine: Sequence[AnchorSet], bundled: Anchors) -> Anchors:
    """An audit's own anchors, and those that ship with the detectors."""
    return Anchors((*human, *bundled.human), (*machine, *bundled.machine), bundled.prior)


def _set(cells: list[dict[str, Any]], unit: dict[Any, int], label: str, family: str | None) -> AnchorSet:
    chosen = [cell for cell in cells if cell["label"] == label and family in (None, cell["family"])]
    names = sorted({cell_name(cell["language"], cell["band"]) for cell in chosen})
    counts = ScoreCounts.empty(names)
    for cell in chosen:
        at = names.index(cell_name(cell["language"], cell["band"]))
        counts.documents[at, unit[cell["source"], cell["domain"]]] += _histogram(cell)
    counts.tokens[:] = counts.documents  # lengths are not kept; anchors are weighed by documents
    return AnchorSet(ORIGIN, Trust.BUNDLED, counts, family or "")


def _prior(cells: list[dict[str, Any]]) -> DensityPrior:
    """What past domains and generators teach about new ones."""
    human: dict[Any, np.ndarray] = defaultdict(lambda: np.zeros(BINS, np.int64))
    machine: dict[Any, dict[str, np.ndarray]] = defaultdict(lambda: defaultdict(lambda: np.zeros(BINS, np.int64)))
    for cell in cells:
        domain = cell["source"], cell["domain"], cell["language"]
        if cell["label"] == "human":
            human[domain] += _histogram(cell)
        else:
            machine[domain][cell["generator"]] += _histogram(cell)
    tables = [(_scores(human[d]), [_scores(g) for _, g in sorted(machine[d].items())]) for d in sorted(human)]
    return learn_prior(tables)


def _histogram(cell: Mapping[str, Any]) -> np.ndarray:
    out = np.zeros(BINS, np.int64)
    out[cell["first"] : cell["first"] + len(cell["counts"])] = cell["counts"]
    return out


def _scores(histogram: np.ndarray) -> np.ndarray:
    return np.repeat(CENTRES, histogram)
