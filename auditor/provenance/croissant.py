"""The record as Croissant: dataset metadata with the responsible-AI terms and PROV, as JSON-LD."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from auditor.provenance.ledger import Line
from auditor.provenance.record import AuditFacts, Record
from auditor.records import Estimate, Json, Status

VERSIONS = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "jsonl": "application/jsonlines",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "text": "text/plain",
    "folder": "text/plain",
    "warc": "application/warc",
    "wet": "application/warc",
    "tar": "application/x-tar",
    "lance": "application/octet-stream",
}
PACKED = {"gz": "application/gzip", "zst": "application/zstd", "bz2": "application/x-bzip2", "xz": "application/x-xz"}
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(record: Record, hashes: Mapping[str, str]) -> Json:
    """A record as Croissant 1.0 with RAI terms.

    Parameters: hashes, SHA-256 of each shard's file by the shard's name
    References: MLCommons Croissant 1.0; Croissant RAI 1.0; W3C PROV-O
    """
    audit, ledger, fraction = record.audit, record.ledger, record.synthetic_fraction
    licences = sorted({licence for line in ledger for licence in line.licences})
    out: Json = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": VERSIONS,
        "name": re.sub(r"[^\w .-]", "-", audit.corpus) or "corpus",
        "description": f"Text corpus of {record.documents:,} documents in {len(ledger):,} shards, audited with "
        f"auditor {audit.version}. {_measured(fraction)}",
        "datePublished": audit.finished_at[:10],
        "version": f"0.0.0+{record.digest}",
        "distribution": [_file(line, place, hashes) for place, line in enumerate(ledger)],
        "rai:dataCollection": _collection(ledger),
        "rai:dataLimitations": [record.estimand, *(finding.message for finding in record.findings)],
        "rai:dataPreprocessingProtocol": [
            f"{record.skipped:,} records were skipped as damaged or without text; nothing was removed by the audit."
        ],
        "rai:syntheticDataExplanation": _measured(fraction) + _declared(ledger),
        "prov:wasGeneratedBy": _activity(audit),
    }
    if licences:
        out["license"] = licences
    if dated := sorted(d for line in ledger for d in (line.dated_from, line.dated_to) if d):
        out["rai:dataCollectionTimeFrame"] = [dated[0], dated[-1]]
    if any(line.generators for line in ledger) or (fraction.lower or 0) > 0:
        out["rai:hasSyntheticData"] = True
    if sources := sorted({s for line in ledger for s in (*line.sources, line.origin) if s}):
        out["prov:wasDerivedFrom"] = [{"@type": "prov:Entity", "name": source} for source in sources[:1000]]
    return out


def _file(line: Line, place: int, hashes: Mapping[str, str]) -> Json:
    kind = TYPES.get(line.format, "text/plain")
    encoding = PACKED.get(line.compression or "", kind)
    common = {"@id": f"shard-{place}", "name": f"shard-{place}", "description": line.shard}
    if line.shard not in hashes:  # a folder
        return {"@type": "cr:FileSet", **common, "encodingFormat": kind, "includes": f"{line.shard.rstrip('/')}/**"}
    return {
        "@type": "cr:FileObject",
        **common,
        "contentUrl": line.shard,
        "contentSize": f"{line.file_bytes} B",
        "encodingFormat": encoding,
        "sha256": hashes[line.shard],
    }


def _measured(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"The share of machine-written documents was not measured: {estimate.reason}."
    note = "" if estimate.status == Status.MEASURED else f" (inconclusive: {estimate.reason})"
    return (
        f"Estimated share of machine-written documents: {estimate.value:.1%}, "
        f"{estimate.level:.0%} interval {estimate.lower:.1%} to {estimate.upper:.1%}{note}."
    )


def _declared(ledger: Sequence[Line]) -> str:
    generators = sorted({generator for line in ledger for generator in line.generators})
    declared = sum(line.declared_documents for line in ledger)
    if not declared:
        return " No document declares a generator."
    return f" {declared:,} documents declare a generator: {', '.join(generators[:20])}."


def _collection(ledger: Sequence[Line]) -> str:
    origins = sorted({line.origin for line in ledger if line.origin})
    return f"Origins stated beside the shards: {', '.join(origins)}." if origins else "Not stated beside the shards."


def _activity(audit: AuditFacts) -> Json:
    return {
        "@type": "prov:Activity",
        "name": f"Audit {audit.id}",
        "prov:startedAtTime": audit.started_at,
        "prov:endedAtTime": audit.finished_at,
        "prov:wasAssociatedWith": {"@type": "prov:SoftwareAgent", "name": "auditor", "version": audit.version},
    }
