"""Location and scale of human scores by kind of text: the bundled calibration, then the audit's own anchors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.estimate.fraction.anchors import Trust

# sd of the kind's location in a corpus about its location over many sources, in human units (docs/prevalence.md).
CORPUS_SD = 0.35
# sd of an anchor set's location about that of the corpus' own human text of the kind, by its origin.
ANCHOR_SD = {Trust.LABELS: 0.08, Trust.REFERENCE: 0.15, Trust.DATED: 0.15}
MEDIAN_EFFICIENCY = 1.57  # variance of a median over that of a mean of normal scores
BUNDLED_SCALE = 60.0  # documents that the bundled scale is worth
FEWEST_FOR_SCALE = 10
COVERED = 20.0  # anchors of a kind from which on it counts as covered
UNKNOWN_VARIANCE = 0.5  # of a kind that no calibration knows
REST = "rest"  # group of the documents of several kinds that are too few for atoms of their own

# Score quantiles of an anchor set's documents by kind of text.
ANCHOR_STATISTICS = {"kind": pl.String, "n": pl.Float64, "low": pl.Float64, "middle": pl.Float64, "high": pl.Float64}


@dataclass(frozen=True, slots=True, eq=False)
class KindUnits:
    """How scores of each kind become human units: (score - shift) / scale.

    kinds (k,); shift, scale (k,) in bundled human units; variance (k,): how uncertain the kind's location still is;
    anchors (k,): human documents of the audit behind it; best_trust (k,): the most trusted of them, BUNDLED without any
    """

    kinds: tuple[str, ...]
    shift: np.ndarray
    scale: np.ndarray
    variance: np.ndarray
    anchors: np.ndarray
    best_trust: np.ndarray

    @property
    def covered(self) -> np.ndarray:
        """(k,) from 0, no anchor of the kind, to 1."""
        return np.minimum(self.anchors / COVERED, 1.0)

    def frame(self) -> pl.DataFrame:
        """kind, shift, scale, variance, anchors, covered, trust: one row a kind."""
        return pl.DataFrame(
            {
                "kind": pl.Series(list(self.kinds), dtype=pl.String),
                "shift": self.shift,
                "scale": self.scale,
                "variance": self.variance,
                "anchors": self.anchors.astype(np.int64),
                "covered": self.covered,
                "trust": [Trust(int(trust)).name.lower() for trust in self.best_trust],
            }
        )


def kind_units(
    kinds: Sequence[str], bundled_variance: np.ndarray, anchors: Sequence[tuple[Trust, pl.DataFrame]]
) -> KindUnits:
    """Combine the bundled calibration with anchor sets by their precision.

    A kind's location in this corpus is normal about its bundled one (0, for scores come in bundled human units) with
    variance bundled_variance + CORPUS_SD^2; the median of n anchors of the kind is normal about it with variance
    1.57 scale^2 / n + ANCHOR_SD^2. Medians and the 16-84% distance are robust to machine text among a few of the
    anchors.

    Parameters: bundled_variance (k,); anchors, frames with the columns of ANCHOR_STATISTICS
    References: Gelman et al. 2013, section 5.4 (normal hierarchical model)
    """
    kinds = tuple(kinds)
    place = {kind: i for i, kind in enumerate(kinds)}
    precision = 1 / (np.nan_to_num(bundled_variance, nan=UNKNOWN_VARIANCE) + CORPUS_SD**2)
    weighted = np.zeros(len(kinds))
    scale_weight = np.full(len(kinds), BUNDLED_SCALE)
    log_scale = np.zeros(len(kinds))
    count, best = np.zeros(len(kinds)), np.full(len(kinds), int(Trust.BUNDLED))
    for trust, frame in anchors:
        for kind, n, low, middle, high in frame.select(*ANCHOR_STATISTICS).iter_rows():
            if kind not in place or n < 1:
                continue
            i = place[kind]
            spread = max((high - low) / 2, 0.3) if n >= FEWEST_FOR_SCALE else 1.0
            own = 1 / (MEDIAN_EFFICIENCY * spread**2 / n + ANCHOR_SD[trust] ** 2)
            precision[i] += own
            weighted[i] += own * middle
            if n >= FEWEST_FOR_SCALE:
                scale_weight[i] += n
                log_scale[i] += n * np.log(spread)
            count[i] += n
            best[i] = min(best[i], int(trust))
    shift, scale = weighted / precision, np.exp(log_scale / scale_weight)
    return KindUnits(kinds, shift, scale, 1 / precision, count, best)
