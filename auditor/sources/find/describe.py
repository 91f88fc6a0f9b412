"""What a plan found, in few rows: for the output of `plan` and the head of a report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from auditor.sources.read.interface import Columns, Corpus, Shard


@dataclass(frozen=True, slots=True)
class Layout:
    """Shards with one layout: how many, how large, and which of their columns holds what."""

    format: str
    compression: str | None
    columns: Columns
    shards: int
    splits: int
    bytes: int
    rows: int | None  # None if one of them doesn't say without being read
    example: str
    partitioned: tuple[str, ...] = ()  # roles whose values come from folder names

    def sentence(self) -> str:
        """One line for people, such as `3 parquet shards (fineweb): text from "text", …`."""
        packed = f".{self.compression}" if self.compression else ""
        known = f" ({self.columns.family})" if self.columns.family else ""
        found = ", ".join(f"{role} from {name!r}" for role, name in self.columns.used().items())
        found += "".join(f", {role} from the folder's name" for role in self.partitioned)
        kind = f"; the date is when it was {self.columns.date_kind}" if self.columns.date_kind else ""
        return f"{self.shards:,} {self.format}{packed} shard{'s' * (self.shards != 1)}{known}: {found}{kind}"


def layouts(corpus: Corpus) -> list[Layout]:
    """The shards of a corpus grouped by format, compression and columns; the largest group first."""
    groups: dict[tuple[str, str | None, Columns], list[Shard]] = defaultdict(list)
    for shard in corpus.shards:
        groups[shard.format, shard.compression, shard.columns].append(shard)
    found = [
        Layout(
            *key,
            shards=len(shards),
            splits=sum(len(shard.splits) for shard in shards),
            bytes=sum(shard.bytes for shard in shards),
            rows=sum(shard.rows or 0 for shard in shards) if all(s.rows is not None for s in shards) else None,
            example=shards[0].name,
            partitioned=tuple(sorted({role for shard in shards for role, _ in shard.partitions})),
        )
        for key, shards in groups.items()
    ]
    return sorted(found, key=lambda layout: (-layout.bytes, layout.example))
