"""What is known without estimating: counts and skips of each shard, provenance, the clustering's parameters."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from auditor.config import Config
from auditor.manifest import key_of
from auditor.pipeline.documents.shard_counts import ShardCounts
from auditor.pipeline.run.plan import Plan, lsh_of
from auditor.pipeline.run.run import Run
from auditor.records import Json, Skip
from auditor.sources.find.unread import UnreadCounts, unread_counts

# Packages that every figure may depend on; those of deep detectors and embeddings; those of a format, by the first word
# of a table's version.
PACKAGES: tuple[str, ...] = (
    *("polars", "duckdb", "numpy", "numba", "scipy", "datasketch", "scikit-learn", "pyarrow", "wordfreq"),
    *("py3langid", "safetensors", "resiliparse", "brotli", "zstandard"),
)
DEEP = ("transformers", "tokenizers", "torch", "gguf", "accelerate")
OF_TABLES = {"Delta": "deltalake", "Iceberg": "pyiceberg", "Lance": "pylance"}
OF_IMAGES = ("pillow", "c2pa-python")


def skip_rows(plan: Plan, shards: Sequence[ShardCounts]) -> list[Skip]:
    """Every reason once per shard with its count; files that could not be read at all."""
    rows = [Skip(unread.name, "unreadable_file", 0, None, unread.reason) for unread in plan.corpus.failed]
    for shard in shards:
        for reason, count in sorted(shard.skip_counts.items()):
            first = next((skip for skip in shard.named if skip.reason == reason), None)
            rows.append(Skip(shard.shard, reason, count, *((first.row, first.detail) if first else (None, ""))))
        for reason, count in sorted(shard.ineligible.items()):
            rows.append(Skip(shard.shard, reason, count, None, "counted as a document, not eligible"))
        for reason, count in sorted(shard.mended.items()):
            rows.append(Skip(shard.shard, reason, count, None, "kept, repaired"))
    return rows


def unread(plan: Plan, shards: Sequence[ShardCounts]) -> UnreadCounts:
    """What no figure covers: corpus.unread of report.json."""
    skips = {shard.shard: shard.skip_counts for shard in shards}
    documents = {shard.shard: shard.counts.documents for shard in shards}
    return unread_counts(plan.corpus, skips, documents, {shard.shard for shard in shards if not shard.complete})


def left_out(shards: Sequence[ShardCounts]) -> list[str]:
    """Why the records of each shard were left out, for people."""
    found = []
    for shard in shards:
        if shard.skip_counts and not shard.error:
            reasons = ", ".join(f"{n:,} x {reason}" for reason, n in sorted(shard.skip_counts.items()))
            found.append(f"{shard.shard}: all records were left out: {reasons}")
    return found


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """The parameters of the clustering and what it did; see neardup.cluster.Statistics."""

    permutations: int
    bands: int
    rows: int
    threshold: float
    recall: float
    verified: str
    candidates: float | None
    rejected: float | None
    leftover: float | None
    split: float | None
    exact: float | None
    near: float | None


def near_duplicates(run: Run) -> NearDuplicates:
    """`near_duplicates` of report.json."""
    lsh, did = lsh_of(run.config), run.near_duplicates.get
    return NearDuplicates(
        lsh.permutations,
        lsh.bands,
        lsh.rows,
        lsh.threshold,
        lsh.recall,
        "each member against its representative: by signature, near the threshold by its shingles",
        *(did(name) for name in ("candidates", "rejected", "left_over", "split", "exact", "near")),
    )


@dataclass(frozen=True, slots=True)
class Input:
    """One shard as it was read: its file, the digest of its documents, the columns that were found in it."""

    shard: str
    bytes: int
    format: str
    compression: str | None
    fingerprint: str
    digest: str
    text_digest: str
    columns: Mapping[str, str]
    layout: str | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was read and with what: `provenance` of report.json; config: what differs from the defaults."""

    command: str
    config: Json
    inputs: list[Input]
    packages: Mapping[str, str]
    files_hash: str
    machine: str


def provenance(run: Run, shards: Sequence[ShardCounts]) -> Provenance:
    """The provenance of a run whose shards have been read."""
    inputs = [
        Input(
            shard.name,
            shard.bytes,
            shard.format,
            shard.compression,
            shard.fingerprint,
            counts.digest,
            counts.text_digest,
            shard.columns.used(),
            shard.columns.family,
        )
        for shard, counts in zip(run.plan.corpus.shards, shards, strict=True)
    ]
    return Provenance(
        run.facts.command,
        run.config.model_dump(mode="json", exclude_defaults=True),
        inputs,
        packages(run.config, run.plan),
        key_of([entry.digest for entry in inputs]),
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )


def packages(config: Config, plan: Plan) -> dict[str, str]:
    """Every installed package that took part in making a figure of this audit, with its version."""
    shards = [shard for corpus in plan.corpora.values() for shard in corpus.shards]
    used = list(PACKAGES)
    if config.deep_sample or config.deep_budget or config.meaning:
        used += DEEP
    used += [package for word, package in OF_TABLES.items() if any(shard.version.startswith(word) for shard in shards)]
    if any(shard.columns.image or shard.format == "tar" for shard in shards):
        used += OF_IMAGES
    return {name: version for name in used if (version := _installed(name))}


def _installed(name: str) -> str | None:
    try:
        return installed(name)
    except PackageNotFoundError:  # an optional one, without which less was read
        return None
