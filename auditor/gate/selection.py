"""Which documents stay: one query that gives every document a decision and its reason."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.errors import ConfigError

# Conditions on a decision's reason: the text remains in another document; the whole shard is left out.
COPY = "starts_with(reason, 'duplicate of')"
DROPPED = "reason = 'its shard is left out'"


@dataclass(frozen=True, slots=True)
class Choice:
    """What to leave out.

    probability: eligible documents of at least this probability of being machine-written; None: none of them
    duplicates: all but one of each near-duplicate cluster; ineligible: what could not be measured
    shards: all documents of these shards
    """

    probability: float | None = None
    duplicates: bool = True
    ineligible: bool = False
    shards: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.probability is not None and not 0 < self.probability <= 1:
            raise ConfigError(f"--probability {self.probability}: a probability above 0 and at most 1 is meant")
        if self.probability is None and not self.duplicates and not self.ineligible and not self.shards:
            raise ConfigError("nothing would be left out: give --probability P, or leave --keep-duplicates out")


def decisions(choice: Choice) -> str:
    """SQL of one row per document in the order (shard, row): id, shard, row, keep, words, probability, reason.

    The representative of a cluster stays. Where it is left out as machine-written, the first member that isn't takes
    its place, so that no text vanishes because its best copy was in a worse shard.
    """
    machine = "false" if choice.probability is None else f"coalesce(probability >= {choice.probability:.17g}, false)"
    unfit = "NOT eligible" if choice.ineligible else "false"
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in choice.shards)
    gone = f"shard IN ({names})" if names else "false"
    copy = "head_place <> place" if choice.duplicates else "false"
    # Only clustered documents are grouped; the others, nearly all, stream through.
    return f"""
        WITH judged AS (
            SELECT doc_id AS id, shard, row, cluster_id, is_representative, probability, words, skip_reason,
                   {machine} AS machine, {unfit} AS unfit, {gone} AS gone
            FROM documents),
        heads AS (
            SELECT cluster_id, first(struct_pack(shard := shard, row := row)
                   ORDER BY (machine OR unfit OR gone), NOT is_representative, shard, row) AS head
            FROM judged WHERE cluster_id IS NOT NULL GROUP BY cluster_id),
        placed AS (
            SELECT j.*, struct_pack(shard := j.shard, row := j.row) AS place,
                   coalesce(h.head, struct_pack(shard := j.shard, row := j.row)) AS head_place
            FROM judged j LEFT JOIN heads h USING (cluster_id))
        SELECT id, shard, row, NOT (machine OR unfit OR gone OR {copy}) AS keep, words, probability,
               CASE WHEN gone THEN 'its shard is left out'
                    WHEN unfit THEN 'not eligible: ' || coalesce(skip_reason, '')
                    WHEN machine THEN 'machine-written with probability ' || format('{{:.3f}}', probability)
                    WHEN {copy} THEN 'duplicate of ' || head_place.shard || ':' || head_place.row
                    WHEN cluster_id IS NOT NULL AND head_place = place THEN 'kept, stands for its duplicates'
                    ELSE 'kept' END AS reason
        FROM placed ORDER BY shard, row"""


def cell(text: object) -> str:
    """The text as a CSV cell that no spreadsheet takes for a formula."""
    shown = "" if text is None else str(text)
    return "'" + shown if shown.startswith(("=", "+", "-", "@", "\t", "\r")) else shown
