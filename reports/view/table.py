"""All shards as compact columns for the page's own table: whole numbers, worst first, bounded in bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from auditor.records import Json
from auditor.reports.model.reservoir import Reservoir
from auditor.reports.model.schema import Shard
from auditor.reports.model.sections import Action
from auditor.reports.text import numbers
from auditor.reports.text.clean import name
from auditor.reports.text.numbers import Number
from auditor.reports.view.summary import worst_first

UNIT = 10_000  # shares are carried as whole ten-thousandths
ROWS = 10_000
NAMES_BYTES, FLAGS_BYTES = 1_000_000, 200_000
STATUSES = ("measured", "inconclusive", "not_measured")
# The estimates of a shard by the names of their columns. Diversity is shown as a change against the human reference,
# as everywhere on the page.
ESTIMATES: dict[str, Callable[[Shard], Number]] = {
    "synthetic": lambda shard: shard.synthetic_fraction,
    "duplicate": lambda shard: shard.duplicate_fraction,
    "loss": lambda shard: numbers.change_of_loss(shard.diversity_loss.q0),
    "tail": lambda shard: numbers.change_of_ratio(shard.diversity.tail_retention),
}


def needs(reservoir: Reservoir) -> dict[str, float]:
    """Human tokens still to acquire for each shard, in the central band; empty where it could not be sized."""
    return {row.shard: row.tokens for row in reservoir.central.per_shard if row.tokens is not None}


def columns(shards: Sequence[Shard], actions: Sequence[Action] = (), needed: dict[str, float] | None = None) -> Json:
    """What the page's script reads: columns of equal length.

    Estimates are three columns, value, lower and upper, in ten-thousandths, null where unmeasured. At most ROWS shards,
    the worst; `left_out` counts the others, which are in report.json and audit.duckdb.
    """
    kept = worst_first(shards)[:ROWS]
    action_of = {a.shard: a.action for a in actions}
    table: Json = {
        "unit": UNIT,
        "left_out": len(shards) - len(kept),
        "shard": _within([s.shard for s in kept], NAMES_BYTES),
        "documents": [s.documents for s in kept],
        "eligible": [s.eligible_documents for s in kept],
        "tokens": [s.tokens for s in kept],
        "skipped": [s.skipped for s in kept],
        "needed": [round(needed.get(s.shard, 0)) for s in kept] if needed else [],
        "action": [action_of.get(s.shard, "keep") for s in kept] if action_of else [],
        "flags": _within(["; ".join(s.flags) for s in kept], FLAGS_BYTES, empty=""),
    }
    for short, of in ESTIMATES.items():
        found = [of(shard) for shard in kept]
        ends = [e.value for e in found], [e.lower for e in found], [e.upper for e in found]
        table[short] = [[whole(number) for number in column] for column in ends]
        table[f"{short}_status"] = [STATUSES.index(e.status) for e in found]
    # A column that says the same everywhere is one value.
    return {key: _constant(column) for key, column in table.items()}


def whole(share: float | None) -> int | None:
    """In ten-thousandths; what isn't exactly 0 or 1 never becomes it."""
    if share is None:
        return None
    rounded = round(share * UNIT)
    if rounded in (0, UNIT) and share not in (0, 1):
        return (1 if share > 0 else -1) if rounded == 0 else (UNIT - 1 if share < 1 else UNIT + 1)
    if rounded % 10 == 5:
        # At half a step of what is shown, round the way the share itself is rounded; otherwise page and plot would
        # differ.
        shown = float(f"{100 * share:.1f}") * UNIT / 100
        return rounded + (1 if shown > rounded else -1)
    return rounded


def inert(content: Any) -> str:
    """JSON for a script block of type application/json: no sequence in it can end the block or start a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _within(texts: list[str], budget: int, *, empty: str | None = None) -> list[str]:
    """Names shortened until all of them fit the budget of bytes."""
    limit = 120
    while True:
        short = [name(text, limit) if text or empty is None else empty for text in texts]
        if sum(len(text.encode()) + 3 for text in short) <= budget or limit <= 24:
            return short
        limit = limit * 3 // 4


def _constant(column: Any) -> Any:
    if isinstance(column, list) and len(column) > 1 and not isinstance(column[0], list) and len(set(column)) == 1:
        return {"all": column[0]}
    return column
