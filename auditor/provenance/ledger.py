"""The ledger: what is known about the origin of each shard, what it declares, and what was measured in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.records import Estimate, Finding, Severity

GAP = 0.05  # a declared share may lie this far below the measured one before it is a finding
NAMES = ("licence", "origin", "generator", "verifier")  # what a sidecar may say, as text


@dataclass(frozen=True, slots=True)
class Stated:
    """What documents and sidecar state about a shard.

    licences, sources, generators: documents by value; declared: documents that name a generator; declares: whether
    there is a place that would name one: silence alone does not declare 0%
    """

    licences: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    generators: Mapping[str, int] = field(default_factory=dict)
    declared: int = 0
    dated_from: str | None = None
    dated_to: str | None = None
    sidecar: Mapping[str, str] = field(default_factory=dict)
    declares: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One shard's line of the ledger."""

    shard: str
    path: str
    file_bytes: int
    fingerprint: str
    digest: str
    text_digest: str
    format: str
    compression: str | None
    documents: int
    eligible_documents: int
    tokens: int
    text_bytes: int
    skipped: int
    complete: bool
    columns: Mapping[str, str]
    licences: Mapping[str, int]
    sources: Mapping[str, int]
    origin: str | None
    verifier: str | None
    generators: Mapping[str, int]
    declared_documents: int
    declared_synthetic_share: float | None
    measured_synthetic_fraction: Estimate
    dated_from: str | None
    dated_to: str | None


def entry(shard: Mapping[str, Any], source: Mapping[str, Any], stated: Stated) -> Line:
    """One shard's line of the ledger.

    Parameters: shard, its row of report.json; source, its entry in report.json's provenance.inputs
    """
    documents = shard["documents"]
    # A generator that is null states that there is none.
    beside = {key: str(value)[:500] for key, value in stated.sidecar.items() if key in NAMES and value}
    share = declared_share(stated, documents)
    named = {beside["generator"]: documents} if "generator" in beside else {}
    return Line(
        shard=shard["shard"],
        path=shard["path"],
        file_bytes=source["bytes"],
        fingerprint=source["fingerprint"],
        digest=source["digest"],
        text_digest=source["text_digest"],
        format=source["format"],
        compression=source["compression"],
        documents=documents,
        eligible_documents=shard["eligible_documents"],
        tokens=shard["tokens"],
        text_bytes=shard["bytes"],
        skipped=shard["skipped"],
        complete=shard.get("complete", True),
        columns=source.get("columns", {}),
        licences=stated.licences or ({beside["licence"]: documents} if "licence" in beside else {}),
        sources=stated.sources,
        origin=beside.get("origin"),
        verifier=beside.get("verifier"),
        generators={**stated.generators, **named},
        declared_documents=documents if named else stated.declared,
        declared_synthetic_share=share,
        measured_synthetic_fraction=Estimate.from_dict(shard["synthetic_fraction"]),
        dated_from=stated.dated_from,
        dated_to=stated.dated_to,
    )


def declared_share(stated: Stated, documents: int) -> float | None:
    """The share of machine-written documents that a shard declares; None where it declares nothing."""
    if stated.sidecar.get("generator"):
        return 1.0
    return stated.declared / documents if stated.declares and documents else None


def undeclared(shard: str, declared: float | None, measured: Estimate) -> Finding | None:
    """The finding on a shard that is surely more machine-written than it declares to be."""
    if measured.lower is None or declared is None or measured.lower <= declared + GAP:
        return None
    return Finding(
        "undeclared_synthetic",
        Severity.WARNING,
        "shard",
        shard,
        f"declares {declared:.0%} machine-written documents, at least {measured.lower:.0%} were measured",
        "ask its supplier for the generator, correct the declaration, or review a sample (auditor export --review)",
        {"declared": declared, "threshold": GAP},
        measured,
    )


def declared_findings(ledger: Iterable[Line]) -> list[Finding]:
    """Shards that are surely more machine-written than they declare to be."""
    found = (undeclared(line.shard, line.declared_synthetic_share, line.measured_synthetic_fraction) for line in ledger)
    return [finding for finding in found if finding]


def rows(ledger: Iterable[Line]) -> list[dict[str, str | None]]:
    """The ledger as rows of the store's table `provenance`: shard, name, value."""
    kept = (
        "licences",
        "sources",
        "origin",
        "verifier",
        "generators",
        "declared_synthetic_share",
        "fingerprint",
        "digest",
        "text_digest",
        "file_bytes",
        "dated_from",
        "dated_to",
    )
    return [
        {"shard": line.shard, "name": name, "value": str(value)}
        for line in ledger
        for name in kept
        if (value := getattr(line, name)) not in (None, {}, "")
    ]


def total_digest(digests: Iterable[str]) -> str:
    """The digest of the whole: a sum, so neither the order of documents nor their distribution over files matters."""
    return f"{sum(int(digest, 16) for digest in digests) % (1 << 64):016x}"


@dataclass(frozen=True, slots=True)
class Host:
    """A web host with its documents and bytes of text."""

    host: str
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class TopHosts:
    """The top tenth of the hosts by bytes of text; listed: how many they are; share_of_bytes: theirs of all hosts."""

    hosts: int
    listed: int
    share_of_bytes: float | None
    top: list[Host]


def top_hosts(hosts: Iterable[tuple[str, int, int]]) -> TopHosts:
    """The top tenth of web hosts by bytes of text, as the EU's summary of training content requires.

    hosts: (host, documents, bytes), every host of the corpus
    References: European Commission 2025, template for the public summary of training content, section 2.3
    """
    ranked = sorted(hosts, key=lambda row: (-row[2], row[0]))
    count = -(-len(ranked) // 10)
    total, shown = sum(row[2] for row in ranked), ranked[:count]
    share = sum(row[2] for row in shown) / total if total else None
    return TopHosts(len(ranked), count, share, [Host(*row) for row in shown])
