"""The ledger: what is known of where each shard comes from, what it declares, and what was measured in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from auditor.records import Estimate, Finding, Severity, Status

GAP = 0.05  # a declared share may lie this far below the measured one before it is a finding
NAMES = ("licence", "origin", "generator", "verifier")  # what a sidecar may say, as text


def entry(shard: Mapping[str, Any], source: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """One shard's line of the ledger.

    Parameters: shard, its part of report.json; source, its entry in report.json's provenance.inputs; columns, what its
        documents say: licences, sources, generators {value: documents}, declared, dated_from, dated_to; sidecar;
        declares, whether there is a place that would name a generator: silence alone is no declaration of 0%
    """
    eligible = shard["eligible_documents"]
    declared = columns["declared"]
    stated = columns.get("sidecar", {}).items()
    sidecar = {key: str(value)[:500] for key, value in stated if key in NAMES and value}  # a null generator: none
    share = declared / shard["documents"] if columns.get("declares", True) and shard["documents"] else None
    share = 1.0 if sidecar.get("generator") else share
    return {
        "shard": shard["shard"],
        "path": shard["path"],
        "file_bytes": source["bytes"],
        "fingerprint": source["fingerprint"],
        "digest": source["digest"],
        "text_digest": source["text_digest"],
        "format": source["format"],
        "compression": source["compression"],
        "documents": shard["documents"],
        "eligible_documents": eligible,
        "tokens": shard["tokens"],
        "text_bytes": shard["bytes"],
        "skipped": shard["skipped"],
        "complete": shard.get("complete", True),
        "columns": source.get("columns", {}),
        "licences": columns["licences"] or ({sidecar["licence"]: shard["documents"]} if "licence" in sidecar else {}),
        "sources": columns["sources"],
        "origin": sidecar.get("origin"),
        "verifier": sidecar.get("verifier"),
        "generators": columns["generators"]
        | ({sidecar["generator"]: shard["documents"]} if "generator" in sidecar else {}),
        "declared_documents": shard["documents"] if sidecar.get("generator") else declared,
        "declared_synthetic_share": share,
        "measured_synthetic_fraction": shard["synthetic_fraction"],
        "dated_from": columns.get("dated_from"),
        "dated_to": columns.get("dated_to"),
    }


def declared_findings(ledger: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Shards that are surely more machine-written than they declare to be."""
    found = []
    for line in ledger:
        e, declared = line["measured_synthetic_fraction"], line["declared_synthetic_share"]
        if e["lower"] is None or declared is None or e["lower"] <= declared + GAP:
            continue
        names = ("value", "lower", "upper", "level", "method", "n", "reason")
        estimate = Estimate(**{name: e[name] for name in names}, status=Status(e["status"]))
        found.append(
            Finding(
                "undeclared_synthetic",
                Severity.WARNING,
                "shard",
                line["shard"],
                f"declares {declared:.0%} machine-written documents, at least {e['lower']:.0%} were measured",
                "ask its supplier for the generator, correct the declaration, or review a sample "
                "(auditor export --review)",
                {"declared": declared, "threshold": GAP},
                estimate,
            )
        )
    return found


def rows(ledger: Iterable[Mapping[str, Any]]) -> list[dict[str, str | None]]:
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
        {"shard": line["shard"], "name": name, "value": str(line[name])}
        for line in ledger
        for name in kept
        if line[name] not in (None, {}, "")
    ]


def total_digest(digests: Iterable[str]) -> str:
    """The digest of the whole: a sum, so neither the order of documents nor their place among files matters."""
    return f"{sum(int(digest, 16) for digest in digests) % (1 << 64):016x}"


def top_hosts(hosts: Iterable[tuple[str, int, int]]) -> dict[str, Any]:
    """The top tenth of web hosts by bytes of text, as the EU's summary of training content asks for.

    hosts: (host, documents, bytes), every host of the corpus
    References: European Commission 2025, template for the public summary of training content, section 2.3
    """
    ranked = sorted(hosts, key=lambda row: (-row[2], row[0]))
    count = -(-len(ranked) // 10)
    total, shown = sum(row[2] for row in ranked), ranked[:count]
    return {
        "hosts": len(ranked),
        "listed": count,
        "share_of_bytes": sum(row[2] for row in shown) / total if total else None,
        "top": [{"host": host, "documents": documents, "bytes": size} for host, documents, size in shown],
    }
