"""The quantities that a policy may bound: the dotted names of report.json, and counts made into shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from auditor.records import Estimate

ORDERS = ("q0", "q1", "q2")
SHARES = (
    "synthetic_fraction",
    "synthetic_fraction_tokens",
    "synthetic_fraction_pooled",
    "synthetic_fraction_lower_bound",
    "mixed_fraction",
    "touched_fraction",
    "duplicate_fraction",
    "duplicate_fraction_within",
    "duplicate_fraction_across",
    "skipped_share",
    "ineligible_share",
)
COUNTS = ("documents", "eligible_documents", "tokens", "bytes", "skipped", "shards")
# Of the corpus alone: findings by severity, and files of it that could not be read.
EXTRA = ("findings.error", "findings.warning", "unreadable_files")
OTHERS = (
    *(f"diversity.{order}" for order in ORDERS),
    "diversity.tail_retention",
    "tail_retention",
    *(f"diversity_loss.{order}" for order in ORDERS),
    *(f"diversity_loss.{part}.{order}" for part in ("from_duplication", "from_synthetic", "rest") for order in ORDERS),
)
# Names below these cannot be listed here: levels of types, drift by slice, and the recommendation.
OPEN = ("diversity.levels.", "diversity_loss.levels.", "drift.", "reservoir.")


def is_known(quantity: str) -> bool:
    """Whether a policy may bound a quantity of this name."""
    return quantity in suggestions() or any(quantity.startswith(prefix) and quantity != prefix for prefix in OPEN)


def is_share(quantity: str) -> bool:
    """Whether it lies between 0 and 1."""
    return quantity in SHARES


def suggestions() -> tuple[str, ...]:
    """The names of all quantities that can be listed; those below OPEN are known too."""
    return SHARES + OTHERS + COUNTS + EXTRA


def figures(part: Mapping[str, Any]) -> dict[str, Estimate]:
    """All quantities of one scope by name: estimates as they are, counts and shares of counts as a census.

    part: a part of report.json with its estimates as Estimate (auditor.records.estimates_of_json)
    """
    found = dict(_walk(part, ""))
    documents, skipped = part.get("documents"), part.get("skipped")
    if documents is not None and skipped is not None:
        found["skipped_share"] = _share(skipped, documents + skipped)
    if documents is not None and part.get("eligible_documents") is not None:
        found["ineligible_share"] = _share(documents - part["eligible_documents"], documents)
    return found


def _walk(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Estimate]]:
    for key, value in tree.items():
        if isinstance(value, Estimate):
            yield prefix + key, value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield prefix + key, Estimate.census(value, 1)
        elif isinstance(value, Mapping):
            yield from _walk(value, f"{prefix}{key}.")


def _share(part: int, whole: int) -> Estimate:
    return Estimate.census(part / whole, whole) if whole else Estimate.not_measured("there is nothing to be a share of")
