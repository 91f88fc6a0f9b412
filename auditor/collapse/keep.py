"""What to keep: the human text that the corpus already holds, and the shards that hold it, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.collapse.decoding import numbers_of
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.stratum import Shard, Stratum
from auditor.records import Estimate, Status

METHOD = "tokens x (1 - synthetic fraction)"
HARDLY_ANY = 0.05  # a shard whose human share is surely below this is not worth keeping


@dataclass(frozen=True, slots=True)
class KeptShard:
    """A shard that holds human text; a row of `keep.shards` in report.json.

    tokens: of human words; documents: human, as estimated; worth: 0 to 1, see `worth`; cumulative_share: of all human
    tokens, with the shards before it
    """

    shard: str
    tokens: Estimate
    documents: int
    worth: float
    cumulative_share: float
    synthetic_fraction: float | None
    duplicate_fraction: float | None
    tail_retention: float | None
    anchor_coverage: float | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A shard not worth keeping, and why."""

    shard: str
    reason: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The human text that a corpus holds: word tokens in all, the shards that hold it, the others."""

    tokens: Estimate
    shards: tuple[KeptShard, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class ExistingReservoir:
    """A shard as a reservoir: its worth, 0 to 1, and the unique human tokens that it surely holds."""

    shard: str
    worth: float
    human_tokens: int


def human_estimate(tokens: float, fraction: Estimate) -> Estimate:
    """Human tokens of a scope, with the interval and the status of its fraction."""
    if not fraction.is_number:
        return Estimate.not_measured(f"its synthetic fraction is not measured ({fraction.reason})", method=METHOD)
    lower, value, upper = (min(max(end, 0.0), 1.0) for end in numbers_of(fraction))
    return Estimate(
        tokens * (1 - value),
        tokens * (1 - upper),
        tokens * (1 - lower),
        fraction.level,
        METHOD,
        fraction.n,
        fraction.status,
        fraction.reason,
    )


def kept_tokens(strata: Sequence[Stratum], options: ReservoirOptions, unsized: Mapping[str, str]) -> Estimate:
    """Human tokens over strata; bounds add up, which is the widest case. Credited synthetic text is not human text."""
    if not strata:
        reason = "; ".join(f"{name}: {why}" for name, why in list(unsized.items())[:3]) or "there is no stratum"
        return Estimate.not_measured(reason, method=METHOD)
    parts = [human_estimate(stratum.tokens, stratum.fraction) for stratum in strata]
    ends = [sum(ends) for ends in zip(*(numbers_of(part) for part in parts), strict=True)]
    doubts = sorted({str(part.reason) for part in parts if part.status == Status.INCONCLUSIVE})
    status = Status.INCONCLUSIVE if doubts else Status.MEASURED
    level, n = min(part.level for part in parts), sum(part.n for part in parts)
    return Estimate(ends[1], ends[0], ends[2], level, METHOD, n, status, "; ".join(doubts) or None)


def worth(shard: Shard) -> float:
    """The chance that a token of a shard is human, no duplicate, of a tail that is still there, of a kind that anchors
    cover; at the adverse end of each interval.

    Tail and anchors count only where they were measured; without a fraction or a duplicate share it is 0, so that
    nothing unmeasured is recommended.
    """
    if not (shard.fraction.is_number and shard.duplicate_fraction.is_number):
        return 0.0
    human = max(1 - numbers_of(shard.fraction)[2], 0.0)
    unique = max(1 - numbers_of(shard.duplicate_fraction)[2], 0.0)
    tail = numbers_of(shard.tail_retention)[0] if shard.tail_retention.is_number else 1.0
    covered = 1.0 if shard.anchor_coverage is None else shard.anchor_coverage
    return human * unique * min(max(tail, 0.0), 1.0) * min(max(covered, 0.0), 1.0)


def keep_shards(shards: Sequence[Shard]) -> tuple[tuple[KeptShard, ...], tuple[LeftOut, ...]]:
    """Shards that hold human text, best first, and those that are left out."""
    rows, left_out = [], []
    for shard in shards:
        tokens = human_estimate(shard.tokens, shard.fraction)
        if not tokens.is_number:
            left_out.append(LeftOut(shard.name, str(tokens.reason)))
        elif numbers_of(shard.fraction)[0] > 1 - HARDLY_ANY:
            left_out.append(LeftOut(shard.name, f"less than {HARDLY_ANY:.0%} of it is human text"))
        elif shard.tokens > 0:
            rows.append((worth(shard), shard, tokens))
    rows.sort(key=lambda row: (-row[0], row[1].name))
    total = sum(numbers_of(tokens)[1] for _, _, tokens in rows)
    out, so_far = [], 0.0
    for value, shard, tokens in rows:
        so_far += numbers_of(tokens)[1]
        out.append(
            KeptShard(
                shard.name,
                tokens,
                round(shard.documents * (1 - (shard.fraction.value or 0.0))),
                value,
                so_far / total if total else 0.0,
                shard.fraction.value,
                shard.duplicate_fraction.value,
                shard.tail_retention.value,
                shard.anchor_coverage,
            )
        )
    return tuple(out), tuple(left_out)


def existing_reservoirs(shards: Sequence[Shard]) -> tuple[ExistingReservoir, ...]:
    """All shards, the best reservoirs first."""
    rows = []
    for shard in shards:
        tokens = 0
        if shard.fraction.is_number and shard.duplicate_fraction.is_number:
            human = max(1 - numbers_of(shard.fraction)[2], 0.0)
            tokens = int(shard.tokens * human * max(1 - numbers_of(shard.duplicate_fraction)[2], 0.0))
        rows.append(ExistingReservoir(shard.name, worth(shard), tokens))
    return tuple(sorted(rows, key=lambda row: (-row.worth, row.shard)))
