"""The verdict of a policy: the model of verdict.json, and its JSON Schema file.

Run `python -m auditor.reports.model.verdict` after a change: it writes verdict.schema.json beside this module.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from auditor.records import Json
from auditor.reports.model.base import Count, Part

SCHEMA_PATH = Path(__file__).with_name("verdict.schema.json")
Outcome = Literal["pass", "warn", "fail", "inconclusive", "waived", "not_worse"]


class Judged(Part):
    """The run that was judged, or the baseline."""

    audit_id: str
    corpus: str
    finished_at: str
    complete: bool


class Waived(Part):
    """A waiver of the policy: the rule and the scopes that it covers, until when, and how often it was used."""

    rule: str
    scope: list[str]
    until: str = Field(description="ISO 8601 date, the last day")
    reason: str
    state: Literal["used", "unused", "expired"]
    cases: Count


class Case(Part):
    """One rule and one scope."""

    rule: str
    quantity: str
    scope_kind: str
    scope: str
    verdict: Outcome
    side: Literal["above", "below"] = Field(description="which side of the bound is bad")
    bound: float | None
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    status: Literal["measured", "inconclusive", "not_measured"]
    p_value: float | None = Field(description="one-sided, against: the truth is within the bound")
    message: str


class Verdict(Part):
    """verdict.json."""

    schema_version: str = "1.0"
    verdict: Literal["pass", "fail", "inconclusive"]
    exit_code: int
    policy: str
    policy_hash: str
    strict: bool
    control: str = Field(description="how false alarms are held down, in words")
    run: Judged
    baseline: Judged | None
    counts: dict[Outcome, int]
    cases: list[Case]
    waivers: list[Waived]


def json_schema() -> Json:
    """The JSON Schema (2020-12) of verdict.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Verdict.model_json_schema()}


def write_schema(path: Path = SCHEMA_PATH) -> None:
    """Write the JSON Schema file that ships with the package."""
    path.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schema()
