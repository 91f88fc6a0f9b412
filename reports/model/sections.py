"""Pydantic models of report.json's sections beside the estimates: evidence, method, provenance."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.records import Json
from auditor.reports.model.base import Count, E, Part, Place


class Anchor(Part):
    """Documents whose author is known, and how many of them an estimate rests on."""

    kind: Literal["human", "ai"]
    origin: str
    scope: str = ""
    documents: Count
    used: Count
    dropped: Count
    reason: str | None = None
    effective: float | None = Field(default=None, description="documents after matching by language and length")
    matched_share: float | None = Field(default=None, description="share of the corpus in cells that have anchors")
    distance: float | None = Field(default=None, description="total variation from the best trusted anchors")


class KindCoverage(Part):
    """One kind of text and the human anchors that cover it."""

    kind: str
    documents: Count
    anchors: Count
    trust: float | str | None = Field(default=None, description="of the best anchors of this kind")


class AnchorCoverage(Part):
    """The share of a scope's documents whose kind of text is covered by human anchors."""

    share: float | None = None
    anchors: Count | None = None
    kinds: list[KindCoverage] = []


class Images(Part):
    """Images beside the texts: how many declare of themselves that a machine made them."""

    images: Count
    declared_synthetic: Count | None = Field(default=None, description="null where none was looked at")
    by: dict[str, int] = Field(
        default={}, description="c2pa, iptc, parameters: the strongest declaration of each image"
    )
    unreadable: Count = Field(default=0, description="no JPEG, PNG or WebP, or damaged")
    unseen: Count = Field(default=0, description="not looked at, because the extra `images` is not installed")


class Unread(Part):
    """What belongs to the corpus and was not read."""

    records: Count = 0
    files: Count = 0
    shards: Count = 0
    by_reason: dict[str, int] = {}


class Reach(Part):
    """Where a detector's scores are valid, and how many documents it scored."""

    words: str = ""
    documents: Count | None = None
    share: float | None = Field(default=None, description="of the documents, that it scored")
    languages: list[str] = []


class Accuracy(Part):
    """What was measured of a detector elsewhere."""

    auroc: float | None = None
    tpr: float | None = None
    fpr: float | None = None
    measured_on: str = ""


class Detector(Part):
    """A detector, its weight in the probability, and its reach: where its scores are valid."""

    name: str
    version: str
    revision: str = ""
    weight: float | None = None
    reach: str | Reach = Field(default="", description="words, or {words, documents, share, languages}")
    accuracy: Accuracy = Field(default=Accuracy(), description="measured elsewhere")


class ScoredPlace(Place):
    """A document behind a finding, with its score."""

    score: float | None = None


class Finding(Part):
    """An estimate or a cluster that crosses a stated threshold, and what to do about it."""

    kind: str
    severity: Literal["note", "warning", "error"]
    scope_kind: str
    scope: str
    message: str
    advice: str
    evidence: Json = {}
    estimate: E | None = None

    @property
    def documents(self) -> list[ScoredPlace]:
        """The documents behind it; the evidence of a cluster has their number alone."""
        found = self.evidence.get("documents")
        return [ScoredPlace.model_validate(place) for place in found] if isinstance(found, list) else []


class Skip(Part):
    """Records that were left out for one reason."""

    shard: str
    reason: str
    documents: Count = 1
    row: int | None = None
    detail: str = ""


class ProfilePoint(Part):
    """The Hill numbers of one order q."""

    q: float
    corpus: E
    reference: E


class MissingType(Part):
    """A type of the reference that is rarer in the corpus, per million tokens."""

    name: str
    reference: float
    corpus: float
    retained: float | None = None
    z: float | None = None


class LostName(Part):
    """A topic, host, language or category whose share of the documents fell, surely, against the reference's."""

    name: str
    reference: Count = Field(description="documents")
    corpus: Count = Field(description="documents")
    reference_share: float
    corpus_share: float
    retained: E


class DiversityProfile(Part):
    """Hill numbers of the corpus and of the human reference at equal coverage, over the order q."""

    level: str = "word"
    coverage: float | None = None
    reference: str = ""
    points: list[ProfilePoint] = []
    missing: list[MissingType] = []
    lost: dict[str, list[LostName]] = Field(
        default={}, description="by kind: topic_found (in the texts), host, language, topic, category"
    )
    full: dict[str, dict[str, E]] = Field(
        default={}, description="with --profile full: measures of word order, of the corpus and of the reference"
    )


class Action(Part):
    """What to do with one shard, and why."""

    shard: str
    action: Literal["keep", "filter", "review", "quarantine", "drop"]
    why: str
    documents: Count | None = None
    tokens: Count | None = None


class Filtering(Part):
    """The corpus before and after a filter, quantity by quantity."""

    name: str
    words: str = ""
    documents_kept: Count | None = None
    documents_dropped: Count | None = None
    tokens_kept: Count | None = None
    human_tokens_lost: Count | None = Field(default=None, description="words of what goes, by their chance to be human")
    lost_by_kind: dict[str, Count] = Field(default={}, description="human words lost by kind of text")
    tail_types: Count | None = Field(default=None, description="sampled words, rare in human text, that documents hold")
    tail_types_lost: Count | None = Field(default=None, description="those that no kept document would hold")
    tail_lost_by_kind: dict[str, Count] = Field(default={}, description="those lost that a kind of text held")
    tail_reason: str | None = Field(default=None, description="why rare words are not measured")
    before: dict[str, E] = {}
    after: dict[str, E] = {}


class Placebo(Part):
    """A slice that is human by its date, held out of its own anchors: its estimate must cover 0."""

    name: str
    documents: Count
    estimate: E
    covers_zero: bool


class CrossCheck(Part):
    """The same quantity by another method, or with one choice changed."""

    name: str
    estimate: E
    words: str = ""


class FitBin(Part):
    """One bin of scores: what was observed, and what the fitted mixture expects."""

    lower: float
    upper: float
    observed: float
    human: float = Field(description="fitted human part of the bin")
    machine: float = Field(description="fitted machine part of the bin")


class ScoreHistogram(Part):
    """Scores of one scope beside the fitted human and machine scores, bin by bin, as shares."""

    scope_kind: str = "shard"
    scope: str
    bins: list[FitBin] = []


class Fit(Part):
    """How far the observed scores lie from the fitted mixture, in total variation."""

    distance: float | None = None
    anchors_distance: float | None = Field(default=None, description="the anchors' own, leaving one domain out")
    excess: float | None = None
    p_value: float | None = None
    words: str = ""
    bins: list[FitBin] = []


class Sensitivity(Part):
    """Whether the estimate holds: where the truth is known, by other methods, and by how well the mixture fits."""

    placebo: list[Placebo] = []
    cross_checks: list[CrossCheck] = []
    fit: Fit | None = None
    histograms: list[ScoreHistogram] = Field(default=[], description="of the shards with the highest lower bounds")


class HostVolume(Part):
    """A web host and how much of the corpus comes from it."""

    host: str
    documents: Count
    tokens: Count
    synthetic_fraction: E | None = None


class Passage(Part):
    """A titled paragraph of the method."""

    title: str
    text: str
    formula: str = ""
    references: list[str] = []


class Excerpt(Place):
    """The beginning of a document, redacted, and why it is shown."""

    probability: float | None = None
    why: str = ""


class Provenance(Part):
    """What was read and with what: enough to run it again."""

    command: str = ""
    config: Json = {}
    inputs: list[Json] = []
    packages: dict[str, str] = {}
    files_hash: str = ""
    revision: str = Field(default="", description="of a dataset on a hub, where it was pinned")
    machine: str = ""
