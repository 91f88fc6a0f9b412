"""Findings: estimates and clusters that cross a stated threshold, with the evidence and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditor.estimate.fraction.checks.selection import selected
from auditor.pipeline.diversity.results import CorpusResult, ShardResult
from auditor.pipeline.documents.duplicates import Clusters
from auditor.records import Estimate, Finding, Json, Severity, Status
from auditor.store.database import query, quoted

# Thresholds are conventions, shown beside every finding; a policy file sets a team's own (auditor gate --init).
SYNTHETIC_SHARE = 0.10
REVIEW_SHARE = 0.20
DROP_SHARE = 0.50
DUPLICATE_SHARE = 0.20
LOST_TYPES = 0.10
LARGE_CLUSTER = 0.01
EVIDENCE = 5  # documents named behind a finding


def find(
    corpus: CorpusResult,
    shards: Sequence[ShardResult],
    clusters: Clusters,
    of_estimates: Sequence[Finding] = (),
) -> list[Finding]:
    """All findings, worst first. of_estimates: what the estimators themselves noticed (placebo, anchors)."""
    found: list[Finding] = [*of_estimates]
    fractions = [_only_measured(shard.figures.synthetic_fraction) for shard in shards]
    above = selected(fractions, SYNTHETIC_SHARE)
    for place, shard in enumerate(shards):
        if place in above:
            found.append(_synthetic(shard.name, fractions[place], above[place], len(shards)))
        found += _of_shard(shard)
        found += _of_diversity(shard, corpus, len(shards))
    found += _of_clusters(clusters, corpus.counts.documents)
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    return sorted(found, key=lambda f: (order[f.severity], -_lower(f.estimate), f.scope))


@dataclass(frozen=True, slots=True)
class Action:
    """What to do with a shard, and why; a row of `actions` in report.json."""

    shard: str
    action: str
    why: str
    documents: int
    tokens: int


def actions(shards: Sequence[ShardResult]) -> list[Action]:
    """A proposal, by the same thresholds, for each shard that should not simply be kept."""
    proposed = [(shard, _action(shard)) for shard in shards]
    return [
        Action(shard.name, *action, shard.counts.counts.documents, shard.counts.counts.tokens)
        for shard, action in proposed
        if action
    ]


def to_filter(shards: Sequence[ShardResult], most: int = 3) -> list[str]:
    """The shards that are to be left out or filtered for their machine-written text, the worst first."""
    if len(shards) < 2:
        return []
    fractions = {shard.name: _lower(_only_measured(shard.figures.synthetic_fraction)) for shard in shards}
    worst = sorted((name for name, lower in fractions.items() if lower > SYNTHETIC_SHARE), key=lambda n: -fractions[n])
    return worst[:most]


def _action(shard: ShardResult) -> tuple[str, str] | None:
    """The action for one shard and the reason; an inconclusive figure asks for labels, never for leaving text out."""
    fraction, copies = shard.figures.synthetic_fraction, shard.figures.duplication.duplicate_fraction
    lower, upper = _lower(_only_measured(fraction)), fraction.upper if fraction.upper is not None else 0.0
    if not shard.counts.complete:
        return "quarantine", "it could not be read whole"
    if lower > DROP_SHARE:
        return "drop", f"at least {lower:.0%} of its documents are machine-written"
    if lower > SYNTHETIC_SHARE:
        return "filter", f"at least {lower:.0%} of its documents are machine-written"
    if upper > REVIEW_SHARE:
        return "review", f"up to {upper:.0%} may be machine-written: labels of a sample would tell"
    if _lower(copies) > DUPLICATE_SHARE:
        return "filter", f"{copies.value:.0%} of its documents repeat another"
    return None


def flagged(shard: ShardResult, findings: Sequence[Finding]) -> ShardResult:
    """A shard with its short marks for the table: the kinds of its findings, and whether it was read whole."""
    flags = sorted({f.kind for f in findings if f.scope_kind == "shard" and f.scope == shard.name})
    return replace(shard, flags=(*flags, *(() if shard.counts.complete else ("incomplete",))))


def _synthetic(name: str, fraction: Estimate, adjusted: Estimate, shards: int) -> Finding:
    """A shard whose measured share is above the threshold, even after adjustment for selection.

    The estimate is the shard's own, as everywhere else; the interval adjusted for selection (false coverage rate) is
    given separately as `adjusted`.
    """
    message = f"at least {_lower(fraction):.0%} of the eligible documents are machine-written"
    message += f" (threshold {SYNTHETIC_SHARE:.0%}"
    if adjusted.level > fraction.level:
        message += f"; at least {_lower(adjusted):.0%} after adjustment for picking among {shards:,} shards"
    advice = "look at the documents below, have a sample labelled (auditor export RUN --review 100), then leave out or "
    advice += "down-weight (auditor export RUN --weights weights.parquet)"
    evidence = {"threshold": SYNTHETIC_SHARE, "picked_among": shards, "adjusted": adjusted.as_dict()}
    return Finding("synthetic", Severity.WARNING, "shard", name, message + ")", advice, evidence, fraction)


def _of_shard(shard: ShardResult) -> list[Finding]:
    """Findings of one shard that need no comparison with the others."""
    name, counts, found = shard.name, shard.counts, []
    duplicate = shard.figures.duplication.duplicate_fraction
    if duplicate.is_number and _lower(duplicate) > DUPLICATE_SHARE:
        message = f"{duplicate.value:.0%} of the documents repeat another one (threshold {DUPLICATE_SHARE:.0%})"
        advice = "keep one of each cluster (auditor export RUN --keep keep.parquet)"
        evidence = {"threshold": DUPLICATE_SHARE}
        found.append(Finding("duplicates", Severity.WARNING, "shard", name, message, advice, evidence, duplicate))
    if not counts.complete:
        read = "the shard could not be read whole" if counts.counts.documents else "nothing of the shard could be read"
        message = f"{read}: {counts.error}"
        advice = "repair or replace the file, then run the same command again"
        found.append(Finding("incomplete", Severity.ERROR, "shard", name, message, advice))
    elif counts.counts.documents and not counts.counts.eligible_documents:
        message = "no document is eligible, so nothing about machine-written text is measured here"
        advice = "see the reasons under skips; --minimum-words and the detectors' languages decide"
        why = dict(counts.ineligible)
        found.append(Finding("nothing_eligible", Severity.NOTE, "shard", name, message, advice, why))
    return found


def _of_diversity(shard: ShardResult, corpus: CorpusResult, shards: int) -> list[Finding]:
    """A shard that has fewer word types than the reference.

    If the corpus as a whole has lost none, this is normal for a shard of one kind of text beside a reference of many: a
    note, not a warning.
    """
    lost, whole = shard.figures.diversity_loss.words.q0, corpus.figures.diversity_loss.words.q0
    if lost.status != Status.MEASURED or _lower(lost) <= LOST_TYPES:
        return []
    message = f"at least {_lower(lost):.0%} fewer word types than the human reference at equal coverage"
    advice = "see which part is duplication and which synthetic text; collect human text of this kind"
    severity = Severity.WARNING
    if shards > 1 and whole.status == Status.MEASURED and _lower(whole) <= 0:
        severity = Severity.NOTE
        message += "; the corpus as a whole has lost none, so the shard's subjects may be fewer and nothing lost"
        advice = "compare the shard with human text of its own kind"
    return [Finding("diversity", severity, "shard", shard.name, message, advice, {"threshold": LOST_TYPES}, lost)]


def with_documents(connection: Any, found: Sequence[Finding]) -> list[Finding]:
    """The findings about machine-written text, each with the highest-scoring documents of its shard as evidence."""
    of_text = [f for f in found if f.kind == "synthetic" and f.scope_kind == "shard"]
    if not of_text:
        return list(found)
    listed = ", ".join(quoted(f.scope) for f in of_text)
    rows = query(
        connection,
        f"""SELECT shard, row, doc_id, score FROM docs WHERE shard IN ({listed}) AND eligible AND score IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY shard ORDER BY score DESC, row) <= {EVIDENCE}
            ORDER BY shard, score DESC, row""",
    ).to_dicts()
    of_shard: dict[str, list[Json]] = {}
    for row in rows:
        of_shard.setdefault(row["shard"], []).append(row | {"score": float(row["score"])})
    return [
        replace(f, evidence=f.evidence | {"documents": of_shard.get(f.scope, [])}) if f in of_text else f for f in found
    ]


def _of_clusters(clusters: Clusters, documents: int) -> list[Finding]:
    found = []
    for cluster in clusters.largest:
        if cluster.documents >= max(LARGE_CLUSTER * documents, 20):
            place = cluster.representative
            found.append(
                Finding(
                    "large_cluster",
                    Severity.WARNING,
                    "corpus",
                    "corpus",
                    f"one text occurs {cluster.documents:,} times (first in {place.shard}, row {place.row})",
                    f"look at it: auditor inspect RUN {place.shard}:{place.row}",
                    {"cluster_id": cluster.cluster_id, "documents": cluster.documents},
                )
            )
    return found


def _only_measured(estimate: Estimate) -> Estimate:
    """The estimate where it is measured: an inconclusive interval may not cover, so no decision rests on it."""
    if estimate.status == Status.MEASURED or not estimate.is_number:
        return estimate
    return Estimate.not_measured(estimate.reason or "inconclusive", level=estimate.level)


def _lower(estimate: Estimate | None) -> float:
    return estimate.lower if estimate is not None and estimate.lower is not None else 0.0
