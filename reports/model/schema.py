"""The model of report.json, the source of truth for machines, and its JSON Schema file.

Run `python -m auditor.reports.model.schema` after a change: it writes report.schema.json beside this module.
Changes of the format are listed in docs/report-format.md; keys are added, never renamed.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from auditor.errors import StoreError
from auditor.records import Json
from auditor.reports.model.base import Count, E, Part, not_measured
from auditor.reports.model.duplicates import Clusters, NearDuplicates, Overlaps
from auditor.reports.model.quantities import DiversityLoss, Drift, Meaning, Quantities
from auditor.reports.model.reservoir import Reservoir
from auditor.reports.model.sections import (
    Action,
    Anchor,
    AnchorCoverage,
    Detector,
    DiversityProfile,
    Excerpt,
    Filtering,
    Finding,
    HostVolume,
    Images,
    Passage,
    Provenance,
    Sensitivity,
    Skip,
    Unread,
)
from auditor.reports.model.verdict import Verdict

SCHEMA_VERSION = "1.0"
SCHEMA_PATH = Path(__file__).with_name("report.schema.json")
DIGITS = 8


class Audit(Part):
    """Which audit this is: its corpus, times, version and configuration."""

    id: str
    started_at: str = Field(description="ISO 8601")
    finished_at: str
    corpus: str
    version: str = Field(description="of auditor")
    config_hash: str
    seeds: dict[str, int] = {}
    complete: bool = Field(default=True, description="false where a shard could be read only in part")


class Counts(Part):
    """What was read, in full counts."""

    records: Count | None = Field(default=None, description="met by the readers: documents + skipped")
    documents: Count = Field(description="includes those that are not eligible")
    eligible_documents: Count
    tokens: Count
    bytes: Count
    skipped: Count = Field(description="records that are not documents, outside `documents`")


class Corpus(Counts, Quantities):
    """The whole corpus: what was read and what was estimated."""

    shards: Count
    shards_listed: Count | None = Field(default=None, description="files of the corpus where a sample of them was read")
    unread: Unread | None = Field(default=None, description="what of the corpus was not read, and why")
    meaning: Meaning | None = Field(default=None, description="how alike documents are in what they say")
    images: Images | None = Field(default=None, description="what images beside the texts declare")
    drift: Drift = Field(default=Drift(), description="divergence from the reference; stage of collapse")


class Shard(Counts, Quantities):
    """One input file: what was read and what was estimated."""

    shard: str
    path: str
    drift: Drift = Field(default=Drift(), description="divergence from the reference; stage of collapse")
    complete: bool = Field(default=True, description="false where it could be read only in part")
    error: str | None = None
    digest: str = Field(
        default="", description="of its records, whatever their order: text, columns beside it, what was left out"
    )
    text_digest: str = Field(default="", description="of its texts in their normal form, whatever their order")
    format: str = Field(default="", description="parquet, arrow, jsonl, csv, tsv, text, folder, warc, wet, tar, lance")
    compression: str | None = None
    ineligible: dict[str, int] = Field(default={}, description="documents that are not judged, by reason")
    skip_counts: dict[str, int] = Field(default={}, description="records that are no documents, by reason")
    notes: dict[str, int] = Field(default={}, description="documents that were repaired and kept, by reason")
    images: Images | None = Field(default=None, description="what images beside the texts declare")
    named: list[Skip] = Field(default=[], description="the first skipped records: row, reason, detail")
    flags: list[str] = []


class Stratum(Part):
    """A slice across shards; quantities that were not estimated for it are not measured, with the reason."""

    kind: Literal["language", "topic", "category", "host", "year", "length", "kind", "source"]
    name: str
    documents: Count
    eligible_documents: Count = 0
    tokens: Count = 0
    synthetic_fraction: E
    synthetic_fraction_tokens: E = Field(default_factory=not_measured)
    synthetic_fraction_pooled: E | None = Field(default=None, description="drawn towards like strata")
    synthetic_fraction_lower_bound: E | None = Field(default=None, description="needs no machine anchors")
    mixed_fraction: E | None = Field(default=None, description="documents in which people and machines both wrote")
    touched_fraction: E | None = Field(default=None, description="machine-written and assisted documents together")
    anchor_coverage: AnchorCoverage | None = Field(default=None, description="how far anchors cover its kinds of text")
    human_share: E | None = Field(default=None, description="1 - synthetic_fraction")
    share: E | None = Field(default=None, description="of the corpus' eligible documents")
    share_of_reference: E | None = Field(default=None, description="of the human reference's eligible documents")
    share_retained: E | None = Field(default=None, description="share / share_of_reference: below 1, it lost ground")
    duplicate_fraction: E = Field(default_factory=not_measured)
    diversity_loss: DiversityLoss | None = None
    tail_retention: E = Field(default_factory=not_measured)
    meaning: Meaning | None = Field(default=None, description="of a kind of text: how alike its documents are")
    reference: str = Field(default="", description="what its diversity was compared with")
    drawn: Count = Field(default=0, description="documents that its diversity was measured on; 0: all")


class Report(Part):
    """report.json."""

    schema_version: str = SCHEMA_VERSION
    audit: Audit
    estimand: str = Field(description="what synthetic_fraction is the share of, in words")
    corpus: Corpus
    shards: list[Shard]
    strata: list[Stratum] = []
    reservoir: Reservoir
    anchors: list[Anchor] = []
    detectors: list[Detector] = []
    findings: list[Finding] = []
    skips: list[Skip] = []
    provenance: Provenance = Provenance()
    actions: list[Action] = []
    filtering: list[Filtering] = []
    clusters: Clusters = Clusters()
    overlaps: Overlaps = Overlaps()
    near_duplicates: NearDuplicates | None = None
    profile: DiversityProfile | None = None
    sensitivity: Sensitivity = Sensitivity()
    hosts: list[HostVolume] = Field(default=[], description="largest hosts by volume")
    method: list[Passage] = []
    limits: list[str] = []
    citations: list[str] = []
    excerpts: list[Excerpt] = Field(default=[], description="only with --excerpts, redacted")
    verdict: Verdict | None = Field(default=None, description="verdict.json where a policy was given")


def check(report: Json) -> Report:
    """The report as a model; raises StoreError that names the first wrong key."""
    try:
        with _collector_paused():
            return Report.model_validate(report)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise StoreError(
            f"report.json is not valid at {where or 'its root'}: {first['msg']} ({wrong.error_count()} in all); "
            "it was made by another version or edited: run `auditor finalise` on the run again"
        ) from None


def json_schema() -> Json:
    """The JSON Schema (2020-12) of report.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}


def unknown_keys(report: Json) -> list[str]:
    """Dotted paths that the model doesn't know: misspelt, or new and not yet described here."""
    return sorted(set(_unknown(check(report), "")))


def tidy(number: float, digits: int = DIGITS) -> float:
    """Round to significant digits, but never to an exact 0 or 1 that the number isn't."""
    if isinstance(number, int) or number == 0 or not math.isfinite(number):
        return number
    rounded = round(number, digits - 1 - math.floor(math.log10(abs(number))))
    return number if rounded == 0 or abs(rounded) == 1 else rounded


def to_json(report: Json, *, indent: int | None = 1) -> str:
    """report.json's text: tidy numbers, null for numbers that aren't finite, a newline at the end."""
    return json.dumps(_tidied(report), ensure_ascii=False, indent=indent, allow_nan=False) + "\n"


def write_schema(path: Path = SCHEMA_PATH) -> None:
    """Write the JSON Schema file that ships with the package."""
    path.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the cyclic collector, which would visit the growing model again and again.

    Of 10,000 shards the model has a million parts: 4.0 seconds with the collector, 1.1 without.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _tidied(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _tidied(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_tidied(value) for value in node]
    if isinstance(node, float):
        return tidy(node) if math.isfinite(node) else None
    if isinstance(node, str):
        # A lone surrogate can't be encoded; it would make the whole report unreadable.
        return node.encode("utf-8", "replace").decode("utf-8")
    return node


def _unknown(node: Any, path: str) -> list[str]:
    if isinstance(node, Part):
        found = [f"{path}{key}" for key in node.model_extra or {}]
        for name in type(node).model_fields:
            found += _unknown(getattr(node, name), f"{path}{name}.")
        return found
    if isinstance(node, list):
        return [key for item in node for key in _unknown(item, path)]
    if isinstance(node, dict):
        return [key for name, item in node.items() for key in _unknown(item, f"{path}{name}.")]
    return []


if __name__ == "__main__":
    write_schema()
