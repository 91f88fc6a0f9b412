"""Findings: estimates and clusters that cross a stated threshold, with the evidence and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.estimate.fraction.scopes import selected
from auditor.records import Estimate, Finding, Severity, Status

# Thresholds are conventions, shown beside every finding; a policy file sets a team's own (auditor gate --init).
SYNTHETIC_SHARE = 0.10
REVIEW_SHARE = 0.20
DROP_SHARE = 0.50
DUPLICATE_SHARE = 0.20
LOST_TYPES = 0.10
LARGE_CLUSTER = 0.01
DECLARED_GAP = 0.05


def find(
    corpus: Mapping[str, Any],
    shards: Sequence[Mapping[str, Any]],
    clusters: Mapping[str, Any],
    of_estimates: Sequence[Finding] = (),
) -> list[Finding]:
    """All findings, worst first. of_estimates: what the estimators themselves noticed (placebo, anchors)."""
    found: list[Finding] = [*of_estimates]
    above = selected([shard["synthetic_fraction"] for shard in shards], SYNTHETIC_SHARE)
    for place, shard in enumerate(shards):
        found += _synthetic(shard["shard"], above[place], len(shards)) if place in above else []
        found += _of_shard(shard)
    found += _of_clusters(clusters, corpus["documents"])
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    return sorted(found, key=lambda f: (order[f.severity], -_lower(f.estimate), f.scope))


def actions(shards: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What to do with each shard that should not simply be kept, and why: a proposal by the same thresholds."""
    out = []
    for shard in shards:
        fraction: Estimate = shard["synthetic_fraction"]
        lower, upper = _lower(fraction), fraction.upper if fraction.upper is not None else 0.0
        if not shard.get("complete", True):
            action, why = "quarantine", "it could not be read whole"
        elif lower > DROP_SHARE:
            action, why = "drop", f"at least {lower:.0%} of its documents are machine-written"
        elif lower > SYNTHETIC_SHARE:
            action, why = "filter", f"at least {lower:.0%} of its documents are machine-written"
        elif upper > REVIEW_SHARE:
            action, why = "review", f"up to {upper:.0%} may be machine-written: labels of a sample would tell"
        elif _lower(shard["duplicate_fraction"]) > DUPLICATE_SHARE:
            action, why = "filter", f"{shard['duplicate_fraction'].value:.0%} of its documents repeat another"
        else:
            continue
        size = {"documents": shard["documents"], "tokens": shard["tokens"]}
        out.append({"shard": shard["shard"], "action": action, "why": why, **size})
    return out


def shard_flags(shard: Mapping[str, Any], findings: Sequence[Finding]) -> list[str]:
    """Short marks of one shard for the table: the kinds of its findings, and whether it was read whole."""
    flags = sorted({f.kind for f in findings if f.scope_kind == "shard" and f.scope == shard["shard"]})
    return flags + ([] if shard.get("complete", True) else ["incomplete"])


def _synthetic(name: str, fraction: Estimate, shards: int) -> list[Finding]:
    """A shard picked because of its figure: its interval is the wider one of the false coverage rate."""
    message = (
        f"at least {_lower(fraction):.0%} of the eligible documents are machine-written "
        f"(threshold {SYNTHETIC_SHARE:.0%})"
    )
    advice = "review a sample (auditor export --review), then drop or down-weight (auditor export --weights)"
    evidence = {"threshold": SYNTHETIC_SHARE, "picked_among": shards, "level": fraction.level}
    return [Finding("synthetic", Severity.WARNING, "shard", name, message, advice, evidence, fraction)]


def _of_shard(shard: Mapping[str, Any]) -> list[Finding]:
    name, found = shard["shard"], []
    duplicate: Estimate = shard["duplicate_fraction"]
    if duplicate.is_number and _lower(duplicate) > DUPLICATE_SHARE:
        found.append(
            Finding(
                "duplicates",
                Severity.WARNING,
                "shard",
                name,
                f"{duplicate.value:.0%} of the documents repeat another one (threshold {DUPLICATE_SHARE:.0%})",
                "keep the representatives (auditor export --keep)",
                {"threshold": DUPLICATE_SHARE},
                duplicate,
            )
        )
    lost: Estimate = shard["diversity_loss"]["q0"]
    if lost.status == Status.MEASURED and _lower(lost) > LOST_TYPES:
        found.append(
            Finding(
                "diversity",
                Severity.WARNING,
                "shard",
                name,
                f"at least {_lower(lost):.0%} fewer word types than the human reference at equal coverage",
                "see which part is duplication and which synthetic text; collect human text of this kind",
                {"threshold": LOST_TYPES},
                lost,
            )
        )
    if not shard.get("complete", True):
        found.append(
            Finding(
                "incomplete",
                Severity.ERROR,
                "shard",
                name,
                f"the shard could not be read whole: {shard.get('error')}",
                "mend or replace the file, then run the same command again",
                {},
            )
        )
    elif shard["documents"] and not shard["eligible_documents"]:
        found.append(
            Finding(
                "nothing_eligible",
                Severity.NOTE,
                "shard",
                name,
                "no document is eligible, so nothing about machine-written text is measured here",
                "see the reasons under skips; --minimum-words and the detectors' languages decide",
                dict(shard.get("ineligible", {})),
            )
        )
    return found


def _of_clusters(clusters: Mapping[str, Any], documents: int) -> list[Finding]:
    found = []
    for cluster in clusters["largest"]:
        if cluster["documents"] >= max(LARGE_CLUSTER * documents, 20):
            place = cluster["representative"]
            found.append(
                Finding(
                    "large_cluster",
                    Severity.WARNING,
                    "corpus",
                    "corpus",
                    f"one text stands {cluster['documents']:,} times (first in {place['shard']}, row {place['row']})",
                    f"look at it: auditor inspect RUN {place['shard']}:{place['row']}",
                    {"cluster_id": cluster["cluster_id"], "documents": cluster["documents"]},
                )
            )
    return found


def _lower(estimate: Estimate | None) -> float:
    return estimate.lower if estimate is not None and estimate.lower is not None else 0.0
