"""What is known without estimating: counts and skips of each shard, provenance, the clustering's parameters."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from auditor.config import Config
from auditor.manifest import key_of
from auditor.pipeline.run.parts import done
from auditor.pipeline.run.plan import CORPUS, Plan, lsh_of
from auditor.sketch.content import written
from auditor.sources.find.unread import unread_counts

NO_FAULT = ("http_status", "not_a_page")  # of records that are whole and hold no text
DIGESTS = ("digest", "text_digest")
PACKAGES = ("polars", "duckdb", "numpy", "numba", "scipy", "datasketch", "scikit-learn", "pyarrow", "wordfreq")


def shard_rows(run: Path, plan: Plan, failed: Mapping[str, str]) -> list[dict[str, Any]]:
    """Counts of each shard over its splits; what could not be read is named."""
    rows: dict[str, dict[str, Any]] = {}
    for shard in plan.corpus.shards:
        rows[shard.name] = {
            "shard": shard.name,
            "path": shard.path,
            "records": 0,
            "documents": 0,
            "eligible_documents": 0,
            "tokens": 0,
            "bytes": 0,
            "skipped": 0,
            "complete": True,
            "error": None,
            "ineligible": Counter(),
            "skip_counts": Counter(),
            "notes": Counter(),
            "named": [],
            "digest": 0,
            "text_digest": 0,
            "format": shard.format,
            "compression": shard.compression,
        }
    for task in plan.of_role(CORPUS):
        row, marker = rows[task.shard.name], done(run, task.key)
        if marker is None:
            row["complete"], row["error"] = False, failed.get(task.key, "a part of it has not been mapped")
            continue
        for name in ("records", "documents", "eligible_documents", "tokens", "bytes", "skipped"):
            row[name] += marker[name]
        for name, key in (("ineligible", "ineligible"), ("skip_counts", "skips"), ("notes", "notes")):
            row[name].update(marker[key])
        row["named"] += marker["named"]
        for name in DIGESTS:
            row[name] += int(marker[name], 16)
        if not marker["complete"]:
            row["complete"], row["error"] = False, marker["error"]
        elif task.key in failed:
            row["complete"], row["error"] = False, failed[task.key]
    for row in rows.values():
        _say_unread(row)
        row.update({name: written(row[name]) for name in DIGESTS})
    return list(rows.values())


def _say_unread(row: dict[str, Any]) -> None:
    """A shard of which every record was left out was not read, unless its records are of a kind that holds no text."""
    faults = {reason: n for reason, n in row["skip_counts"].items() if reason not in NO_FAULT}
    if row["complete"] and not row["documents"] and faults:
        reasons = ", ".join(f"{n:,} x {reason}" for reason, n in sorted(faults.items()))
        row["complete"], row["error"] = False, f"none of its {row['records']:,} records could be read ({reasons})"


def skip_rows(plan: Plan, shards: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every reason once per shard with its count; files that could not be read at all."""
    rows = [
        {"shard": unread.name, "reason": "unreadable_file", "documents": 0, "row": None, "detail": unread.reason}
        for unread in plan.corpus.failed
    ]
    for shard in shards:
        for reason, count in sorted(shard["skip_counts"].items()):
            first: dict[str, Any] = next((skip for skip in shard["named"] if skip["reason"] == reason), {})
            rows.append(
                {
                    "shard": shard["shard"],
                    "reason": reason,
                    "documents": count,
                    "row": first.get("row"),
                    "detail": first.get("detail", ""),
                }
            )
        for reason, count in sorted(shard["ineligible"].items()):
            rows.append(
                {
                    "shard": shard["shard"],
                    "reason": reason,
                    "documents": count,
                    "row": None,
                    "detail": "counted as a document, not eligible",
                }
            )
        for reason, count in sorted(shard["notes"].items()):
            rows.append(
                {"shard": shard["shard"], "reason": reason, "documents": count, "row": None, "detail": "kept, repaired"}
            )
    return rows


def unread(plan: Plan, shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What of the corpus no figure covers: corpus.unread of report.json."""
    skips = {shard["shard"]: shard["skip_counts"] for shard in shards}
    documents = {shard["shard"]: shard["documents"] for shard in shards}
    broken = {shard["shard"] for shard in shards if not shard["complete"]}
    return unread_counts(plan.corpus, skips, documents, broken).as_dict()


def left_out(shards: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why the records of each shard were left out, for people."""
    found = []
    for shard in shards:
        if shard["skip_counts"] and not shard["error"]:
            reasons = ", ".join(f"{n:,} x {reason}" for reason, n in sorted(shard["skip_counts"].items()))
            found.append(f"{shard['shard']}: all records were left out: {reasons}")
    return found


def near_duplicates(config: Config, statistics: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the clustering and what it did: near_duplicates of report.json."""
    lsh = lsh_of(config)
    return {
        "permutations": lsh.permutations,
        "bands": lsh.bands,
        "rows": lsh.rows,
        "threshold": lsh.threshold,
        "recall": lsh.recall,
        "verified": "each member against its representative: by signature, near the threshold by its shingles",
        "candidates": statistics.get("candidates"),
        "rejected": statistics.get("rejected"),
        "leftover": statistics.get("left_over"),
        "split": statistics.get("split"),
        "exact": statistics.get("exact"),
        "near": statistics.get("near"),
    }


def provenance(
    plan: Plan, config: Config, manifest: Mapping[str, Any], shards: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What was read and with what: provenance of report.json."""
    inputs = [
        {
            "shard": shard.name,
            "bytes": shard.bytes,
            "format": shard.format,
            "compression": shard.compression,
            "fingerprint": shard.fingerprint,
            "digest": row["digest"],
            "text_digest": row["text_digest"],
            "columns": shard.columns.used(),
            "layout": shard.columns.family,
        }
        for shard, row in zip(plan.corpus.shards, shards, strict=True)
    ]
    return {
        "command": manifest.get("command", ""),
        "config": config.model_dump(mode="json", exclude_defaults=True),
        "inputs": inputs,
        "packages": {name: installed(name) for name in PACKAGES},
        "files_hash": key_of([entry["digest"] for entry in inputs]),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }
