"""Pydantic models of report.json's sections beside the estimates: reservoir, evidence, method, provenance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from auditor.reports.model.base import Count, E, Part, Place, R


class Floor(Part):
    """A policy floor on the human share: a convention from the literature, not a theorem; kept apart from the bands."""

    band: Literal["optimistic", "central", "pessimistic"]
    human_share: float
    source: str
    tokens: float | None = None
    documents: float | None = None
    label: str = Field(default="", description="that it is policy")
    sizing: str = Field(default="", description="fixed_compute or appended")


class Priority(Part):
    """Where the next human token teaches most."""

    kind: str
    name: str
    gain: float | None = Field(default=None, description="expected new types per 1,000 further human tokens")
    priority: float | None = Field(default=None, description="gain weighted by the stratum's size: orders the list")
    tokens: float | None = Field(default=None, description="human tokens still to acquire here, central band")
    synthetic_fraction: E | None = None
    tail_retention: E | None = None
    words: str = ""


class Declaration(Part):
    """Synthetic text that a provenance file declares: admitted beside human text, or why not."""

    shard: str
    tokens: float
    verifier: str = ""
    error_rate: float | None = None
    threshold: float | None = Field(default=None, description="Feng's: admitted where the error rate is below it")
    admitted: bool
    reason: str


class SensitivityRow(Part):
    """The reservoir of a band with one thing changed."""

    varied: str = Field(description="fraction, width (of its interval), tolerance, horizon, verification_precision")
    setting: float
    band: Literal["optimistic", "central", "pessimistic"]
    tokens: float | None = None
    human_share: float | None = None
    required_share: float | None = None
    binding_constraint: str | None = None
    reason: str | None = None


class Reservoir(Part):
    horizon: Count = Field(description="generations of training ahead")
    tolerance: float = Field(description="share of the tail that may be lost over the horizon")
    optimistic: R
    central: R
    pessimistic: R
    priorities: list[Priority] = []
    policy: list[Floor] = []
    appended: dict[str, Any] = Field(default={}, description="the bands where human text is added, not put in place")
    assumptions: dict[str, Any] = {}
    perplexity: dict[str, Any] = {}
    strata: list[dict[str, Any]] = Field(default=[], description="by language, topic, folder: its size in each band")
    declared: list[Declaration] = []
    sensitivity: list[SensitivityRow] = []
    narrower: str = Field(default="", description="what a narrower estimate of the fraction would change")
    words: str = Field(default="", description="assumptions and policy in plain words")


class Anchor(Part):
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


class Detector(Part):
    """A detector, its weight in the probability and its reach: where its scores mean something."""

    name: str
    version: str
    revision: str = ""
    weight: float | None = None
    reach: str | dict[str, Any] = Field(default="", description="words, or {words, documents, share, languages, ...}")
    accuracy: dict[str, Any] = Field(default={}, description="measured elsewhere: auroc, tpr, fpr, measured_on")


class Finding(Part):
    kind: str
    severity: Literal["note", "warning", "error"]
    scope_kind: str
    scope: str
    message: str
    advice: str
    evidence: dict[str, Any] = {}
    estimate: E | None = None


class Skip(Part):
    shard: str
    reason: str
    documents: Count = 1
    row: int | None = None
    detail: str = ""


class Member(Place):
    jaccard: float | None = None
    kind: str = "near"


class Cluster(Part):
    cluster_id: int | str
    documents: Count
    shards: Count
    kind: str = "near"
    jaccard: float | None = Field(default=None, description="lowest verified similarity to the representative")
    representative: Place | None = None
    members: list[Member] = []


class SizeBin(Part):
    """Clusters of size `size_from` to `size_to` documents, both included."""

    size_from: Count
    size_to: Count | None
    clusters: Count
    documents: Count


class Clusters(Part):
    count: Count = 0
    documents: Count = 0
    largest: list[Cluster] = []
    sizes: list[SizeBin] = []


class Overlap(Part):
    """Documents of `a` that have a near-duplicate in `b`, and the other way round. a == b: within the source."""

    a: str
    b: str
    documents: Count
    share_of_a: float | None = None
    share_of_b: float | None = None


class Overlaps(Part):
    kind: Literal["shard", "source", "host", "topic"] = "shard"
    names: list[str] = Field(default=[], description="the sources in the matrix, most overlapping first")
    cells: list[Overlap] = []
    left_out: Count = Field(default=0, description="sources that are not in the matrix")


class NearDuplicates(Part):
    """The parameters behind the duplicate fraction; the S-curve is 1 - (1 - J**rows)**bands."""

    permutations: Count
    bands: Count
    rows: Count
    threshold: float
    shingle_words: Count = 5
    verified: str = ""
    candidates: Count | None = None
    rejected: Count | None = None
    leftover: Count | None = None
    exact: Count | None = Field(default=None, description="members of clusters whose text is the same")
    near: Count | None = Field(default=None, description="members of clusters whose text is nearly the same")
    split: Count | None = Field(default=None, description="groups of candidates that are not one cluster")
    recall: float | None = Field(default=None, description="expected of pairs one sd above the threshold")


class ProfilePoint(Part):
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
    lower: float
    upper: float
    observed: float
    human: float = Field(description="fitted human part of the bin")
    machine: float = Field(description="fitted machine part of the bin")


class Fit(Part):
    """How far the observed scores lie from the fitted mixture, in total variation."""

    distance: float | None = None
    anchors_distance: float | None = Field(default=None, description="the anchors' own, leaving one domain out")
    excess: float | None = None
    p_value: float | None = None
    words: str = ""
    bins: list[FitBin] = []


class Sensitivity(Part):
    placebo: list[Placebo] = []
    cross_checks: list[CrossCheck] = []
    fit: Fit | None = None


class HostVolume(Part):
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
    probability: float | None = None
    why: str = ""


class Provenance(Part):
    """What was read and with what: enough to run it again."""

    command: str = ""
    config: dict[str, Any] = {}
    inputs: list[dict[str, Any]] = []
    packages: dict[str, str] = {}
    files_hash: str = ""
    machine: str = ""
