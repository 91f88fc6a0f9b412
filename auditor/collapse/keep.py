"""What to keep: the human text that the corpus already holds, and the shards that hold it, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.collapse.decoding import numbers_of
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.stratum import Shard, Stratum
from auditor.records import Estimate, Status

METHOD = "tokens x (1 - synthetic fraction)"
HARDLY_ANY = 0.05  # a shard whose human share is surely below this is no place to keep text


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
    """Human tokens over strata; bounds add up, the wide reading. Credited synthetic text is not human text."""
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

    What was not measured of tail and anchors takes no part; without a fraction or a duplicate share it is 0, so that
    nothing unmeasured is recommended.
    """
    if not (shard.fraction.is_number and shard.duplicate_fraction.is_number):
        return 0.0
    human = max(1 - numbers_of(shard.fraction)[2], 0.0)
    unique = max(1 - numbers_of(shard.duplicate_fraction)[2], 0.0)
    tail = numbers_of(shard.tail_retention)[0] if shard.tail_retention.is_number else 1.0
    covered = 1.0 if shard.anchor_coverage is None else shard.anchor_coverage
    return human * unique * min(max(tail, 0.0), 1.0) * min(max(covered, 0.0), 1.0)


def keep_shards(shards: Sequence[Shard]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Shards that hold human text, best first, and those that are left out with the reason."""
    rows, left_out = [], []
    for shard in shards:
        tokens = human_estimate(shard.tokens, shard.fraction)
        if not tokens.is_number:
            left_out.append({"shard": shard.name, "reason": str(tokens.reason)})
        elif numbers_of(shard.fraction)[0] > 1 - HARDLY_ANY:
            left_out.append({"shard": shard.name, "reason": f"less than {HARDLY_ANY:.0%} of it is human text"})
        elif shard.tokens > 0:
            rows.append((worth(shard), shard, tokens))
    rows.sort(key=lambda row: (-row[0], row[1].name))
    total = sum(numbers_of(tokens)[1] for _, _, tokens in rows)
    out, so_far = [], 0.0
    for value, shard, tokens in rows:
        so_far += numbers_of(tokens)[1]
        out.append(
            {
                "shard": shard.name,
                "tokens": tokens.as_dict(),
                "documents": round(shard.documents * (1 - (shard.fraction.value or 0.0))),
                "worth": value,
                "cumulative_share": so_far / total if total else 0.0,
                "synthetic_fraction": shard.fraction.value,
                "duplicate_fraction": shard.duplicate_fraction.value,
                "tail_retention": shard.tail_retention.value,
                "anchor_coverage": shard.anchor_coverage,
            }
        )
    return out, left_out


def existing_reservoirs(shards: Sequence[Shard]) -> list[dict[str, Any]]:
    """Shards by what they are worth as a reservoir, and the unique human tokens that they surely hold."""
    rows = []
    for shard in shards:
        tokens = 0
        if shard.fraction.is_number and shard.duplicate_fraction.is_number:
            human = max(1 - numbers_of(shard.fraction)[2], 0.0)
            tokens = int(shard.tokens * human * max(1 - numbers_of(shard.duplicate_fraction)[2], 0.0))
        rows.append({"shard": shard.name, "worth": worth(shard), "human_tokens": tokens})
    return sorted(rows, key=lambda row: (-row["worth"], row["shard"]))
