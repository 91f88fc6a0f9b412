"""The inputs of the recommendation: regimes, sizings, bands, and the options that a user sets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from auditor.errors import ConfigError

FARTHEST = 1_000  # generations, beyond which nothing changes but the running time


class Regime(StrEnum):
    """What the next generation is trained on."""

    REPLACE_FRESH = "replace_fresh"
    REPLACE_REPLAY = "replace_replay"
    ACCUMULATE = "accumulate"
    ACCUMULATE_SUBSAMPLE = "accumulate_subsample"


class Sizing(StrEnum):
    """Whether acquired text takes the place of machine-written text (the corpus keeps its size) or is appended."""

    FIXED_COMPUTE = "fixed_compute"
    APPENDED = "appended"


@dataclass(frozen=True, slots=True)
class Band:
    """One reading of what is uncertain: regime, credit, and the policy floor.

    credit: which end of the fraction's interval is believed, so how much of the text that may be human or not counts as
    human: 1 all of it (the lower end of the fraction), .5 the point estimate, 0 none of it (the upper end)
    """

    name: str
    regime: Regime
    credit: float
    floor: float
    floor_source: str


BANDS = (
    Band("optimistic", Regime.ACCUMULATE, 1.0, 0.10, "Shumailov et al. 2024: a tenth of the original text kept"),
    Band("central", Regime.ACCUMULATE_SUBSAMPLE, 0.5, 0.50, "Drayson et al. 2025: one to one"),
    Band("pessimistic", Regime.REPLACE_REPLAY, 0.0, 0.67, "Bertrand et al. 2023: stability without model error"),
)


@dataclass(frozen=True, slots=True)
class ReservoirOptions:
    """What must survive, for how long and with what certainty. Every default is an assumption and is printed as such.

    generations, tolerance: horizon G and the loss allowed at it, d; miss: chance e to fall short
    min_occurrences: k, occurrences in the corpus' own human text from which on a type is to be kept; coverage_share: C,
    types that carry this share of human tokens must occur k times (None: not asked for); rarest_frequency: p_min in
    place of C; epochs: how often a text may be repeated; verification_precision: share of the reservoir
    that is truly human; credit, regime: in place of the bands' own; ratio_prior: r (adverse, central, favourable)
    where it cannot be measured
    """

    generations: int = 10
    tolerance: float = 0.1
    miss: float = 0.05
    min_occurrences: int = 10
    epochs: float = 4.0
    verification_precision: float = 1.0
    coverage_share: float | None = None
    rarest_frequency: float | None = None
    credit: float | None = None
    regime: Regime | None = None
    sizing: Sizing = Sizing.FIXED_COMPUTE
    ratio_prior: tuple[float, float, float] = (0.8, 0.9, 0.99)

    @property
    def asks_coverage(self) -> bool:
        """Coverage binds only on request: a corpus' own spectrum always requires several times its size."""
        return self.coverage_share is not None or self.rarest_frequency is not None

    def __post_init__(self) -> None:
        require(
            1 <= self.generations <= FARTHEST,
            "generations",
            f"from 1 (with no generation to come nothing is lost) to {FARTHEST:,}",
        )
        require(0 < self.tolerance < 1, "tolerance", "above 0 (nothing may be lost) and below 1 (all may)")
        require(0 < self.miss < 1, "miss", "above 0 and below 1")
        require(self.min_occurrences >= 1, "min_occurrences", "at least 1")
        require(1 <= self.epochs < math.inf, "epochs", "at least 1")
        require(0 < self.verification_precision <= 1, "verification_precision", "above 0 and at most 1")
        require(self.coverage_share is None or 0 < self.coverage_share < 1, "coverage_share", "above 0 and below 1")
        require(self.credit is None or 0 <= self.credit <= 1, "credit", "from 0 to 1")
        p = self.rarest_frequency
        require(p is None or 0 < p < 1, "rarest_frequency", "above 0 and below 1")
        low, mid, high = self.ratio_prior
        require(0 <= low <= mid <= high <= 1, "ratio_prior", "three rising numbers from 0 to 1")


def require(holds: bool, name: str, wanted: str) -> None:
    """Raises: ConfigError that names the option of the reservoir and what it must be, unless that holds"""
    if not holds:
        raise ConfigError(f"reservoir: {name} must be {wanted}")
