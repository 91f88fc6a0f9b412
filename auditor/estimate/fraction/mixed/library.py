"""Densities of human, assisted and machine-written text that other sources teach, each by source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor.estimate.fraction.counts import BINS, CENTRES, HIGHEST, LOWEST
from auditor.known_scores import EditedCell, KnownScores

FEWEST = 25  # documents of a cell from which on it is learned from
FLOOR = 2e-4  # share of a density that lies anywhere on the grid
STEP = (HIGHEST - LOWEST) / BINS
KERNEL = np.exp(-0.5 * (np.arange(-6, 7) * STEP / 0.25) ** 2)
KERNEL /= KERNEL.sum()
LANGUAGE = "en"


@dataclass(frozen=True, slots=True, eq=False)
class Densities:
    """Densities (k, BINS) of one class, rows sum to 1, and the source (k,) of each."""

    rows: np.ndarray
    sources: tuple[str, ...]

    def by_source(self) -> list[np.ndarray]:
        """The positions of every source's densities."""
        names = np.array(self.sources)
        return [np.flatnonzero(names == name) for name in sorted(set(self.sources))]


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """What the three classes' scores have been elsewhere, in human units.

    human: by source and domain, each moved to median 0; assisted: by source, generator and way of editing; machine: by
    source and generator, with machine-edited text of which most words are the machine's
    """

    human: Densities
    assisted: Densities
    machine: Densities


def library_of(known: KnownScores, edited: Sequence[EditedCell], *, without: Iterable[str] = ()) -> Library | None:
    """The library of English from counts of out-of-family scores; None where a class has fewer than two cells.

    Parameters: known, of human and wholly machine-written text; edited, cells of edited text; without, sources to
        leave out

    A source whose machine text answers people's drafts (it stands in `edited`) is learned from there alone: its other
    counts do not say how much of a draft was kept.
    """
    left_out = set(without)
    drafts = {cell.source for cell in edited}
    human: dict[Any, np.ndarray] = defaultdict(lambda: np.zeros(BINS))
    assisted: dict[Any, np.ndarray] = defaultdict(lambda: np.zeros(BINS))
    machine: dict[Any, np.ndarray] = defaultdict(lambda: np.zeros(BINS))
    if known.bins != BINS:
        return None
    for cell in known.cells:
        if cell.source in left_out or cell.language != LANGUAGE:
            continue
        if cell.label == "human":
            human[cell.source, cell.domain] += cell.histogram
        elif cell.label == "ai" and not cell.base and cell.source not in drafts:
            machine[cell.source, cell.generator] += cell.histogram
    for own in edited:
        if own.source not in left_out and own.extent in ("assisted", "machine"):
            into = assisted if own.extent == "assisted" else machine
            into[own.source, own.generator, own.operation] += own.histogram
    found = [_densities(group, centred) for group, centred in ((human, True), (assisted, False), (machine, False))]
    if any(len(own.sources) < 2 for own in found):
        return None
    return Library(*found)


def smoothed(density: np.ndarray) -> np.ndarray:
    """A density (BINS,) smoothed by a kernel of sd .25 human units, nowhere 0."""
    out = np.convolve(density, KERNEL, "same")
    return (out / out.sum() + FLOOR / BINS) / (1 + FLOOR)


def moved(density: np.ndarray, by: float) -> np.ndarray:
    """A density (BINS,) moved by so many human units."""
    at = np.clip((CENTRES - by - CENTRES[0]) / STEP, 0, BINS - 1.001)
    low = at.astype(np.int64)
    part = at - low
    out = (1 - part) * density[low] + part * density[low + 1]
    return out / out.sum()


def _densities(groups: Mapping[Any, np.ndarray], centred: bool) -> Densities:
    rows, sources = [], []
    for key in sorted(groups, key=str):
        counts = groups[key]
        if counts.sum() >= FEWEST:
            density = smoothed(counts / counts.sum())
            rows.append(moved(density, -_median(density)) if centred else density)
            sources.append(str(key[0]))
    return Densities(np.array(rows).reshape(-1, BINS), tuple(sources))


def _median(density: np.ndarray) -> float:
    below = np.cumsum(density)
    return float(np.interp(0.5 * below[-1], below, CENTRES + STEP / 2))
