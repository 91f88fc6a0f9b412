"""Score densities of human and machine text, learned jointly over all shards with the machine side unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from auditor.estimate.fraction.anchors import AnchorSet, matched
from auditor.estimate.fraction.checks.goodness import own_distance
from auditor.estimate.fraction.counts import BINS, CENTRES, ScoreCounts, coarse_bins
from auditor.estimate.fraction.domain_shift import NODES, DensityPrior, Trust, human_units
from auditor.estimate.fraction.hamiltonian import CENTRE, CENTRE_SPREAD, hamiltonian, human_like_share, log_posterior
from auditor.estimate.fraction.mixing import likeliest_fractions
from auditor.statistics.resampling import design_effect

MOST_SHARDS = 64  # in the fit of the densities: beyond that shards are added up, none is left out of the estimates
KNOWN_MACHINE = 25.0  # pseudo-counts of the user's --known-ai: their generators need not be the corpus' own
# Bundled anchors are many domains at once: their shape is not that of any one, so they place the human density and the
# prior shapes it. With all 4,000 the intervals covered 76%.
FOREIGN = 60.0
# Without matched anchors nobody knows how many human documents of this domain score high: the level of all scopes may
# be wrong together. What 95% intervals lacked at most, below and above, over 25 domains and generators.
UNMATCHED = (0.04, 0.02)
THIN = 4
# Independent documents that may shape the densities. Beyond that the likelihood would believe the smooth model more
# than any model deserves: with 350,000 documents the intervals covered 78%, with 35,000 94% (docs/prevalence.md). The
# fractions themselves are drawn with all documents.
MOST_DOCUMENTS = 20_000
ROUGH = 0.05  # sd of what a smooth log density misses in one bin
WARM_UP = (200, 300, 200)
SPREAD = (0.5, 2.5)
ENOUGH_ACCEPTED = 0.4
LEAST_SEPARATION, LEAST_ANCHORS, LEAST_ACCEPTANCE, LEAST_BINS = 0.15, 20, 0.15, 4


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Draws of the two densities on runs of grid bins: what all scopes share, so comparisons cancel its error.

    starts (bins,); human, machine (draws, bins) rows sum to 1; design_effect: documents per independent document;
    centre (draws,), spread: the shards' log-odds about a common centre (partial pooling); acceptance of the sampler;
    anchors (bins,): independent human documents behind it; tolerance: the anchors' own distance from each other;
    slack: what intervals must be widened by below and above, for an error that all scopes share
    """

    starts: np.ndarray
    human: np.ndarray
    machine: np.ndarray
    design_effect: float
    centre: np.ndarray
    spread: float
    acceptance: float
    anchors: np.ndarray
    tolerance: float
    slack: tuple[float, float] = (0.0, 0.0)

    def runs(self, histogram: np.ndarray) -> np.ndarray:
        """A histogram (..., BINS) on the fit's own bins."""
        return np.add.reduceat(histogram, self.starts, axis=-1)

    def on_grid(self, by_run: np.ndarray) -> np.ndarray:
        """Values (..., bins) repeated for every bin of the grid (..., BINS)."""
        return np.repeat(by_run, np.diff(np.append(self.starts, BINS)), axis=-1)

    @property
    def separation(self) -> float:
        """Total-variation distance between the mean densities: 0 where scores say nothing."""
        return 0.5 * float(np.abs(self.human.mean(0) - self.machine.mean(0)).sum())

    @property
    def failure(self) -> str | None:
        """Why demixing cannot be believed, None where it can."""
        if len(self.starts) < LEAST_BINS:
            return "the scores are all alike"
        if self.separation < LEAST_SEPARATION:
            return "the scores do not separate human from machine text here"
        if self.anchors.sum() < LEAST_ANCHORS:
            return f"only {self.anchors.sum():.0f} independent human anchors"
        return "the fit did not settle" if self.acceptance < LEAST_ACCEPTANCE else None


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What the sampler needs, in its order: see sampler.log_posterior."""

    shards: np.ndarray
    anchors: np.ndarray
    known: np.ndarray
    base_h: np.ndarray
    base_f: np.ndarray
    root_h: np.ndarray
    root_f: np.ndarray
    moves: np.ndarray
    spread: float
    overlap: np.ndarray

    @property
    def inputs(self) -> tuple:
        return (
            *(self.shards, self.anchors, self.known, self.base_h, self.base_f),
            *(self.root_h, self.root_f, self.moves, self.spread, self.overlap),
        )

    @property
    def size(self) -> int:
        return self.at_centre + 2 + len(self.shards)

    @property
    def at_machine(self) -> int:
        return self.root_h.shape[1] + 2 * len(self.anchors)

    @property
    def at_centre(self) -> int:
        return self.at_machine + self.root_f.shape[1]


def fit_densities(
    target: ScoreCounts,
    human: Sequence[AnchorSet],
    prior: DensityPrior,
    rng: np.random.Generator,
    *,
    known: np.ndarray | None = None,
    cells: dict[str, float] | None = None,
    draws: int = 400,
    bins: int = 24,
) -> Fit:
    """Draw both densities from their posterior given all shards and the human anchors.

    known (BINS,): scores of the user's known machine text, worth at most KNOWN_MACHINE documents.
    """
    weighted = [matched(a.counts, cells) for a in human]
    middle, unit = human_units(CENTRES, sum(counts.sum(0) for counts, _, _ in weighted))
    shards = _merged(target.documents)
    starts = coarse_bins(shards.sum((0, 1)) + sum(counts.sum(0) for counts, _, _ in weighted), bins)
    standard = (CENTRES - middle) / unit
    effect = _design_effect(shards, np.clip(standard, -3, 3))
    believable = effect * max(1.0, shards.sum() / effect / MOST_DOCUMENTS)
    observed = []
    for anchors, (counts, n, _) in zip(human, weighted, strict=True):
        n = n / _design_effect(counts[None], np.clip(standard, -3, 3))
        n = min(n, FOREIGN) if anchors.trust == Trust.BUNDLED else n
        observed.append(np.add.reduceat(counts.sum(0), starts) * min(1.0, n / counts.sum()))
    base_h, root_h = _prior_on_runs(prior.human_mean, prior.human_spread, standard, starts)
    base_f, root_f = _prior_on_runs(prior.machine_mean, prior.machine_spread, standard, starts)
    moves = np.stack([_moves(prior, a, prior.human_mean, standard, starts) for a in human])
    believed = np.zeros(len(starts))
    if known is not None and known.sum() > 0:
        believed = np.add.reduceat(known, starts) * min(1.0, KNOWN_MACHINE / known.sum())
    counts = np.ascontiguousarray(np.add.reduceat(shards.sum(1), starts, axis=1) / believable)
    spread = _spread_of(counts, np.exp(base_h), np.exp(base_f), sum(observed))
    model = Model(
        counts, np.array(observed), believed, base_h, base_f, root_h, root_f, moves, spread, np.array(prior.overlap)
    )
    draw, acceptance = _posterior_draws(model, draws, rng)
    kh = root_h.shape[1]
    h = special.softmax(base_h + draw[:, :kh] @ root_h.T, axis=1)
    g = special.softmax(base_f + draw[:, model.at_machine : model.at_centre] @ root_f.T, axis=1)
    drawn = zip(h, g, draw[:, model.at_centre + 1], strict=True)
    k = np.array([human_like_share(one, other, model.overlap, z)[0] for one, other, z in drawn])[:, None]
    f = (1 - k) * g + k * h
    centre = CENTRE + CENTRE_SPREAD * draw[:, model.at_centre]
    # n anchors do not tell shares of less than one of them: with 100 the intervals covered 88% without this
    one = min(1 / max(sum(observed).sum(), 1.0), 1.0)
    slack = UNMATCHED if all(a.trust == Trust.BUNDLED for a in human) else (one, one)
    tolerance = max(own_distance(a.counts, starts) for a in human)
    return Fit(starts, h, f, effect, centre, spread, acceptance, sum(observed), tolerance, slack)


def _posterior_draws(model: Model, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Mode, curvature, then Hamiltonian Monte Carlo in the coordinates that the curvature gives."""

    def descend(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = log_posterior(z, *model.inputs)
        return -value, -gradient

    found = optimize.minimize(descend, np.zeros(model.size), jac=True, method="L-BFGS-B", options={"maxiter": 400})
    mode, step = found.x, 1e-4
    curvature = np.empty((model.size, model.size))
    for i in range(model.size):
        shifted = mode.copy()
        shifted[i] += step
        above = descend(shifted)[1]
        shifted[i] -= 2 * step
        curvature[i] = (above - descend(shifted)[1]) / (2 * step)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    whiten, size, here = vectors / np.sqrt(np.maximum(values, 0.3)), 0.25, mode
    for tuning in WARM_UP:
        chain, _, size = _run(model, here, whiten, tuning, rng, size=size, tune=True)
        here = chain[-1]
        # what the curvature at the mode missed of a skewed posterior: the chain's own covariance, pulled to the former
        late = chain[tuning // 3 :]
        share = len(late) / (len(late) + 3 * model.size)
        whiten = np.linalg.cholesky(share * np.cov(late.T) + (1 - share) * whiten @ whiten.T)
    for _ in range(3):  # a step tuned in an easy place may be too long elsewhere: then shorter ones
        chain, acceptance, _ = _run(model, here, whiten, THIN * draws, rng, size=size, tune=False)
        if acceptance >= ENOUGH_ACCEPTED:
            break
        size /= 3
    return chain[THIN - 1 :: THIN], acceptance


def _run(
    model: Model,
    start: np.ndarray,
    whiten: np.ndarray,
    steps: int,
    rng: np.random.Generator,
    *,
    size: float,
    tune: bool,
) -> tuple[np.ndarray, float, float]:
    noise, uniforms = rng.standard_normal((steps, model.size)), rng.random((steps, 2))
    return hamiltonian(start, np.ascontiguousarray(whiten), noise, uniforms, size, tune, model.inputs)


def _merged(documents: np.ndarray) -> np.ndarray:
    """Shards (s, GROUPS, BINS) added up to at most MOST_SHARDS, neighbours together, empty ones dropped."""
    kept = documents[documents.sum((1, 2)) > 0].astype(float)
    if len(kept) <= MOST_SHARDS:
        return kept
    return np.add.reduceat(kept, np.linspace(0, len(kept), MOST_SHARDS, endpoint=False).astype(int), axis=0)


def _design_effect(shards: np.ndarray, weight: np.ndarray) -> float:
    """Design effect of the mean score within shards (s, GROUPS, BINS), averaged by size."""
    sizes = shards.sum((1, 2))
    return float(np.average([design_effect(shard, weight) for shard in shards], weights=sizes))


def _prior_on_runs(
    mean: np.ndarray, spread: np.ndarray, standard: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Prior mean (bins,) and root (bins, k) of the covariance of the log share of documents in each run of bins."""
    weights = np.stack([np.interp(standard, NODES, row) for row in np.eye(len(NODES))], axis=1)
    share = np.exp(weights @ mean)
    total = np.add.reduceat(share, starts)
    runs = np.add.reduceat(weights * share[:, None], starts, axis=0) / total[:, None]
    covariance = runs @ spread @ runs.T + ROUGH**2 * np.eye(len(starts))
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 0.25 * ROUGH**2
    return np.log(total / total.sum()), np.ascontiguousarray(vectors[:, kept] * np.sqrt(values[kept]))


def _moves(
    prior: DensityPrior, anchors: AnchorSet, mean: np.ndarray, standard: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Change (bins, 2) of the log share of each run when scores move by tau in location and in log-scale."""
    tau = prior.shifts[anchors.trust]

    def shares(units: np.ndarray) -> np.ndarray:
        density = np.exp(np.interp(units, NODES, mean))
        return np.log(np.add.reduceat(density, starts) / density.sum())

    step = 0.05
    by_location = (shares(standard - step) - shares(standard + step)) / (2 * step)
    by_scale = (shares(standard * (1 - step)) - shares(standard * (1 + step))) / (2 * step)
    return np.ascontiguousarray(np.stack([tau.location * by_location, tau.scale * by_scale], axis=1))


def _spread_of(shards: np.ndarray, human: np.ndarray, machine: np.ndarray, anchors: np.ndarray) -> float:
    """sd of the shards' log-odds, first reckoned with the mean machine density: how much they may differ."""
    if len(shards) < 2:
        return 1.0
    h = (anchors + 20 * human) / (anchors.sum() + 20)
    a = np.clip(likeliest_fractions(shards, h, machine), 0.002, 0.95)
    return float(np.clip(special.logit(a).std(ddof=1), *SPREAD))
