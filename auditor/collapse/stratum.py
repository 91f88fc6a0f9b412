"""What the recommendation is given: a stratum of the corpus, and synthetic text that was declared as such."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.collapse import closed_forms
from auditor.collapse.spectrum import Spectrum
from auditor.records import Estimate


@dataclass(frozen=True, slots=True)
class Admitted:
    """Declared synthetic text with its verifier: whether it may stand beside human text.

    error_rate: share of wrong texts before selection; keep_right, keep_wrong: the verifier's chances to keep them
    """

    name: str
    tokens: float
    verifier: str
    error_rate: float
    keep_right: float
    keep_wrong: float

    @property
    def threshold(self) -> float:
        return closed_forms.selection_threshold(self.keep_right, self.keep_wrong) if self.keep_right > 0 else 0.0

    @property
    def passes(self) -> bool:
        return bool(self.verifier) and self.error_rate < self.threshold


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """A part of the corpus that is sized by itself: a language, a topic, or all of it.

    fraction: synthetic, by tokens, declared synthetic text included; verified_tokens: human text in it that is known
    to be human; weight: how much a newly found type of it is worth
    """

    name: str
    tokens: float
    documents: float
    bytes: float
    fraction: Estimate
    spectrum: Spectrum | None
    tail_retention: Estimate
    kind: str = "corpus"
    verified_tokens: float = 0.0
    weight: float = 1.0
    declared: tuple[Admitted, ...] = ()

    @property
    def human_tokens(self) -> float:
        return self.tokens * (1 - (self.fraction.value or 0.0))

    @property
    def admitted_tokens(self) -> float:
        return min(sum(a.tokens for a in self.declared if a.passes), self.tokens)
