"""Pydantic models of the reservoir in report.json: what to keep, what to acquire, and how that moves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.records import Json
from auditor.reports.model.base import Count, E, Part, R, Sizes


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
    kind: str = Field(default="verified", description="rephrased, generated, verified")
    horizon: int | None = Field(default=None, description="generations for which it is credited")
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


class KeptShard(Part):
    """A shard that holds human text."""

    shard: str
    tokens: E = Field(description="human word tokens")
    documents: float | None = None
    worth: float = Field(description="orders the list: surely human, unique, rich in tail, covered by anchors; 0 to 1")
    cumulative_share: float = Field(default=0.0, description="of the human tokens, with the shards before it")
    synthetic_fraction: float | None = None
    duplicate_fraction: float | None = None
    tail_retention: float | None = None
    anchor_coverage: float | None = None


class KeptStratum(Part):
    """A kind, language, topic, source or folder with the human text that it holds and still needs."""

    kind: str
    name: str
    tokens: E = Field(description="human word tokens")
    human_share: float
    acquire: dict[str, float | None] = Field(default={}, description="tokens by band; null where it cannot be sized")


class LeftOut(Part):
    """A shard without human text to keep, and why."""

    shard: str = ""
    reason: str = ""


class SumOfStrata(Part):
    """The strata of one kind added up, beside the corpus."""

    kind: str
    strata: Count
    human_tokens: float
    acquire: float = Field(description="central band")
    note: str | None = Field(default=None, description="why they do not add up to the corpus")


class Keep(Part):
    """The human text that the corpus already holds."""

    tokens: E
    shards: list[KeptShard] = Field(default=[], description="best first")
    kinds: list[KeptStratum] = []
    left_out: list[LeftOut] = Field(default=[], description="shards that hold hardly any, or are not measured")
    note: str | None = Field(default=None, description="why the shards do not add up to the corpus")
    sums: list[SumOfStrata] = Field(default=[], description="by kind of stratum")


class Acquire(Part):
    """Human text still to acquire, by band: the same as the bands beside it."""

    optimistic: R
    central: R
    pessimistic: R


class CoveragePoint(Part):
    """The human text in which the types that carry this share of human language occur k times."""

    share: float
    tokens: float
    reached: bool = Field(description="the corpus' own human text suffices")
    bounded: bool = Field(default=False, description="rests on the number of types not seen: rather too few tokens")


class StratumBand(Sizes):
    """What a band asks of one stratum."""

    regime: str = ""
    sizing: str = ""
    reason: str | None = None


class StratumSize(Part):
    """A language, topic, folder or kind of text with its size in each band, or why it has none."""

    kind: str
    name: str
    reason: str | None = None
    tokens: float | None = None
    documents: float | None = None
    synthetic_fraction: E | None = None
    rarest_frequency: float | None = None
    sample_tokens: Count = 0
    optimistic: StratumBand = StratumBand()
    central: StratumBand = StratumBand()
    pessimistic: StratumBand = StratumBand()


class Reservoir(Part):
    """How much human text to keep and to acquire, so that the tail lasts over the horizon."""

    horizon: Count = Field(description="generations of training ahead")
    tolerance: float = Field(description="share of the tail that may be lost over the horizon")
    optimistic: R
    central: R
    pessimistic: R
    keep: Keep | None = Field(default=None, description="human text that the corpus holds")
    acquire: Acquire | None = None
    coverage: list[CoveragePoint] = []
    coverage_reached: dict[str, float] | None = Field(default=None, description="share and tokens of the corpus itself")
    sentence: str = Field(default="", description="what to keep and to acquire, in a sentence")
    priorities: list[Priority] = []
    policy: list[Floor] = []
    appended: Json = Field(default={}, description="the bands where human text is added, not put in place")
    assumptions: Json = {}
    perplexity: Json = {}
    strata: list[StratumSize] = Field(default=[], description="by language, topic, folder: its size in each band")
    declared: list[Declaration] = []
    sensitivity: list[SensitivityRow] = []
    narrower: str = Field(default="", description="what a narrower estimate of the fraction would change")
    words: str = Field(default="", description="assumptions and policy in plain words")
