"""What is known about a sample, to compare with what an audit estimates: written as DIR.truth.json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HUMAN, AI = "human", "ai"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class DocumentTruth:
    """One document; `source` names the human work or the prompt, `cluster` the planted duplicates it belongs to."""

    row: int
    label: str
    genre: str
    eligible: bool
    words: int
    writer: str
    source: str
    host: str
    date: str | None
    cluster: int | None


@dataclass(frozen=True, slots=True)
class ShardTruth:
    """One shard. The fraction is of eligible documents, copies counted as documents, as the audit's estimand is."""

    shard: str
    dated: bool
    documents: int
    eligible_documents: int
    synthetic_fraction: float
    synthetic_fraction_tokens: float
    rows: tuple[DocumentTruth, ...]


@dataclass(frozen=True, slots=True)
class ClusterTruth:
    """Planted duplicates: the first member is the original; jaccard is the least one between it and a copy."""

    cluster: int
    kind: str
    jaccard: float
    members: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ReferenceTruth:
    documents: int
    files: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleTruth:
    """The whole sample; paths are absolute in memory and are not written to the file."""

    corpus: Path
    reference_folder: Path
    path: Path
    seed: int
    minimum_words: int
    shards: tuple[ShardTruth, ...]
    clusters: tuple[ClusterTruth, ...]
    reference: ReferenceTruth
    versions: dict[str, str]

    @property
    def documents(self) -> int:
        return sum(shard.documents for shard in self.shards)

    @property
    def eligible_documents(self) -> int:
        return sum(shard.eligible_documents for shard in self.shards)

    @property
    def synthetic_fraction(self) -> float:
        """Over all eligible documents of the corpus."""
        return fraction(row for shard in self.shards for row in shard.rows)

    @property
    def redundant_documents(self) -> int:
        """Copies beyond the first member of each planted cluster."""
        return sum(len(cluster.members) - 1 for cluster in self.clusters)

    def write(self) -> None:
        self.path.write_text(json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n", "utf-8")

    def as_dict(self) -> dict[str, Any]:
        """The content of the truth file."""
        return {
            "schema_version": SCHEMA_VERSION,
            "seed": self.seed,
            "minimum_words": self.minimum_words,
            "documents": self.documents,
            "eligible_documents": self.eligible_documents,
            "synthetic_fraction": self.synthetic_fraction,
            "duplicate_clusters": len(self.clusters),
            "redundant_documents": self.redundant_documents,
            "versions": self.versions,
            "reference": asdict(self.reference),
            "clusters": [asdict(cluster) for cluster in self.clusters],
            "shards": [asdict(shard) for shard in self.shards],
        }


def read_truth(path: Path) -> SampleTruth:
    """Read DIR.truth.json back."""
    content = json.loads(path.read_text("utf-8"))
    corpus = path.with_name(path.name.removesuffix(".truth.json"))
    shards = tuple(
        ShardTruth(**(shard | {"rows": tuple(DocumentTruth(**row) for row in shard["rows"])}))
        for shard in content["shards"]
    )
    clusters = tuple(
        ClusterTruth(**(cluster | {"members": tuple((shard, row) for shard, row in cluster["members"])}))
        for cluster in content["clusters"]
    )
    kept = content["reference"]
    reference = ReferenceTruth(kept["documents"], tuple(kept["files"]), tuple(kept["sources"]))
    return SampleTruth(
        corpus,
        corpus.with_name(corpus.name + ".reference"),
        path,
        content["seed"],
        content["minimum_words"],
        shards,
        clusters,
        reference,
        content["versions"],
    )


def fraction(rows: Iterable[DocumentTruth], *, by_words: bool = False) -> float:
    """The machine-written share of the eligible documents, or of their words."""
    weights = [((row.words if by_words else 1), row.label) for row in rows if row.eligible]
    return sum(weight for weight, label in weights if label == AI) / sum(weight for weight, _ in weights)
