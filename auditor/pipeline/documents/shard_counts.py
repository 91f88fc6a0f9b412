"""What is known about every shard without estimation: documents and records, counted over its splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from auditor.pipeline.run.markers import Counts, Marker
from auditor.pipeline.run.parts import done
from auditor.pipeline.run.plan import CORPUS, Plan, Task
from auditor.records import Json, Skip
from auditor.sketch.content import written
from auditor.sources.open.images import PREFIX, counted
from auditor.sources.read.interface import Shard

NO_FAULT = ("http_status", "not_a_page")  # reasons of records that are intact but hold no text


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """The counts of one shard; error: why it could not be read whole.

    ineligible, skip_counts, notes: documents not eligible, records left out, documents repaired, by reason; notes also
    count what images declare
    named: some of the records left out, one by one; digest, text_digest: of its content, see map.tally.Tally
    """

    shard: str
    path: str
    counts: Counts
    error: str | None
    ineligible: Mapping[str, int]
    skip_counts: Mapping[str, int]
    notes: Mapping[str, int]
    named: tuple[Skip, ...]
    digest: str
    text_digest: str
    format: str
    compression: str | None

    @property
    def complete(self) -> bool:
        """Whether all of it was read."""
        return self.error is None

    @property
    def mended(self) -> Mapping[str, int]:
        """Documents repaired, by reason: the notes that count no images."""
        return {reason: n for reason, n in self.notes.items() if not reason.startswith(PREFIX)}

    def as_json(self) -> Json:
        """Its part of a shard's row in report.json."""
        return {
            "shard": self.shard,
            "path": self.path,
            **asdict(self.counts),
            "complete": self.complete,
            "error": self.error,
            "ineligible": self.ineligible,
            "skip_counts": self.skip_counts,
            "notes": self.mended,
            "images": counted(self.notes),
            "named": self.named,
            "digest": self.digest,
            "text_digest": self.text_digest,
            "format": self.format,
            "compression": self.compression,
        }


def count_shards(run: Path, plan: Plan, failed: Mapping[str, str]) -> list[ShardCounts]:
    """The counts of each shard of the corpus, in the order of the plan.

    Parameters: failed, reasons of splits that could not be mapped, by task key
    """
    tasks: dict[str, list[Task]] = {}
    for task in plan.of_role(CORPUS):
        tasks.setdefault(task.shard.name, []).append(task)
    return [_added(shard, run, tasks.get(shard.name, []), failed) for shard in plan.corpus.shards]


def _added(shard: Shard, run: Path, tasks: list[Task], failed: Mapping[str, str]) -> ShardCounts:
    """The splits of one shard added up; of several errors the last one is named."""
    markers = [(task.key, done(run, task.key)) for task in tasks]
    read = [marker for _, marker in markers if marker is not None]
    errors = [error for key, marker in markers if (error := _error(key, marker, failed))]
    counts, skips = sum((marker.counts for marker in read), Counts()), _summed(marker.skips for marker in read)
    return ShardCounts(
        shard.name,
        shard.path,
        counts,
        errors[-1] if errors else _nothing_read(counts, skips),
        _summed(marker.ineligible for marker in read),
        skips,
        _summed(marker.notes for marker in read),
        tuple(skip for marker in read for skip in marker.named),
        written(sum(int(marker.digest, 16) for marker in read)),
        written(sum(int(marker.text_digest, 16) for marker in read)),
        shard.format,
        shard.compression,
    )


def _nothing_read(counts: Counts, skips: Mapping[str, int]) -> str | None:
    """A shard whose records were all left out was not read, unless they are of a kind that holds no text."""
    faults = {reason: n for reason, n in skips.items() if reason not in NO_FAULT}
    if counts.documents or not faults:
        return None
    reasons = ", ".join(f"{n:,} x {reason}" for reason, n in sorted(faults.items()))
    return f"none of its {counts.records:,} records could be read ({reasons})"


def _error(key: str, marker: Marker | None, failed: Mapping[str, str]) -> str | None:
    if marker is None:
        return failed.get(key, "a part of it has not been mapped")
    return marker.error or failed.get(key)


def images_of(shards: Iterable[ShardCounts]) -> Json | None:
    """What the images of all shards declare; None where there is none."""
    return counted(_summed(shard.notes for shard in shards))


def _summed(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
