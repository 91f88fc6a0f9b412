"""Results of the corpus, a shard and a stratum: made once, read by every later step, written once as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from auditor.estimate.diversity.lost import Loss
from auditor.estimate.diversity.meaning.figures import Meaning
from auditor.estimate.diversity.measure import Measures, Orders
from auditor.pipeline.documents.duplicates import Duplication
from auditor.pipeline.documents.shard_counts import ShardCounts
from auditor.pipeline.fraction.coverage import AnchorCoverage
from auditor.pipeline.fraction.measure import Authorship
from auditor.pipeline.run.markers import Counts
from auditor.records import Estimate, Json, nested

NOT_LOST = Estimate.not_measured("tail retention needs a human reference with a held-out part")


@dataclass(frozen=True, slots=True)
class ScopeDiversity:
    """How diverse a scope is: its words, their tail, and by level bigrams, trigrams, clusters and topics."""

    words: Measures
    tail_retention: Estimate
    levels: Mapping[str, Measures | Orders]

    def as_json(self) -> Json:
        """`diversity` of report.json; the tail is measured of words alone."""
        levels = {name: {**nested(own), "tail_retention": NOT_LOST} for name, own in self.levels.items()}
        return {**nested(self.words), "tail_retention": self.tail_retention, "levels": levels}


@dataclass(frozen=True, slots=True)
class ScopeLoss:
    """What a scope has lost against human text: of its words and of each level.

    general: of word types against the language's published frequencies, where no human text was given
    """

    words: Loss
    levels: Mapping[str, Loss | Orders]
    general: Estimate | None = None

    def as_json(self) -> Json:
        """`diversity_loss` of report.json."""
        general = {} if self.general is None else {"general": self.general}
        return {**nested(self.words), **general, "levels": self.levels}


@dataclass(frozen=True, slots=True)
class ScopeDrift:
    """How far a scope's words are from the reference's, and how far a collapse has gone; `drift` of report.json."""

    divergence: Estimate
    p_value: float | None
    stage: str
    stage_evidence: str
    reference: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The estimates made both for the corpus and for each shard, under their names in report.json.

    fractions: of machine-written, mixed and touched documents, by name
    """

    fractions: Mapping[str, Estimate]
    authorship: Authorship | None
    anchor_coverage: AnchorCoverage
    duplication: Duplication
    diversity: ScopeDiversity
    diversity_loss: ScopeLoss
    drift: ScopeDrift

    @property
    def synthetic_fraction(self) -> Estimate:
        """The machine-written share of the eligible documents."""
        return self.fractions["synthetic_fraction"]

    def as_json(self) -> Json:
        """Their part of a row of report.json."""
        return {
            **self.fractions,
            "authorship": self.authorship,
            "anchor_coverage": self.anchor_coverage,
            **nested(self.duplication),
            "diversity": self.diversity,
            "diversity_loss": self.diversity_loss,
            "drift": self.drift,
        }


@dataclass(frozen=True, slots=True)
class ShardResult:
    """One shard: its counts, its estimates, and the flags that findings set."""

    counts: ShardCounts
    figures: Figures
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The shard's name."""
        return self.counts.shard

    def as_json(self) -> Json:
        """The shard's row in report.json."""
        return {**nested(self.counts), **nested(self.figures), "flags": self.flags}


@dataclass(frozen=True, slots=True)
class CorpusResult:
    """The whole corpus; shards_listed: how many it has where only some of them were read."""

    shards: int
    counts: Counts
    figures: Figures
    meaning: Meaning
    shards_listed: int | None = None

    def as_json(self) -> Json:
        """`corpus` of report.json."""
        listed = {} if self.shards_listed is None else {"shards_listed": self.shards_listed}
        return {"shards": self.shards, **asdict(self.counts), **nested(self.figures), "meaning": self.meaning, **listed}


@dataclass(frozen=True, slots=True)
class StratumLoss:
    """What a stratum lost against the reference of its kind; drawn: the documents that it was measured on."""

    diversity_loss: ScopeLoss
    tail_retention: Estimate
    reference: str
    drawn: int | None = None


@dataclass(frozen=True, slots=True)
class StratumShare:
    """A stratum's share of the reference's documents, and what is left of it in the corpus."""

    share_of_reference: Estimate
    share_retained: Estimate


@dataclass(frozen=True, slots=True)
class StratumResult:
    """One stratum: a language, topic, category, year, host, source, kind or length of text.

    share: of the corpus' eligible documents; human_share: of its own documents; retained, loss, meaning: where they are
        measured
    """

    kind: str
    name: str
    documents: int
    eligible_documents: int
    tokens: int
    fractions: Mapping[str, Estimate]
    share: Estimate
    human_share: Estimate
    retained: StratumShare | None = None
    loss: StratumLoss | None = None
    meaning: Meaning | None = None

    def as_json(self) -> Json:
        """The stratum's row in report.json; what was not measured has no key."""
        row = {
            "kind": self.kind,
            "name": self.name,
            "documents": self.documents,
            "eligible_documents": self.eligible_documents,
            "tokens": self.tokens,
            **self.fractions,
            "share": self.share,
            "human_share": self.human_share,
        }
        more = nested(self.retained) if self.retained else {}
        loss = nested(self.loss) if self.loss else {}
        if self.loss and self.loss.drawn is None:
            del loss["drawn"]
        meaning = {} if self.meaning is None else {"meaning": self.meaning}
        return row | more | loss | meaning
