"""What a corpus holds that no figure covers: records, files and shards that were not read, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from auditor.sources.find.discover import TWICE
from auditor.sources.find.formats import SIDECAR
from auditor.sources.find.runs import RUN_FOLDER
from auditor.sources.find.tables import DROPPED, OF_TABLE
from auditor.sources.read.interface import Corpus

UNREADABLE = "the file could not be read"
NO_FAULT = (SIDECAR, TWICE, RUN_FOLDER, DROPPED, OF_TABLE)  # passed over, and nothing is missing


@dataclass(frozen=True, slots=True)
class UnreadCounts:
    """records: left out of shards that were read; files: passed over, or not readable at all; shards: of which nothing
    was read (files that could not be read among them). by_reason counts records and files together."""

    records: int
    files: int
    shards: int
    by_reason: Mapping[str, int]


def unread_counts(
    corpus: Corpus,
    skips: Mapping[str, Mapping[str, int]],
    documents: Mapping[str, int],
    broken: Collection[str] = (),
) -> UnreadCounts:
    """Count what was not read.

    Parameters: skips: of each shard, how many records were left out for each reason; documents: read from each shard;
        broken: names of shards that could not be read whole
    """
    reasons: Counter[str] = Counter()
    for counts in skips.values():
        reasons.update(counts)
    records = reasons.total()
    passed = [unread.reason for unread in corpus.ignored if unread.reason not in NO_FAULT]
    reasons.update(passed)
    nothing = [shard.name for shard in corpus.shards if not documents.get(shard.name)]
    empty = [name for name in nothing if skips.get(name)]
    lost = len(corpus.failed) + sum(name in broken and not skips.get(name) for name in nothing)
    reasons.update({UNREADABLE: lost} if lost else {})
    return UnreadCounts(
        records=records,
        files=len(passed) + lost,
        shards=len(empty) + lost,
        by_reason=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
    )


def sentence(counts: UnreadCounts) -> str:
    """One line for people; empty where everything was read."""
    parts = [f"{n:,} {what}{'s' * (n != 1)}" for n, what in ((counts.records, "record"), (counts.files, "file")) if n]
    if not parts:
        return ""
    shown = [f"{reason} ({n:,})" for reason, n in list(counts.by_reason.items())[:4]]
    more = f", and {len(counts.by_reason) - 4} more reasons" if len(counts.by_reason) > 4 else ""
    return f"Not read: {' and '.join(parts)}. Reasons: {'; '.join(shown)}{more}."
