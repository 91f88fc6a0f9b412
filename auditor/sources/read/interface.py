"""The vocabulary of sources: what a plan holds, what a reader is asked for and what it yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from auditor.records import Json, Skip

MIB = 1 << 20

# The columns of every batch, in this order, whatever the source. row is the record's position in its shard, bad
# records counted (for line formats the line, for WARC the record of any type), so it rises but may have gaps.
# given is what the source itself says beside the text, in one string: a digest covers it to the byte.
CANONICAL = pl.Schema(
    {
        "row": pl.Int64,
        "doc_id": pl.String,
        "text": pl.String,
        "date": pl.Date,
        "host": pl.String,
        "language": pl.String,
        "source": pl.String,
        "topic": pl.String,
        "category": pl.String,
        "declared_generator": pl.String,
        "licence": pl.String,
        "given": pl.String,
    }
)

# What a reader looks for in a source.
ROLES = ("text", "id", "date", "url", "language", "source", "topic", "category", "generator", "licence")
DATE_KINDS = ("written", "crawled", "added")
TEXT_UNITS = ("file", "line", "paragraph")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused; every refusal is a counted skip or names the file."""

    record_bytes: int = 256 * MIB  # one record as it lies in the file, decompressed
    expansion_ratio: float = 500.0  # decompressed / compressed, looked at after the first 64 MiB of output
    decompressed_bytes: int = 1 << 40  # of one file
    columns: int = 20_000  # of one table


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to read; what is None is detected. `storage` goes to fsspec and is never written anywhere."""

    text_column: str | None = None
    id_column: str | None = None
    date_column: str | None = None
    url_column: str | None = None
    language_column: str | None = None
    source_column: str | None = None
    topic_column: str | None = None
    category_column: str | None = None
    demanded: bool = True  # a named column must exist; in a reference it is used only if it does
    date_kind: str | None = None  # what the dates say where it is known better: DATE_KINDS
    text_unit: str = "file"  # what one document of a plain text file is: TEXT_UNITS
    batch_bytes: int = 16 * MIB  # of text in a batch; one longer document makes a batch of its own
    batch_rows: int = 65_536
    split_bytes: int = 384 * MIB  # uncompressed bytes of a split, at most
    images: bool = True  # read what images declare about themselves
    limits: Limits = Limits()
    spool: Path | None = None  # folder in which standard input is kept for the second pass
    storage: Mapping[str, Any] = field(default_factory=dict, repr=False)


def split_size(left: int, most: int) -> int:
    """Bytes of the next split of a file with `left` to go: fewer towards the end, so that workers end together."""
    return min(most, max(left // 2, most // 6))


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a shard that one worker reads: [start, stop) in row groups, bytes or files, by the shard's format.

    first_row is the row of its first record; rows is the number of records where it is known without reading.
    """

    index: int
    start: int
    stop: int
    first_row: int = 0
    rows: int | None = None
    text_bytes: int | None = None  # an estimate of the uncompressed text, for balancing


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a shard holds what: names, dotted if nested ("metadata.url"); None if there is none."""

    text: str | None = None
    id: str | None = None
    date: str | None = None
    url: str | None = None
    language: str | None = None
    source: str | None = None
    topic: str | None = None
    category: str | None = None
    generator: str | None = None
    licence: str | None = None
    date_kind: str | None = None  # DATE_KINDS: only `written` says when a text was made
    family: str | None = None  # the known corpus whose layout this is, such as "fineweb"
    image: str | None = None  # an image beside the text; only what it declares is read

    def to_read(self, *, images: bool) -> list[str]:
        """The names of all columns that a reader needs, each once."""
        return list(dict.fromkeys([*self.used().values(), *([self.image] if images and self.image else [])]))

    def used(self) -> dict[str, str]:
        """The source's own name of the column of each role that it has, in the order of ROLES."""
        return {role: name for role in ROLES if (name := getattr(self, role))}


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a look at a file tells its format's reader."""

    columns: Columns
    splits: tuple[Split, ...]
    rows: int | None = None
    version: str = ""  # of the table, where the file is one


@dataclass(frozen=True, slots=True)
class Shard:
    """One input file, a folder of plain text files, or standard input. name is unique within a corpus."""

    name: str
    path: str
    format: str  # parquet | arrow | jsonl | csv | tsv | text | folder | warc | wet | tar | lance
    compression: str | None  # gz | zst | bz2 | xz
    bytes: int
    mtime: float
    fingerprint: str
    columns: Columns = Columns()
    splits: tuple[Split, ...] = ()
    rows: int | None = None  # where the file says so without being read
    partitions: tuple[tuple[str, str], ...] = ()  # roles and their values that the names of its folders give
    version: str = ""  # of the table that it is, or that it is a part of, in words

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Shard:
        """The shard of a plan in JSON, as `Corpus.as_dict` writes it."""
        splits = tuple(Split(**split) for split in fields["splits"])
        partitions = tuple((role, value) for role, value in fields.get("partitions", ()))
        own = {"columns": Columns(**fields["columns"]), "splits": splits, "partitions": partitions}
        return cls(**{**fields, **own})


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that belongs to the corpus and cannot be read at all (failed), or was passed over (ignored)."""

    name: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """The plan: the shards in order, the files that cannot be read, and the files that were passed over.

    listed: how many files the corpus has where only a sample of them is read, else None
    """

    name: str
    roots: tuple[str, ...]
    shards: tuple[Shard, ...]
    failed: tuple[Unread, ...] = ()
    ignored: tuple[Unread, ...] = ()
    listed: int | None = None

    def as_dict(self) -> Json:
        """All fields as JSON, for the manifest of a run."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Corpus:
        """The corpus that `as_dict` wrote."""
        return cls(
            fields["name"],
            tuple(fields["roots"]),
            tuple(Shard.from_dict(shard) for shard in fields["shards"]),
            tuple(Unread(**unread) for unread in fields["failed"]),
            tuple(Unread(**unread) for unread in fields["ignored"]),
            fields.get("listed"),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents in the canonical columns; the records left out (skips); what was repaired in those kept (notes).

    Counts in `notes` are of documents inside the frame, so they never add to `skipped`. `records` is how many the
    reader met, counted where it meets them: over a split they are documents + skips, or something was lost.
    """

    frame: pl.DataFrame
    skips: tuple[Skip, ...] = ()
    notes: tuple[Skip, ...] = ()
    records: int = 0
