"""What a selection of documents keeps and loses, counted over the table `documents` by the query that exports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.gate.selection import COPY, Choice, decisions
from auditor.gate.weights import human_weights
from auditor.pipeline.report.filters import FRACTION, PROTECTED, THRESHOLD, Filter
from auditor.pipeline.report.tail import Tail, TailLoss
from auditor.records import Estimate, Json, Status
from auditor.store.database import query

METHOD = "probabilities moved to the ends of the corpus' interval"
EDGE = 1e-6  # a fraction of 0 or 1 has no odds
CLEANING = {
    "threshold": (
        Choice(THRESHOLD),
        "Documents that are more likely machine-written than not are left out, and near-duplicates but one of each.",
    ),
    "deduplicate": (Choice(), "Near-duplicates are left out but one of each cluster."),
}
DROPPING = "All documents of the shard are left out, and near-duplicates but one of each."
HUMAN = "words * (1 - coalesce(probability, 0))"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What stays, what goes, and the machine-written share of what stays.

    human_tokens_lost: words of the documents that go and are no copies of one that stays, each document weighted by its
    probability of being human
    lost_by_kind: the same by kind of text, where documents have one
    tail: rare types of human text that are lost, None where there is no reference
    fraction_after: None for weights, whose own section has it
    """

    documents_kept: int
    documents_dropped: int
    tokens_kept: int
    tokens_dropped: int
    human_tokens_lost: int
    lost_by_kind: dict[str, int]
    tail: TailLoss | None
    tail_reason: str | None
    fraction_after: Estimate | None = None

    @property
    def tail_lost_by_kind(self) -> dict[str, int]:
        """Rare types lost by kind of text, where there are any."""
        return {kind: round(n) for kind, n in self.tail.by_kind.items() if round(n)} if self.tail else {}

    def as_json(self) -> Json:
        """The counts, for the report and for the command line alike; the fraction stands beside them."""
        names = (name for name in self.__slots__ if name not in ("tail", "fraction_after"))
        out = {name: getattr(self, name) for name in names}
        found = self.tail
        return out | {
            "tail_types": found.types if found else None,
            "tail_types_lost": round(found.lost) if found else None,
            "tail_lost_by_kind": self.tail_lost_by_kind,
        }


@dataclass(frozen=True, slots=True)
class Restated:
    """A row of `filtering` in report.json: a filter with what an export by it would keep.

    before, after: the machine-written share and the tail, by name
    measured: the filter as report.filters measured it, None where it did not
    counts: by the exporting query, in place of those of `measured`; None where it cannot tell
    """

    name: str
    words: str
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    counts: Forecast | None
    measured: Filter | None = None

    def as_json(self) -> Json:
        """The row; it has no `tokens_dropped`."""
        row: Json = {"name": self.name, "words": self.words}
        if self.measured is not None:
            row |= {
                name: getattr(self.measured, name) for name in ("documents_kept", "documents_dropped", "tokens_kept")
            }
        row |= {"before": self.before, "after": self.after}
        counts = self.counts.as_json() if self.counts is not None else {}
        return row | {name: count for name, count in counts.items() if name != "tokens_dropped"}


def forecast(connection: Any, choice: Choice, fraction: Estimate, tail: Tail) -> Forecast:
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
    chosen = decisions(choice)
    row = query(
        connection,
        f"SELECT count(*) FILTER (keep) AS kept, count(*) FILTER (NOT keep) AS dropped, "
        f"coalesce(sum(words) FILTER (keep), 0) AS words_kept, "
        f"coalesce(sum(words) FILTER (NOT keep), 0) AS words_lost, "
        f"coalesce(sum({HUMAN}) FILTER (NOT keep AND NOT {COPY}), 0) AS human_lost, "
        f"count(probability) FILTER (keep) AS judged, {shifted} FROM ({chosen})",
    ).row(0, named=True)
    return Forecast(
        int(row["kept"]),
        int(row["dropped"]),
        int(row["words_kept"]),
        int(row["words_lost"]),
        round(row["human_lost"]),
        _by_kind(connection, chosen, f"{HUMAN} * CAST(NOT keep AND NOT {COPY} AS INTEGER)"),
        tail.loss(connection, choice),
        tail.reason,
        _after(fraction, [row[f"end_{place}"] for place in range(len(ends))], int(row["judged"])),
    )


def forecast_weights(connection: Any, tail: Tail, *, protected: bool = False) -> Forecast | None:
    """The same where each document is drawn with its probability of being human, and near-duplicates once.

    protected: no document is drawn less often than its share of the scarce rare types. That is known only of the run's
    sample of documents, so it is an estimate where the sample is not all of them, and None where there is none.
    """
    chosen, weight = decisions(Choice(THRESHOLD)), "coalesce(1 - probability, 1)"
    row = query(
        connection,
        f"SELECT count(*) AS every, sum(words) AS words, sum({weight}) FILTER (NOT {COPY}) AS kept, "
        f"sum(words * {weight}) FILTER (NOT {COPY}) AS words_kept, sum(words * {weight}) AS drawn, "
        f"sum({HUMAN} * (1 - {weight})) FILTER (NOT {COPY}) AS human_lost FROM ({chosen})",
    ).row(0, named=True)
    row = {name: float(value or 0) for name, value in row.items()}
    lost = _by_kind(connection, chosen, f"{HUMAN} * (1 - {weight}) * CAST(NOT {COPY} AS INTEGER)")
    sample, found, others = tail.sample, None, row["drawn"] / max(row["words"], 1.0)
    if protected and sample is None:
        return None
    if sample is not None:
        chance = plain = human_weights(sample.documents["probability"].to_numpy().astype(float))
        if protected:
            words, chance = sample.documents["words"].to_numpy(), sample.protected(plain)
            human = words * plain
            less = float(human @ (1 - chance)) / max(float(human @ (1 - plain)), 1e-9)
            row["human_lost"] *= less
            lost = {kind: round(count * less) for kind, count in lost.items()}
            row["kept"] *= float(chance.sum()) / max(float(plain.sum()), 1e-9)
            gain = float(chance @ words) / max(float(plain @ words), 1e-9)
            row["words_kept"], others = row["words_kept"] * gain, min(others * gain, 1.0)
        found = sample.loss(chance, others)
    kept, words_kept = min(round(row["kept"]), round(row["every"])), min(round(row["words_kept"]), round(row["words"]))
    gone = round(row["every"]) - kept, round(row["words"]) - words_kept
    return Forecast(kept, gone[0], words_kept, gone[1], round(row["human_lost"]), lost, found, tail.reason)


def restated(
    connection: Any, filters: Sequence[Filter], fraction: Estimate, shards: Sequence[str], tail: Tail
) -> list[Restated]:
    """The report's filters with what an export would keep, counted by the query that exports.

    Rows for removing near-duplicates and for dropping each of these shards come last.

    Parameters: fraction, the corpus' synthetic fraction by documents
    """
    if not filters:
        return []
    before, out = filters[0].before, []
    for row in filters:
        if row.name in CLEANING:
            choice, words = CLEANING[row.name]
            own = forecast(connection, choice, fraction, tail)
            out.append(Restated(row.name, words, row.before, {**row.after, **_fraction(own)}, own, row))
        else:
            weighted = forecast_weights(connection, tail, protected=row.name == PROTECTED)
            out.append(Restated(row.name, row.words, row.before, row.after, weighted, row))
    more = {"deduplicate": CLEANING["deduplicate"]}
    more |= {f"drop {shard}": (Choice(shards=(shard,)), DROPPING) for shard in shards}
    for name, (choice, words) in more.items():
        own = forecast(connection, choice, fraction, tail)
        unmeasured = Estimate.not_measured("not measured for this choice", level=fraction.level)
        after = dict.fromkeys(before, unmeasured) | _fraction(own)
        out.append(Restated(name, words, before, after, own))
    return out


def _fraction(own: Forecast) -> dict[str, Estimate]:
    return {FRACTION: own.fraction_after} if own.fraction_after else {}


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


def _by_kind(connection: Any, chosen: str, lost: str) -> dict[str, int]:
    """Human words lost by kind of text, the most first; empty where documents have no kind."""
    columns = query(connection, "SELECT column_name FROM information_schema.columns WHERE table_name = 'documents'")
    if "kind" not in columns["column_name"].to_list():
        return {}
    rows = query(
        connection,
        f"SELECT d.kind AS kind, sum(c.lost) AS lost FROM (SELECT shard, row, {lost} AS lost FROM ({chosen})) c "
        "JOIN documents d USING (shard, row) WHERE c.lost > 0 AND d.kind IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    return {kind: round(words) for kind, words in rows.iter_rows() if round(words)}
