"""What a choice of documents leaves and loses: counted over the documents' table by the query that exports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.gate.selection import Choice, decisions
from auditor.records import Estimate, Status
from auditor.store.database import query

METHOD = "probabilities moved to the ends of the corpus' interval"
EDGE = 1e-6  # a fraction of 0 or 1 has no odds
COPY = "starts_with(reason, 'duplicate of')"  # nothing is lost with it: its text stays once
THRESHOLD = 0.5
CLEANING = {
    "threshold": (
        Choice(THRESHOLD),
        "Documents that are more likely machine-written than not are left out, and near-duplicates but one of each.",
    ),
    "deduplicate": (Choice(), "Near-duplicates are left out but one of each cluster."),
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What stays, what goes, and the machine-written share of what stays.

    human_tokens_lost: words of what goes but copies of what stays, each document with its probability of being human
    lost_by_kind: the same by kind of text, where documents have one
    """

    documents_kept: int
    documents_dropped: int
    tokens_kept: int
    tokens_dropped: int
    human_tokens_lost: int
    fraction_after: Estimate
    lost_by_kind: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {
            "fraction_after": self.fraction_after.as_dict()
        }


def forecast(connection: Any, choice: Choice, fraction: Estimate) -> Forecast:
    """Count a choice over the table `documents`.

    The fraction of what stays is the mean probability of its judged documents; its bounds are the same mean with every
    probability moved to the prior odds at either end of the corpus' interval (Bayes' rule).

    Parameters: fraction, the corpus' synthetic fraction by documents
    """
    ends = _odds_factors(fraction)
    shifted = ", ".join(
        f"avg(probability * {factor!r} / (probability * {factor!r} + 1 - probability)) FILTER (keep) AS end_{place}"
        for place, factor in enumerate(ends)
    )
    human = "words * (1 - coalesce(probability, 0))"
    chosen = decisions(choice)
    row = query(
        connection,
        f"SELECT count(*) FILTER (keep) AS kept, count(*) FILTER (NOT keep) AS dropped, "
        f"coalesce(sum(words) FILTER (keep), 0) AS words_kept, "
        f"coalesce(sum(words) FILTER (NOT keep), 0) AS words_lost, "
        f"coalesce(sum({human}) FILTER (NOT keep AND NOT {COPY}), 0) AS human_lost, "
        f"count(probability) FILTER (keep) AS judged, {shifted} FROM ({chosen})",
    ).row(0, named=True)
    return Forecast(
        int(row["kept"]),
        int(row["dropped"]),
        int(row["words_kept"]),
        int(row["words_lost"]),
        round(row["human_lost"]),
        _after(fraction, [row[f"end_{place}"] for place in range(len(ends))], int(row["judged"])),
        _by_kind(connection, chosen, human),
    )


def restated(connection: Any, rows: list[dict[str, Any]], corpus: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The report's filters with what an export would keep: documents and words counted by the exporting query itself.

    A row for removing near-duplicates comes last; weights are no yes or no, and keep what their own section gives.
    """
    if not rows:
        return rows
    fraction = corpus["synthetic_fraction"]
    out = []
    counted = {name: forecast(connection, choice, fraction) for name, (choice, _) in CLEANING.items()}
    for row in rows:
        own = counted.get(row["name"])
        words = CLEANING[row["name"]][1] if own else row["words"]
        if own:
            after = row["after"] | {"synthetic_fraction": own.fraction_after}
            row = row | {"words": words, "after": after} | _counts(own)
        out.append(row)
    unmeasured = Estimate.not_measured("not measured for removing near-duplicates", level=fraction.level)
    own = counted["deduplicate"]
    before = rows[0]["before"]
    after = dict.fromkeys(before, unmeasured) | {"synthetic_fraction": own.fraction_after}
    last = {"name": "deduplicate", "words": CLEANING["deduplicate"][1], "before": before, "after": after}
    return [*out, last | _counts(own)]


def _counts(own: Forecast) -> dict[str, Any]:
    return {
        "documents_kept": own.documents_kept,
        "documents_dropped": own.documents_dropped,
        "tokens_kept": own.tokens_kept,
        "human_tokens_lost": own.human_tokens_lost,
        "lost_by_kind": own.lost_by_kind,
    }


def _odds_factors(fraction: Estimate) -> tuple[float, ...]:
    """By how much the prior odds change from the estimate to the lower end, itself, and the upper end."""
    if fraction.value is None or fraction.lower is None or fraction.upper is None:
        return (1.0,)
    ends = [min(max(end, EDGE), 1 - EDGE) for end in (fraction.lower, fraction.value, fraction.upper)]
    middle = ends[1] / (1 - ends[1])
    return tuple(end / (1 - end) / middle for end in ends)


def _after(fraction: Estimate, ends: list[float | None], judged: int) -> Estimate:
    if not fraction.is_number or not judged or any(end is None for end in ends):
        reason = fraction.reason or "nothing that was judged is left"
        return Estimate.not_measured(reason, level=fraction.level, method=METHOD)
    low, value, high = (float(end) for end in ends if end is not None)
    found = Estimate(value, min(low, value), max(high, value), fraction.level, METHOD, judged)
    return found if fraction.status == Status.MEASURED else found.but(fraction.status, fraction.reason or "")


def _by_kind(connection: Any, chosen: str, human: str) -> dict[str, int]:
    """Human words lost by kind of text; empty where documents have no kind."""
    columns = query(connection, "SELECT column_name FROM information_schema.columns WHERE table_name = 'documents'")
    if "kind" not in columns["column_name"].to_list():
        return {}
    rows = query(
        connection,
        f"SELECT d.kind AS kind, sum(c.{human.replace('probability', 'c.probability')}) AS lost FROM ({chosen}) c "
        f"JOIN documents d USING (shard, row) WHERE NOT c.keep AND NOT {COPY} AND d.kind IS NOT NULL "
        "GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    return {kind: round(lost) for kind, lost in rows.iter_rows()}
