"""Two audits compared: which differences are more than noise. Different calibrations are never compared in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from auditor.detectors.first_tier import Ensemble
from auditor.estimate.fraction.bundled import bundled_calibration
from auditor.estimate.fraction.checks import selection as joint
from auditor.estimate.fraction.joint_fit import CORPUS, FRACTIONS, Paired, Unpaired, pair
from auditor.estimate.fraction.prevalence import PrevalenceOptions
from auditor.gate.significance import difference
from auditor.pipeline.finished.sides import DOWNWARD, QUANTITIES, Side, as_sample, barriers, side_of
from auditor.records import Estimate

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


@dataclass(frozen=True, slots=True)
class Change:
    """A quantity on both sides and its change from a to b.

    words: the quantity for people; scope_kind, scope: on side b; verdict: of the change, for people
    """

    quantity: str
    words: str
    scope_kind: str
    scope: str
    a: Estimate
    b: Estimate
    change: Estimate
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from side a to side b; `plain` of it is the JSON of `auditor compare`.

    method: how the error that both sides share was treated, in words
    paired: whether it cancels; not_paired: why two audits could not be fitted together
    not_compared: reasons by quantity; rows: the scopes named; shards: those that both corpora have
    """

    schema_version: str = field(default="1.0", init=False)
    a: Side
    b: Side
    method: str
    paired: bool
    not_paired: str | None
    not_compared: Mapping[str, str]
    rows: tuple[Change, ...]
    shards: tuple[Change, ...]


def compare(first: str, second: str) -> Comparison:
    """What changed from one run (or RUN::SHARD) to another, and whether it is more than noise.

    Within one audit the replicates are joint. Two audits of one calibration and the same anchors are fitted together,
    so that the error they share cancels; where that is impossible, they are taken as independent and `method` says why.
    Raises: ConfigError, StoreError
    """
    a, b = side_of(first), side_of(second)
    same = (a.audit.audit_id, a.audit.finished_at) == (b.audit.audit_id, b.audit.finished_at)
    barred = {} if same else barriers(a.audit, b.audit)
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
    change = partial(_change, a, b, same=same, paired=paired, barred=barred)
    rows = tuple(change(quantity, at, to) for quantity in QUANTITIES)
    shared = tuple(
        change(quantity, ("shard", name), ("shard", name))
        for name in names
        for quantity in ("synthetic_fraction", "duplicate_fraction")
    )
    method = SAME if same else TOGETHER if paired else APART.format(f" ({why})" if why else "")
    return Comparison(a, b, method, same or paired is not None, why, barred, rows, shared)


def _pair(a: Side, b: Side, shards: Sequence[tuple[str, str]]) -> Paired:
    """Fit both audits together.

    Raises: Unpaired, with the reason, where that cannot be
    """
    if a.evidence is None or b.evidence is None:
        raise Unpaired("one of the two was finalised before its score counts were kept; `auditor finalise` keeps them")
    if {a.kind, b.kind} == {"corpus", "shard"}:
        raise Unpaired("a whole corpus and a shard of another")
    config = a.audit.settings()
    ensemble = Ensemble.load(tuple(config["detectors"]))
    if ensemble.revision != a.audit.calibration:
        raise Unpaired("both were measured with other detectors than are installed")
    options = PrevalenceOptions(level=config["level"])
    return pair(
        a.evidence,
        b.evidence,
        (a.contents, b.contents),
        calibration=bundled_calibration(ensemble.calibration.known),
        shards=shards,
        seed=config["seed"],
        options=options,
    )


def _change(
    a: Side,
    b: Side,
    quantity: str,
    at: tuple[str, str],
    to: tuple[str, str],
    *,
    same: bool,
    paired: Paired | None,
    barred: Mapping[str, str],
) -> Change:
    absent = Estimate.not_measured("not in this audit")
    before, now = a.estimates.get((*at, quantity), absent), b.estimates.get((*to, quantity), absent)
    counts = before, now
    draws = a.replicates.get((*at, quantity)), b.replicates.get((*to, quantity))
    both = (draws[1], draws[0]) if draws[0] is not None and draws[1] is not None else None
    change = None
    if quantity.startswith("duplicate_fraction") and a.contents != b.contents:
        before, now = as_sample(before, a.repeats.get(at, 0.0)), as_sample(now, b.repeats.get(to, 0.0))
    if quantity in barred:
        change = Estimate.not_measured(barred[quantity])
    elif same and both is not None:
        change = joint.difference(both[1], both[0], level=now.level)
    elif paired is not None and before.is_number and now.is_number:
        change = paired.change(quantity, CORPUS if at[0] == "corpus" else (at[1], to[1]), now.level)
    if change is None:
        change = difference(now, before, both)
    return Change(quantity, QUANTITIES[quantity], *to, *counts, change, _verdict(change, quantity))


def _verdict(change: Estimate, quantity: str) -> str:
    if change.lower is None or change.upper is None:
        return "not compared"
    if change.lower <= 0 <= change.upper:
        return "no more than noise"
    return ("worse" if (change.lower > 0) != (quantity in DOWNWARD) else "better") + " by more than noise"
