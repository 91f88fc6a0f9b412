"""Human, assisted and machine-written text: how much of each the scores of a scope can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.fraction.mixed.worlds import FARTHEST, SHARES, STARTS, TOUCHED, Worlds

# Independent documents of a scope that are believed: no world is quite the corpus, and more documents would only make
# the nearest of them certain. Chosen so that intervals cover over left-out families (docs/mixed-text.md).
BELIEVED = 100.0
COVERED_SD, UNCOVERED_SD = 0.35, 0.5  # of the place of a scope's human scores, with and without anchors of its kinds
DRAWS = 400
AT_ONCE = 16  # scopes whose likelihoods are held in memory together
IN_REGION = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class ThreeWay:
    """The posterior of one scope on the grid TOUCHED x SHARES (rows, columns), sums to 1.

    draws (d, 2): the assisted and the machine-written share of the documents; touched_at: where TOUCHED lies
    """

    grid: np.ndarray
    draws: np.ndarray
    touched_at: np.ndarray

    @property
    def assisted(self) -> np.ndarray:
        """(d,) draws of the share of documents that a machine edited."""
        return self.draws[:, 0]

    @property
    def machine(self) -> np.ndarray:
        """(d,) draws of the share of documents that a machine wrote."""
        return self.draws[:, 1]

    @property
    def touched(self) -> np.ndarray:
        """(d,) draws of the sum of both."""
        return self.draws.sum(1)

    def moved(self, numbers: tuple[float, ...], to: tuple[float, ...]) -> ThreeWay:
        """With the touched share moved, so that rising values of it become others; its split stays."""
        # values that are tied, as at an end of 0, are told apart by steps that are no difference
        known, wanted = np.array([0.0, *numbers, 1.0]), np.array([0.0, *to, 1.0])
        known += 1e-12 * np.arange(len(known))
        scale = np.interp(self.touched, known, wanted) / np.maximum(self.touched, 1e-12)
        there = np.interp(self.touched_at, known, wanted)
        return replace(self, draws=self.draws * scale[:, None], touched_at=there)

    def region(self) -> list[tuple[float, float]]:
        """Corners of the convex hull of the likeliest (assisted, machine) shares that hold IN_REGION together."""
        order = np.argsort(-self.grid, axis=None)
        enough = int(np.searchsorted(np.cumsum(self.grid.ravel()[order]), IN_REGION)) + 1
        row, column = np.unravel_index(order[:enough], self.grid.shape)
        touched, share = self.touched_at[row], SHARES[column]
        return _hull(np.stack([touched * share, touched * (1 - share)], 1))


def three_way(
    worlds: Worlds,
    counts: np.ndarray,
    effect: np.ndarray,
    uncovered: np.ndarray,
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    believed: float = BELIEVED,
) -> list[ThreeWay]:
    """The posterior of every scope: of the touched share, and of the assisted part of it.

    The scores have density (1 - t) h + t [s g + (1 - s) f] in the human, assisted and machine densities of a world; the
    posterior is the sum over worlds, each weighed by how well it fits and by where it puts human text. So the split is
    as uncertain as editors, generators and domains differ from each other.

    Parameters: counts (scopes, BINS), documents by score in human units; effect (scopes,), documents per independent
        document; uncovered (scopes,), share of documents whose kind of text no anchor covers
    """
    observed = np.add.reduceat(np.asarray(counts, float), STARTS, axis=1) / np.asarray(effect, float)[:, None]
    total = observed.sum(1, keepdims=True)
    observed = (observed * np.minimum(1.0, believed / np.maximum(total, 1e-9))).astype(np.float32)
    shape = worlds.log.shape
    table = worlds.log.reshape(-1, shape[-1])
    out = []
    for first in range(0, len(observed), AT_ONCE):
        part = observed[first : first + AT_ONCE]
        log = (table @ part.T).reshape(*shape[:-1], len(part))
        for i in range(len(part)):
            sd = COVERED_SD + (UNCOVERED_SD - COVERED_SD) * float(np.clip(uncovered[first + i], 0, 1))
            grid = _posterior(log[..., i], worlds.place, sd)
            out.append(ThreeWay(grid, _drawn(grid, rng, draws), TOUCHED))
    return out


def _posterior(log: np.ndarray, place: np.ndarray, sd: float) -> np.ndarray:
    """The grid of one scope from log-likelihoods (worlds, touched, shares); the worlds' places have sd FARTHEST."""
    weight = -0.5 * place**2 * (1 / sd**2 - 1 / FARTHEST**2)
    likelihood = np.exp(log + (weight - float(log.max()))[:, None, None].astype(np.float32)).sum(0, dtype=np.float64)
    grid = likelihood * PRIOR[:, None]
    return grid / grid.sum()


# Of the touched share: small ones are somewhat likelier.
PRIOR = (TOUCHED + 0.004) ** -0.3 * np.gradient(TOUCHED)


def _drawn(grid: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """(draws, 2) assisted and machine-written shares, spread within the cells of the grid."""
    row, column = np.unravel_index(rng.choice(grid.size, size=draws, p=grid.ravel()), grid.shape)
    edges = np.concatenate([TOUCHED[:1], (TOUCHED[1:] + TOUCHED[:-1]) / 2, TOUCHED[-1:]])
    touched = edges[row] + rng.random(draws) * (edges[row + 1] - edges[row])
    share = np.clip(SHARES[column] + (rng.random(draws) - 0.5) * (SHARES[1] - SHARES[0]), 0, 1)
    return np.stack([touched * share, touched * (1 - share)], 1)


def _hull(points: np.ndarray) -> list[tuple[float, float]]:
    """Corners of the convex hull of points (n, 2), counter-clockwise from the leftmost.

    References: Andrew 1979 (monotone chain)
    """
    ordered = sorted({(round(float(x), 4), round(float(y), 4)) for x, y in points})
    if len(ordered) < 3:
        return ordered

    def chain(way: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for p in way:
            while len(kept) > 1 and _turn(kept[-2], kept[-1], p) <= 0:
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return chain(ordered) + chain(ordered[::-1])


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
