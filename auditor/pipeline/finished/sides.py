"""Audits read back for comparisons and trends: their figures, what rules a comparison out, and how repeats vary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import ConfigError, nearest
from auditor.estimate.fraction.joint_fit import Evidence
from auditor.pipeline.fraction.evidence import read_evidence
from auditor.pipeline.run.bucket import results_of
from auditor.pipeline.run.reopen import open_database
from auditor.records import Estimate, Json
from auditor.statistics.intervals import wilson
from auditor.store.database import query

QUANTITIES = {
    "synthetic_fraction": "machine-written share of documents",
    "synthetic_fraction_tokens": "machine-written share of words",
    "mixed_fraction": "documents that a machine edited",
    "touched_fraction": "documents that a machine wrote or edited",
    "duplicate_fraction": "repeated documents",
    "diversity_loss.q0": "word types against the human reference",
    "diversity_loss.q1": "common word types against the human reference",
    "diversity.tail_retention": "rare words against the human reference",
    "drift.divergence": "drift from the human reference",
}
DOWNWARD = ("diversity.tail_retention",)  # lower is worse
# What must be equal for a quantity to mean the same in two audits.
SCORED = ("minimum_words", "detectors")
FROM_SCORES = ("synthetic_fraction", "synthetic_fraction_tokens", "mixed_fraction", "touched_fraction")
SKETCHED = ("near_dup_threshold", "permutations")
# Audits with the digest of their human reference: the same text is the same reference, wherever it is stored. They are
# sorted by start time, which does not change when an old one is finalised again with people's labels.
AUDITS = """
    SELECT a.audit_id, a.corpus, a.started_at, a.finished_at, a.version, a.calibration, a.complete, a.config,
           p.value AS reference
    FROM audits a LEFT JOIN provenance p ON p.audit_id = a.audit_id AND p.shard IS NULL AND p.name = 'human_reference'
    ORDER BY started_at, finished_at, a.audit_id"""
# Shards with the same texts have the same error, whatever ids or dates were added. Older runs have one digest only.
CONTENTS = """
    SELECT s.shard, coalesce(p.value, s.digest) FROM shards s
    LEFT JOIN provenance p ON p.audit_id = s.audit_id AND p.shard = s.shard AND p.name = 'text_digest'
    WHERE s.documents > 0"""


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit as a run's database or a shared store describes it.

    config: the JSON of its settings, as its version wrote them; reference: digest of its human reference, if it had one
    """

    audit_id: str
    corpus: str
    started_at: datetime
    finished_at: datetime
    version: str
    calibration: str
    complete: bool
    config: str
    reference: str | None

    def settings(self) -> Json:
        """The settings of auditor.config.Config; another version may have had others."""
        return json.loads(self.config)

    def as_json(self) -> Json:
        """As a trend lists it."""
        return {
            "audit_id": self.audit_id,
            "corpus": self.corpus,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "version": self.version,
            "calibration": self.calibration,
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a comparison: an audit, and the scope in it that is compared.

    name: as the user gave it; estimates, replicates: by (scope kind, scope, quantity)
    contents: digest of each shard's texts; repeats: by (scope kind, scope), see `spread_of_repeats`
    """

    name: str
    audit: Audit
    kind: str
    scope: str
    estimates: dict[tuple[str, str, str], Estimate]
    replicates: dict[tuple[str, str, str], np.ndarray]
    evidence: Evidence | None
    contents: dict[str, str]
    repeats: dict[tuple[str, str], float]

    def as_json(self) -> Json:
        """As the JSON and the page of a comparison name it."""
        audit = self.audit
        return {
            "name": self.name,
            "scope_kind": self.kind,
            "scope": self.scope,
            "audit_id": audit.audit_id,
            "corpus": audit.corpus,
            "finished_at": audit.finished_at.isoformat(),
            "version": audit.version,
            "calibration": audit.calibration,
            "complete": audit.complete,
        }


def side_of(name: str) -> Side:
    """A run, or RUN::SHARD, with its figures.

    Raises: ConfigError where the run has no such shard; StoreError
    """
    folder, _, shard = name.partition("::")
    with results_of(Path(folder)) as (here, _), open_database(here) as connection:
        audit = audits_of(connection)[0]
        found = {key[1:]: e for key, e in stored_estimates(connection, "true").items()}
        rows = query(connection, "SELECT scope_kind, scope, quantity, value FROM replicates ORDER BY draw")
        evidence = read_evidence(connection)
        repeats = spread_of_repeats(connection)
        contents = dict(query(connection, CONTENTS).iter_rows())
    draws = {
        key: part["value"].to_numpy()
        for key, part in rows.partition_by("scope_kind", "scope", "quantity", as_dict=True).items()
    }
    kind, scope = ("shard", shard) if shard else ("corpus", "corpus")
    if shard and not any(key[:2] == (kind, scope) for key in found):
        known = [name for of, name, _ in found if of == kind]
        raise ConfigError(f"{folder} has no shard {shard!r}{nearest(shard, known)}")
    # The fit gives its one corpus scope another name than the estimates have.
    for key in [key for key in draws if key[0] == "corpus"]:
        draws["corpus", "corpus", key[2]] = draws[key]
    return Side(name, audit, kind, scope, found, draws, evidence, contents, repeats)  # type: ignore[arg-type]


def audits_of(connection: Any) -> list[Audit]:
    """The audits of a run's database or of a shared store, in the order in which they were begun."""
    return [Audit(**row) for row in query(connection, AUDITS).to_dicts()]


def stored_estimates(connection: Any, where: str) -> dict[tuple[str, str, str, str], Estimate]:
    """The estimates of a database by (audit, scope kind, scope, quantity).

    Parameters: where, an SQL condition on the table `estimates`
    """
    rows = query(connection, f"SELECT * FROM estimates WHERE {where}")
    keys = ("audit_id", "scope_kind", "scope", "quantity")
    return {tuple(row[key] for key in keys): Estimate.from_dict(row) for row in rows.to_dicts()}  # type: ignore[misc]


def spread_of_repeats(connection: Any) -> dict[tuple[str, str], float]:
    """Sum over clusters of squared repeats, by scope: the variance of a count of repeats that come in clusters.

    Clusters are taken as a Poisson process with marks: Var(sum of m) is estimated by the sum of m^2.
    """
    rows = query(
        connection,
        """SELECT shard, cluster_id, count(*) AS repeats FROM documents
           WHERE cluster_id IS NOT NULL AND NOT is_representative GROUP BY ALL""",
    )
    squares: dict[tuple[str, str], float] = {}
    whole: dict[int, int] = {}
    for shard, cluster, repeats in rows.iter_rows():
        squares["shard", shard] = squares.get(("shard", shard), 0.0) + repeats**2
        whole[cluster] = whole.get(cluster, 0) + repeats
    return squares | {("corpus", "corpus"): float(sum(count**2 for count in whole.values()))}


def as_sample(census: Estimate, squares: float) -> Estimate:
    """A full count of repeats as a sample of what such a corpus could have held, with its sampling interval.

    A difference between two corpora is meaningful only beyond that: 1.3% and 1.4% of 300 documents are the same.
    squares: of the repeats of each cluster (spread_of_repeats). Wilson's interval at the effective sample size
    p (1 - p) / var, with var = squares / n^2.
    """
    if census.value is None or not census.n or census.value >= 1:
        return census
    variance = squares / census.n**2
    size = census.value * (1 - census.value) / variance if variance > 0 else float(census.n)
    size = min(size, float(census.n))
    lower, upper = wilson(census.value * size, size, level=census.level)
    return Estimate(census.value, min(lower, census.value), upper, census.level, "census_as_sample", census.n)


def barriers(a: Audit, b: Audit) -> dict[str, str]:
    """The quantities that cannot be compared between two audits, each with the reason."""
    first, second = a.settings(), b.settings()
    out = {}
    if a.calibration != b.calibration:
        why = "other detectors or another calibration: audit both with one version of auditor"
        out = dict.fromkeys(FROM_SCORES, why)
    for names, quantities in ((SCORED, FROM_SCORES), (SKETCHED, ("duplicate_fraction",))):
        changed = [name for name in names if first.get(name) != second.get(name)]
        for quantity in quantities if changed else ():
            out.setdefault(quantity, f"audited with another {', '.join(changed)}")
    given = (
        (a.reference, b.reference)
        if a.reference and b.reference
        else (first.get("human_reference"), second.get("human_reference"))
    )
    if given[0] != given[1]:
        why = "compared with another human reference"
        out |= {name: why for name in QUANTITIES if name.startswith(("diversity", "drift"))}
    return out
