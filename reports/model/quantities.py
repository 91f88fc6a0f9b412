"""Pydantic models of what is estimated for the corpus and for each shard: shares, diversity and its loss, drift."""

from __future__ import annotations

from pydantic import Field

from auditor.reports.model.base import E, Fraction, Part
from auditor.reports.model.sections import AnchorCoverage


class Hill(Part):
    """Hill numbers at equal coverage with the reference, of one level of types."""

    q0: E
    q1: E
    q2: E
    tail_retention: E = Field(description="mass of the reference's tail types relative to held-out human text")
    coverage: E | None = Field(default=None, description="Good-Turing sample coverage")
    chao1: E | None = Field(default=None, description="lower bound of all types, by abundance")
    chao2: E | None = Field(default=None, description="lower bound of all types, by incidence in blocks")


class Diversity(Hill):
    """Hill numbers of words, and of the other levels."""

    levels: dict[str, Hill] = Field(default={}, description="bigram, cluster, topic; the keys above are word level")


class LossPart(Part):
    """Signed differences of ln D."""

    q0: E
    q1: E
    q2: E


class LossLevel(Part):
    """The loss at one level of types."""

    q0: E | None = None
    q1: E | None = None
    q2: E | None = None
    from_duplication: LossPart | None = None
    from_synthetic: LossPart | None = None
    rest: LossPart | None = None


class DiversityLoss(Part):
    """1 - D(scope) / D(human reference) at equal coverage, and its parts as signed log-ratios."""

    q0: E
    q1: E
    q2: E
    from_duplication: LossPart
    from_synthetic: LossPart
    rest: LossPart
    general: E | None = Field(
        default=None, description="word types against the language's published frequencies, where nothing else is given"
    )
    levels: dict[str, LossLevel] = Field(
        default={}, description="bigram, trigram, cluster, topic; the keys above are word level"
    )


class Meaning(Part):
    """How alike documents are in what they say: embeddings of a sample of them, with --meaning N."""

    similarity: E = Field(description="mean cosine of two documents drawn at random")
    effective_documents: E = Field(description="similarity-sensitive Hill number of order 2 of 100 documents")
    reference_similarity: E = Field(description="of the human reference's documents")
    reference_effective_documents: E = Field(description="of the human reference's documents")
    similarity_change: E = Field(description="similarity - reference_similarity")
    loss: E = Field(description="1 - effective_documents / reference_effective_documents")


class Drift(Part):
    """How far a scope lies from the human reference, and the stage of collapse."""

    divergence: E | None = Field(default=None, description="Jensen-Shannon divergence in bits")
    p_value: float | None = Field(default=None, description="of a two-sample test")
    stage: str = Field(default="", description="none, early, late, unclear")
    stage_evidence: str = ""
    reference: str = Field(default="", description="what it was compared with")


class Authorship(Part):
    """What the scores allow of assisted and machine-written text together."""

    identified: bool = Field(description="whether the split between the two is measured")
    assisted: list[Fraction] = Field(description="lowest and highest share of the documents")
    machine: list[Fraction] = Field(description="lowest and highest share of the documents")
    touched: list[Fraction] = Field(description="lowest and highest share of both together")
    region: list[list[Fraction]] = Field(
        description="corners (assisted, machine) of the convex region that holds the true pair with 95% probability"
    )


class Quantities(Part):
    """What is estimated for the corpus and for each shard."""

    synthetic_fraction: E
    synthetic_fraction_tokens: E
    synthetic_fraction_pooled: E | None = Field(default=None, description="drawn towards like shards")
    synthetic_fraction_lower_bound: E | None = Field(default=None, description="needs no machine anchors")
    mixed_fraction: E = Field(description="documents in which people and machines both wrote")
    touched_fraction: E | None = Field(default=None, description="machine-written and assisted documents together")
    authorship: Authorship | None = Field(default=None, description="assisted and machine-written text together")
    anchor_coverage: AnchorCoverage | None = Field(default=None, description="how far anchors cover its kinds of text")
    duplicate_fraction: E
    duplicate_fraction_within: E
    duplicate_fraction_across: E
    diversity: Diversity
    diversity_loss: DiversityLoss
