"""The options of a simulation: tokens, generations, human share, regime and decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from auditor.collapse.options import Regime
from auditor.errors import ConfigError, nearest
from auditor.records import LEVEL

COLDEST = 0.05  # below it, counts to the power of 1/temperature overflow; all text is one word by then


class Decoding(StrEnum):
    """How generated text differs from what the model learned."""

    NONE = "none"
    RATIO = "ratio"
    TEMPERATURE = "temperature"
    TOP_P = "top_p"


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """tokens: training text of a generation, N; share: human part of it, m; decoding_value: r, temperature or p.

    tail_share: the rarest types that carry this share of the source's tokens are the tail
    """

    tokens: float
    generations: int = 10
    share: float = 0.1
    regime: Regime = Regime.REPLACE_FRESH
    decoding: Decoding = Decoding.NONE
    decoding_value: float = 1.0
    tail_share: float = 0.05
    replicates: int = 20
    level: float = LEVEL

    def __post_init__(self) -> None:
        require(
            self.regime in list(Regime), "regime", "one of " + ", ".join(Regime) + nearest(str(self.regime), Regime)
        )
        require(
            self.decoding in list(Decoding),
            "decoding",
            "one of " + ", ".join(Decoding) + nearest(str(self.decoding), Decoding),
        )
        require(1 <= self.tokens < 1e15, "tokens", "at least 1 and below 1e15")
        require(self.generations >= 1, "generations", "at least 1")
        require(0 <= self.share <= 1, "share", "from 0 to 1")
        require(0 < self.tail_share <= 1, "tail_share", "above 0 and at most 1")
        require(self.replicates >= 2, "replicates", "at least 2, or there is no interval")
        require(0 < self.level < 1, "level", "above 0 and below 1")
        highest = math.inf if self.decoding == Decoding.TEMPERATURE else 1.0
        lowest = COLDEST if self.decoding == Decoding.TEMPERATURE else 0.0
        require(
            lowest <= self.decoding_value <= highest and 0 < self.decoding_value < math.inf,
            "decoding_value",
            f"a ratio or top-p above 0 and at most 1, a temperature of {COLDEST} or more",
        )


def require(holds: bool, name: str, wanted: str) -> None:
    """Raises: ConfigError that names the option of the simulation and what it must be, unless that holds"""
    if not holds:
        raise ConfigError(f"simulation: {name} must be {wanted}")
