"""Two audits compared, and many over time: differences beyond noise, never between calibrations in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from auditor.detectors.first_tier import Ensemble
from auditor.errors import ConfigError
from auditor.estimate.fraction import scopes as joint
from auditor.estimate.fraction.evidence import Evidence
from auditor.estimate.fraction.joint_fit import CORPUS, FRACTIONS, Paired, Unpaired, pair
from auditor.estimate.fraction.prevalence import PrevalenceOptions
from auditor.gate.early_warning import ALLOWANCE, early_warning
from auditor.gate.significance import difference
from auditor.pipeline.fraction.evidence import read_evidence
from auditor.pipeline.run.reopen import open_database
from auditor.records import Estimate, Status
from auditor.store.database import query

QUANTITIES = {
    "synthetic_fraction": "machine-written share of documents",
    "synthetic_fraction_tokens": "machine-written share of words",
    "duplicate_fraction": "repeated documents",
    "diversity_loss.q0": "types lost against the human reference",
    "diversity_loss.q1": "common types lost against the human reference",
    "diversity.tail_retention": "human tail kept",
    "drift.divergence": "drift from the human reference",
}
DOWNWARD = ("diversity.tail_retention",)  # here less is worse
# What must be equal for a quantity to mean the same in two audits.
SCORED = ("minimum_words", "detectors")
SKETCHED = ("near_dup_threshold", "permutations")
# Audits with the digest of their human reference: the same text is the same reference wherever it lies. By the time of
# their beginning, which stays when an old one is finalised again with people's labels.
AUDITS = """
    SELECT a.* EXCLUDE (report), p.value AS reference FROM audits a
    LEFT JOIN provenance p ON p.audit_id = a.audit_id AND p.shard IS NULL AND p.name = 'human_reference'
    ORDER BY started_at, finished_at, a.audit_id"""

SAME = "Both sides are of one audit: joint replicates, the error of anchors and generators cancels."
TOGETHER = (
    "Two audits of one calibration with the same anchors: the machine-written shares come from one fit over both, draw "
    "by draw with the same score densities, so that the error of anchors and generators, and of documents that stand "
    "in both, cancels; the change may differ a little from the difference of the two columns. The other quantities "
    "are taken as independent."
)
APART = (
    "Two audits that cannot be paired{}: their errors are taken as independent, so that error which they share does "
    "not cancel and intervals are too wide rather than too narrow."
)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a comparison: an audit, and the scope of it that is meant."""

    name: str
    audit: dict[str, Any]
    kind: str
    scope: str
    estimates: dict[tuple[str, str, str], Estimate]
    replicates: dict[tuple[str, str, str], np.ndarray]
    evidence: Evidence | None
    contents: dict[str, str]


def compare(first: str, second: str) -> dict[str, Any]:
    """What changed from one run (or RUN::SHARD) to another, and whether it is more than noise.

    Within one audit the replicates are joint. Two audits of one calibration and the same anchors are fitted together,
    so that the error they share cancels; where that cannot be, they are taken as independent and the reason is said.
    Raises: ConfigError, StoreError
    """
    a, b = _side(first), _side(second)
    same = all(a.audit[key] == b.audit[key] for key in ("audit_id", "finished_at"))
    barred = {} if same else _barred(a.audit, b.audit)
    at, to = (a.kind, a.scope), (b.kind, b.scope)
    whole = a.kind == b.kind == "corpus" and not same
    held = [{scope for kind, scope, _ in side.estimates if kind == "shard"} for side in (a, b)]
    names = sorted(held[0] & held[1]) if whole else []
    paired, why = None, None
    if not same and not set(FRACTIONS) & barred.keys():
        try:
            paired = _pair(a, b, [(name, name) for name in names] if whole else [(a.scope, b.scope)])
        except Unpaired as reason:
            why = str(reason)
    change = partial(_row, a, b, same=same, paired=paired, barred=barred)
    rows = [change(quantity, at, to) for quantity in QUANTITIES]
    shared = [
        change(quantity, ("shard", name), ("shard", name))
        for name in names
        for quantity in ("synthetic_fraction", "duplicate_fraction")
    ]
    method = SAME if same else TOGETHER if paired else APART.format(f" ({why})" if why else "")
    return {
        "schema_version": "1.0",
        "a": _described(a),
        "b": _described(b),
        "method": method,
        "paired": same or paired is not None,
        "not_paired": why,
        "not_compared": barred,
        "rows": rows,
        "shards": shared,
    }


def _series(quantity: str, audits: Sequence[dict[str, Any]], found: Mapping[Any, Estimate]) -> dict[str, Any]:
    absent = Estimate.not_measured("not in this audit")
    points = [found.get((a["audit_id"], "corpus", "corpus", quantity), absent) for a in audits]
    start, breaks = 0, []
    for place in range(1, len(audits)):
        reason = _barred(audits[place - 1], audits[place]).get(quantity)
        if reason:
            start = place
            breaks.append({"before": audits[place]["audit_id"], "reason": reason})
    values = np.array([float("nan") if e.value is None or e.status == Status.NOT_MEASURED else e.value for e in points])
    chart = early_warning(values[start:], upward=quantity not in DOWNWARD)
    alarm = None
    if chart.alarm is not None and chart.since is not None:
        alarm = {"audit_id": audits[start + chart.alarm]["audit_id"], "since": audits[start + chart.since]["audit_id"]}
    scores = [None] * start + [None if np.isnan(s) else float(s) for s in chart.score]
    return {
        "quantity": quantity,
        "words": QUANTITIES[quantity],
        "breaks": breaks,
        "alarm": alarm,
        "chart": {
            "method": "self-starting CUSUM",
            "allowance": ALLOWANCE,
            "limit": chart.limit,
            "false_alarm_rate": chart.rate,
            "audits": chart.horizon,
        },
        "points": [
            {"audit_id": a["audit_id"], "estimate": e.as_dict(), "score": score}
            for a, e, score in zip(audits, points, scores, strict=True)
        ],
    }


def _pair(a: Side, b: Side, shards: Sequence[tuple[str, str]]) -> Paired:
    """Both audits in one fit.

    Raises: Unpaired, with the reason, where that cannot be
    """
    if a.evidence is None or b.evidence is None:
        raise Unpaired("one of the two was finalised before its score counts were kept; `auditor finalise` keeps them")
    if {a.kind, b.kind} == {"corpus", "shard"}:
        raise Unpaired("a whole corpus and a shard of another")
    config = json.loads(a.audit["config"])
    ensemble = Ensemble.load(tuple(config["detectors"]))
    if ensemble.revision != a.audit["calibration"]:
        raise Unpaired("both were measured with other detectors than are installed")
    options = PrevalenceOptions(level=config["level"])
    return pair(
        a.evidence,
        b.evidence,
        (a.contents, b.contents),
        calibration=ensemble.calibration(),
        shards=shards,
        seed=config["seed"],
        options=options,
    )


def _row(
    a: Side,
    b: Side,
    quantity: str,
    at: tuple[str, str],
    to: tuple[str, str],
    *,
    same: bool,
    paired: Paired | None,
    barred: Mapping[str, str],
) -> dict[str, Any]:
    absent = Estimate.not_measured("not in this audit")
    before, now = a.estimates.get((*at, quantity), absent), b.estimates.get((*to, quantity), absent)
    draws = a.replicates.get((*at, quantity)), b.replicates.get((*to, quantity))
    both = (draws[1], draws[0]) if draws[0] is not None and draws[1] is not None else None
    change = None
    if quantity in barred:
        change = Estimate.not_measured(barred[quantity])
    elif same and both is not None:
        change = joint.difference(both[1], both[0], level=now.level)
    elif paired is not None and before.is_number and now.is_number:
        change = paired.change(quantity, CORPUS if at[0] == "corpus" else (at[1], to[1]), now.level)
    if change is None:
        change = difference(now, before, both)
    verdict = _verdict(change, quantity)
    return {
        "quantity": quantity,
        "words": QUANTITIES[quantity],
        "scope_kind": to[0],
        "scope": to[1],
        "a": before.as_dict(),
        "b": now.as_dict(),
        "change": change.as_dict(),
        "verdict": verdict,
    }


def _verdict(change: Estimate, quantity: str) -> str:
    if change.lower is None or change.upper is None:
        return "not compared"
    if change.lower <= 0 <= change.upper:
        return "no more than noise"
    return ("worse" if (change.lower > 0) != (quantity in DOWNWARD) else "better") + " by more than noise"


def _barred(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, str]:
    """Quantities that cannot be compared between two audits, with the reason."""
    first, second = json.loads(a["config"]), json.loads(b["config"])
    out = {}
    if a["calibration"] != b["calibration"]:
        why = "other detectors or another calibration: audit both with one version of auditor"
        out = dict.fromkeys(("synthetic_fraction", "synthetic_fraction_tokens"), why)
    for names, quantities in (
        (SCORED, ("synthetic_fraction", "synthetic_fraction_tokens")),
        (SKETCHED, ("duplicate_fraction",)),
    ):
        changed = [name for name in names if first.get(name) != second.get(name)]
        for quantity in quantities if changed else ():
            out.setdefault(quantity, f"audited with another {', '.join(changed)}")
    given = (
        (a["reference"], b["reference"])
        if a["reference"] and b["reference"]
        else (first.get("human_reference"), second.get("human_reference"))
    )
    if given[0] != given[1]:
        why = "compared with another human reference"
        out |= {name: why for name in QUANTITIES if name.startswith(("diversity", "drift"))}
    return out


def _side(name: str) -> Side:
    folder, _, shard = name.partition("::")
    with open_database(Path(folder)) as connection:
        audit = query(connection, AUDITS).to_dicts()[0]
        found = {key[1:]: e for key, e in _estimates(connection, "true").items()}
        rows = query(connection, "SELECT scope_kind, scope, quantity, value FROM replicates ORDER BY draw")
        evidence = read_evidence(connection)
        contents = dict(query(connection, "SELECT shard, digest FROM shards WHERE documents > 0").iter_rows())
    draws = {
        key: part["value"].to_numpy()
        for key, part in rows.partition_by("scope_kind", "scope", "quantity", as_dict=True).items()
    }
    kind, scope = ("shard", shard) if shard else ("corpus", "corpus")
    if shard and not any(key[:2] == (kind, scope) for key in found):
        raise ConfigError(f"{folder} has no shard {shard!r}")
    # The fit names its one corpus scope otherwise than the estimates do.
    for key in [key for key in draws if key[0] == "corpus"]:
        draws["corpus", "corpus", key[2]] = draws[key]
    return Side(name, audit, kind, scope, found, draws, evidence, contents)  # type: ignore[arg-type]


def _estimates(connection: Any, where: str) -> dict[tuple[str, str, str, str], Estimate]:
    rows = query(connection, f"SELECT * FROM estimates WHERE {where}")
    keys = ("audit_id", "scope_kind", "scope", "quantity")
    return {tuple(row[key] for key in keys): _estimate(row) for row in rows.to_dicts()}  # type: ignore[misc]


def _estimate(row: Mapping[str, Any]) -> Estimate:
    names = ("value", "lower", "upper", "level", "method", "n", "reason")
    return Estimate(**{name: row[name] for name in names}, status=Status(row["status"]))


def _described(side: Side) -> dict[str, Any]:
    audit = side.audit
    return {
        "name": side.name,
        "scope_kind": side.kind,
        "scope": side.scope,
        "audit_id": audit["audit_id"],
        "corpus": audit["corpus"],
        "finished_at": audit["finished_at"].isoformat(),
        "version": audit["version"],
        "calibration": audit["calibration"],
        "complete": audit["complete"],
    }
