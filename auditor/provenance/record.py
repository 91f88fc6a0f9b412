"""The record of a run's provenance: what went in, what it was processed with, and what was measured. Other formats
derive from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from auditor.provenance.ledger import Line, TopHosts, declared_findings, total_digest
from auditor.records import Estimate, Finding, Json


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """Which audit: `audit` of report.json."""

    id: str
    started_at: str
    finished_at: str
    corpus: str
    version: str
    config_hash: str


@dataclass(frozen=True, slots=True)
class UsedDetector:
    """A detector that scored the documents."""

    name: str
    version: str
    revision: str


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known about the origin of a corpus, and what was measured in it.

    ledger: a line for each shard; digest: of the whole content, whatever its order
    report: report.json, some parts of which stand in the record as they are
    """

    audit: AuditFacts
    estimand: str
    documents: int
    skipped: int
    synthetic_fraction: Estimate
    digest: str
    ledger: tuple[Line, ...]
    findings: tuple[Finding, ...]
    top_hosts: TopHosts
    detectors: tuple[UsedDetector, ...]
    report: Json

    @classmethod
    def of(cls, report: Json, ledger: Sequence[Line], hosts: TopHosts) -> Record:
        """The record from report.json, the ledger and the hosts."""
        corpus = report["corpus"]
        return cls(
            AuditFacts(**{field.name: report["audit"][field.name] for field in fields(AuditFacts)}),
            report["estimand"],
            corpus["documents"],
            corpus["skipped"],
            Estimate.from_dict(corpus["synthetic_fraction"]),
            total_digest(line.digest for line in ledger),
            tuple(ledger),
            tuple(declared_findings(ledger)),
            hosts,
            tuple(UsedDetector(d["name"], d["version"], d.get("revision", "")) for d in report["detectors"]),
            report,
        )

    def as_json(self) -> Json:
        """The record as `auditor provenance` writes it."""
        report = self.report
        return {
            "schema_version": "1.0",
            "audit": report["audit"],
            "estimand": self.estimand,
            "corpus": report["corpus"],
            "digest": self.digest,
            "ledger": self.ledger,
            "findings": self.findings,
            "top_hosts": self.top_hosts,
            "detectors": report["detectors"],
            "skips": report["skips"],
            "packages": report["provenance"]["packages"],
            "command": report["provenance"]["command"],
            "config": report["provenance"]["config"],
            "anchors": report["anchors"],
        }
