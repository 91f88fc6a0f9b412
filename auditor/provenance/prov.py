"""The record as W3C PROV-JSON: shards, references and models used by the audit, and the report that it made."""

from __future__ import annotations

from auditor.provenance.ledger import Line
from auditor.provenance.record import Record
from auditor.records import Json


def prov_json(record: Record) -> Json:
    """A record as PROV-JSON.

    References: W3C member submission 2013, The PROV-JSON Serialization
    """
    audit, ledger = record.audit, record.ledger
    run, tool, report = f"audit:{audit.id}", "audit:auditor", "audit:report"
    entities: Json = {
        report: {"prov:type": "audit:Report", "audit:corpus": audit.corpus, "audit:digest": record.digest}
    }
    used: Json = {}
    derived: Json = {}
    attributed: Json = {}
    agents: Json = {
        tool: {
            "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
            "audit:version": audit.version,
        }
    }
    for place, line in enumerate(ledger):
        shard = f"audit:shard-{place}"
        entities[shard] = _entity(line)
        used[f"_:u{place}"] = {"prov:activity": run, "prov:entity": shard}
        derived[f"_:d{place}"] = {"prov:generatedEntity": report, "prov:usedEntity": shard}
        for generator in line.generators:
            name = f"audit:generator-{len(agents)}"
            known = next((key for key, agent in agents.items() if agent.get("audit:generator") == generator), None)
            agents.setdefault(known or name, {"audit:generator": generator})
            attributed[f"_:a{len(attributed)}"] = {"prov:entity": shard, "prov:agent": known or name}
    for place, detector in enumerate(record.detectors):
        name = f"audit:detector-{place}"
        own = {"audit:name": detector.name, "audit:version": detector.version}
        entities[name] = {"prov:type": "audit:Detector", **own, "audit:revision": detector.revision}
        used[f"_:m{place}"] = {"prov:activity": run, "prov:entity": name}
    out: Json = {
        "prefix": {
            "audit": f"urn:auditor:{audit.id}:",
            "prov": "http://www.w3.org/ns/prov#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "entity": entities,
        "activity": {
            run: {
                "prov:startTime": audit.started_at,
                "prov:endTime": audit.finished_at,
                "audit:configuration": audit.config_hash,
            }
        },
        "agent": agents,
        "used": used,
        "wasGeneratedBy": {"_:g": {"prov:entity": report, "prov:activity": run}},
        "wasAssociatedWith": {"_:w": {"prov:activity": run, "prov:agent": tool}},
    }
    return out | {key: found for key, found in (("wasDerivedFrom", derived), ("wasAttributedTo", attributed)) if found}


def _entity(line: Line) -> Json:
    found = {
        "prov:type": "audit:Shard",
        "audit:name": line.shard,
        "audit:bytes": line.file_bytes,
        "audit:documents": line.documents,
        "audit:skipped": line.skipped,
        "audit:digest": line.digest,
        "audit:fingerprint": line.fingerprint,
        "audit:origin": line.origin,
        "audit:verifier": line.verifier,
        "audit:licence": ", ".join(line.licences) or None,
        "audit:declaredSynthetic": line.declared_synthetic_share,
        "audit:measuredSynthetic": line.measured_synthetic_fraction.value,
    }
    return {key: value for key, value in found.items() if value is not None}
