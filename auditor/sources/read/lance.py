"""Lance tables in a local folder, by the library pylance, at the version that the plan found.

A split is a run of fragments; rows are those that the version holds, deleted ones left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditor.errors import ConfigError, SourceError
from auditor.sources.find.files import File, is_url
from auditor.sources.find.tables import need, within
from auditor.sources.open.batching import batched
from auditor.sources.open.canonical import Raw
from auditor.sources.open.tables import columns_of, raw_of
from auditor.sources.read.interface import Batch, Inspected, Shard, SourceOptions, Split, split_size

ROWS = 256  # of a batch


def inspect(file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
    """The columns by the schema, splits of whole fragments, and the version.

    Raises: SourceError where the table is damaged, of a later version, or points out of its folder; ConfigError where
    it is not in a local folder, the library is absent, or no column is text
    """
    table = opened(file.path, None)
    fragments = table.get_fragments()
    rows = [fragment.count_rows() for fragment in fragments]
    sizes = [sum(part.file_size_bytes or 0 for part in fragment.data_files()) for fragment in fragments]
    columns = columns_of(table.schema, file, options)
    return Inspected(columns, _splits(rows, sizes, options.split_bytes), sum(rows), f"Lance version {table.version}")


def read(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The documents of a run of fragments."""
    return batched(_raws(shard, split, options), shard, options)


def opened(path: str, version: int | None) -> Any:
    """The table at a version, default the latest; every file that it names lies in its folder."""
    if is_url(path):
        raise ConfigError(f"{path}: Lance tables are read from a local folder; copy it, or write it as Parquet first")
    try:
        table = library(path).dataset(path, version=version)
        elsewhere = list(table.base_paths())
        named = [(part.path, part.base_id) for fragment in table.get_fragments() for part in fragment.data_files()]
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(
            f"{path}: not a Lance table that can be read: damaged, or of a later version ({first_line(error)})"
        ) from error
    if elsewhere or any(base is not None for _, base in named):
        raise SourceError(f"{path}: it names files outside its folder (a shallow clone), which are not opened")
    for name, _ in named:
        try:
            within(name)
        except SourceError as error:
            raise SourceError(f"{path}: {error}") from None
    return table


def library(path: str) -> Any:
    """The library; ConfigError that names the extra, and the table that asks for it, where it is absent."""
    need("lance", path)
    import lance

    return lance


def version_of(shard: Shard) -> int:
    """The version that was audited."""
    return int(shard.version.rpartition(" ")[2])


def first_line(error: BaseException) -> str:
    """What the library says, short of the traceback that it may append."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _splits(rows: list[int], sizes: list[int], most: int) -> tuple[Split, ...]:
    left = sum(sizes)
    found: list[Split] = []
    start = first = row = size = 0
    for at, weight in enumerate(sizes):
        if at > start and size + weight > split_size(left, most):
            found.append(Split(len(found), start, at, first, row - first, size))
            start, first, left, size = at, row, left - size, 0
        row += rows[at]
        size += weight
    return (*found, Split(len(found), start, len(sizes), first, row - first, size))


def _raws(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Raw]:
    row = split.first_row
    table = opened(shard.path, version_of(shard))
    needed = shard.columns.to_read(images=options.images)
    wanted = [name for name in table.schema.names if name in needed or name in {n.split(".")[0] for n in needed}]
    try:
        scan = table.scanner(
            columns=wanted,
            fragments=table.get_fragments()[split.start : split.stop],
            batch_size=ROWS,
            batch_readahead=1,
            fragment_readahead=1,
            scan_in_order=True,
        )
        for batch in scan.to_reader():
            yield raw_of(batch, shard, row, options)
            row += batch.num_rows
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(f"{shard.path}: damaged Lance data after row {row:,} ({first_line(error)})") from error
