"""Pydantic models of the reservoir in report.json: what to keep, what to acquire, and how that moves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from auditor.reports.model.base import Count, E, Part, R


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


class Keep(Part):
    """Human text that the corpus already holds and that must not be thrown away."""

    tokens: E
    shards: list[Any] = []
    kinds: list[Any] = []


class Acquire(Part):
    """Human text still to acquire: the same bands as beside it."""

    optimistic: R
    central: R
    pessimistic: R


class CoveragePoint(Part):
    """Tokens of human text in which so large a share of human tokens has types that stand often enough."""

    share: float
    tokens: float | None = None
    reached: bool | float | None = Field(default=None, description="whether the corpus' own human text suffices")


class Reservoir(Part):
    horizon: Count = Field(description="generations of training ahead")
    tolerance: float = Field(description="share of the tail that may be lost over the horizon")
    optimistic: R
    central: R
    pessimistic: R
    keep: Keep | None = Field(default=None, description="human text that the corpus holds")
    acquire: Acquire | None = None
    coverage: list[CoveragePoint] = []
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
