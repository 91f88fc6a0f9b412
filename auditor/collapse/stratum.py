"""The data behind the recommendation: strata and shards of the corpus, and synthetic text declared as such.

References
    [1] Y. Feng et al., Beyond model collapse: scaling up with synthesized data requires verification, 2024
    [2] F. Kang et al., 2510.01631, 2025: rephrased text did no harm up to about a third of the mix, generated
        textbook-like text did
    [3] Yi et al., 2510.16657, 2026: retraining on verified text drifts to what the verifier knows
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from auditor.collapse import closed_forms
from auditor.collapse.spectrum import Spectrum
from auditor.records import Estimate

REPHRASED_SHARE = 1 / 3  # of a stratum's tokens [2]


class DeclaredKind(StrEnum):
    """How declared synthetic text was made."""

    REPHRASED = "rephrased"
    GENERATED = "generated"
    VERIFIED = "verified"


# Generations for which text is credited unless its sidecar says otherwise. [2] trained one generation; [3] proves the
# drift without giving a number, so that 3 is a choice; generated text gets no credit [2].
HORIZONS = {DeclaredKind.REPHRASED: 1, DeclaredKind.GENERATED: 0, DeclaredKind.VERIFIED: 3}


@dataclass(frozen=True, slots=True)
class Admitted:
    """Declared synthetic text: whether, for how much and for how long it is credited beside human text.

    error_rate: share of wrong texts before selection; keep_right, keep_wrong: the verifier's chances to keep them;
    horizon: generations for which it is credited, None for its kind's default
    """

    name: str
    tokens: float
    verifier: str
    error_rate: float
    keep_right: float
    keep_wrong: float
    kind: DeclaredKind = DeclaredKind.VERIFIED
    horizon: int | None = None

    @property
    def threshold(self) -> float:
        """Feng's error rate below which selected text helps [1]."""
        return closed_forms.selection_threshold(self.keep_right, self.keep_wrong) if self.keep_right > 0 else 0.0

    @property
    def passes(self) -> bool:
        """Whether it is admitted beside human text: by its kind, and for verified text by its verifier's rates."""
        if self.kind == DeclaredKind.VERIFIED:
            return bool(self.verifier) and self.error_rate < self.threshold
        return self.kind == DeclaredKind.REPHRASED

    @property
    def credited_generations(self) -> int:
        """Generations for which it is credited."""
        return HORIZONS[self.kind] if self.horizon is None else self.horizon

    def credited_tokens(self, generations: int) -> float:
        """Tokens that count neither as contamination nor as human, on average over the generations ahead."""
        return self.tokens * min(self.credited_generations / generations, 1.0) if self.passes else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """A part of the corpus that is sized separately: a language, a topic, or all of it.

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
        """Word tokens that are human at the value of the fraction."""
        return self.tokens * (1 - (self.fraction.value or 0.0))

    def admitted_tokens(self, generations: int) -> float:
        """Credited synthetic text; of rephrased text no more than a third of the stratum."""
        rephrased = [own for own in self.declared if own.kind == DeclaredKind.REPHRASED]
        others = sum(own.credited_tokens(generations) for own in self.declared if own not in rephrased)
        total = sum(own.tokens for own in rephrased)
        allowed = min(REPHRASED_SHARE * self.tokens / total, 1.0) if total else 1.0
        credited = sum(own.credited_tokens(generations) for own in rephrased) * allowed
        return min(others + credited, self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """What the recommendation needs to know of an existing shard.

    anchor_coverage: share of its documents of a kind that the anchors cover, None where that was not measured
    strata: tokens per stratum name; empty means that it is spread like the whole corpus
    """

    name: str
    tokens: float
    documents: float
    bytes: float
    fraction: Estimate
    tail_retention: Estimate
    duplicate_fraction: Estimate
    anchor_coverage: float | None = None
    strata: dict[str, float] = field(default_factory=dict)

    def tokens_in(self, stratum: Stratum, corpus_tokens: float) -> float:
        """Its word tokens in a stratum; a shard without strata is spread like the whole corpus."""
        if self.strata:
            return self.strata.get(stratum.name, 0.0)
        return self.tokens * stratum.tokens / corpus_tokens if corpus_tokens else 0.0
