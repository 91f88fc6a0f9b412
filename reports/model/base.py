"""Pydantic models of the smallest parts of report.json: an estimate E, a reservoir size R, a place in the corpus."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditor.records import Json

Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Measured = Literal["measured", "inconclusive", "not_measured"]


# The rule of E for validators of other languages; `_status_agrees_with_numbers` is its twin here.
_NUMBERS = ("value", "lower", "upper")
E_RULE: Json = {
    "if": {"properties": {"status": {"const": "not_measured"}}},
    "then": {"properties": {name: {"type": "null"} for name in _NUMBERS} | {"reason": {"type": "string"}}},
    "else": {"properties": {name: {"type": "number"} for name in _NUMBERS}},
}


class Part(BaseModel):
    """Base of every part. Unknown keys are kept: a report may gain keys, but never renames one."""

    model_config = ConfigDict(extra="allow")


class E(Part):
    """An estimate: value, interval, method, sample size and status. `not_measured` carries nulls and its reason."""

    model_config = ConfigDict(extra="allow", json_schema_extra=E_RULE)

    value: float | None
    lower: float | None
    upper: float | None
    level: float = Field(default=0.95, gt=0, lt=1, description="coverage of the interval")
    method: str = Field(default="", description="name of the estimator; census for a full count")
    n: Count = Field(default=0, description="sampling units behind the number")
    status: Measured
    reason: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_record(cls, given: Any) -> Any:
        """Accept auditor.records.Estimate as it is."""
        return given.as_dict() if hasattr(given, "as_dict") else given

    @model_validator(mode="after")
    def _status_agrees_with_numbers(self) -> E:
        numbers = (self.value, self.lower, self.upper)
        if self.status == "not_measured":
            if numbers != (None, None, None) or not self.reason:
                raise ValueError("not_measured needs null numbers and a reason")
        elif None in numbers:
            raise ValueError(f"{self.status} needs value, lower and upper")
        elif self.status == "inconclusive" and not self.reason:
            raise ValueError("inconclusive needs a reason")
        return self


def not_measured(reason: str = "not estimated for this scope") -> E:
    """An E without numbers, and why there are none."""
    return E(value=None, lower=None, upper=None, status="not_measured", reason=reason)


class ShardTokens(Part):
    """Human text still to acquire for one shard."""

    shard: str
    tokens: float | None
    documents: float | None


class Sizes(Part):
    """What is asked of a stratum: human text still to acquire, and the shares that it follows from."""

    tokens: float | None = None
    documents: float | None = None
    bytes: float | None = None
    human_share: float | None = None
    required_share: float | None = None
    human_tokens: float | None = None
    upsampling: float | None = None
    binding_constraint: str = ""


class StratumTokens(Sizes):
    """Human text still to acquire of one stratum."""

    kind: str = ""
    stratum: str
    tokens: float | None


class R(Part):
    """One band of the reservoir: unique human text still to acquire."""

    tokens: float | None = Field(description="unique human word tokens still to acquire; null where it can't be sized")
    documents: float | None
    bytes: float | None
    human_share: float | None = Field(description="human share of the training mix that the band asks for")
    regime: str = Field(description="what happens to older text: accumulate, accumulate and subsample, replace")
    sizing: Literal["fixed_compute", "appended"]
    upsampling: float | None = Field(description="how often the human text is repeated")
    binding_constraint: str
    per_shard: list[ShardTokens] = []
    required_share: float | None = None
    human_tokens: float | None = Field(default=None, description="that the corpus holds by this band's reading")
    words: str = Field(default="", description="what the band assumes")
    notes: list[str] = []
    strata: list[StratumTokens] = []
    reason: str | None = Field(default=None, description="why tokens is null, covers a part, or is inconclusive")
    status: Measured = "measured"


class Place(Part):
    """One document: its shard, its row there and its id as the source gives it."""

    shard: str
    row: Count
    doc_id: str = ""
    excerpt: str | None = Field(default=None, description="redacted text; only with --excerpts")
