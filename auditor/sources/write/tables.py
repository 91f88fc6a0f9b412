"""Copies of Parquet and Arrow files and Lance tables without some of their rows: the same schema and codecs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.errors import SourceError
from auditor.sources.find.files import open_binary
from auditor.sources.read import lance
from auditor.sources.read.arrow import Opened
from auditor.sources.read.interface import MIB, Shard, SourceOptions
from auditor.sources.read.parquet import BUFFER, ROWS
from auditor.sources.write.selection import Selection, Written
from auditor.sources.write.sink import Sink

GROUP = 128 * MIB  # largest row group written: a larger one of the source becomes several


def write_parquet(shard: Shard, chosen: Selection, part: Path, options: SourceOptions) -> Written:
    """Raises: SourceError where the shard is damaged, or has a type that cannot be written"""
    total, row = Written(), 0
    try:
        with open_binary(shard.path, options.storage) as stream:
            opened = pq.ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER)
            schema = _writable(opened.schema_arrow)
            with pq.ParquetWriter(part, schema, compression=_codecs(opened)) as writer:
                for group in range(opened.num_row_groups):
                    held: list[pa.RecordBatch] = []
                    size = 0
                    for batch in opened.iter_batches(batch_size=ROWS, row_groups=[group], use_threads=False):
                        rows = chosen.part(row, batch.num_rows)
                        row, total = row + batch.num_rows, total + rows.count()
                        mask = rows.written(chosen.keep_unread)
                        if mask.any():
                            whole = _as(batch, schema)
                            held.append(whole if mask.all() else whole.filter(pa.array(mask)))
                            size += held[-1].nbytes
                        if size >= GROUP:
                            _flush(writer, held)
                            size = 0
                    _flush(writer, held)
    except (pa.ArrowException, OSError, NotImplementedError) as error:
        raise SourceError(f"{shard.path}: cannot be written again after row {row:,} ({str(error)[:200]})") from error
    return total


def write_arrow(shard: Shard, chosen: Selection, part: Path, options: SourceOptions) -> Written:
    """An Arrow file or stream, batch by batch, without compression inside (as `save_to_disk` writes it).

    Raises: SourceError where the shard is damaged
    """
    total, row = Written(), 0
    sink = Sink(part, shard.compression, by_record=False)
    try:
        with Opened(shard.path, shard.compression, options) as opened:
            make = pa.ipc.new_file if opened.random else pa.ipc.new_stream
            schema = _writable(opened.schema)
            with make(sink.out, schema) as writer:
                for batch in opened.batches():
                    rows = chosen.part(row, batch.num_rows)
                    row, total = row + batch.num_rows, total + rows.count()
                    mask = rows.written(chosen.keep_unread)
                    if mask.any():
                        whole = _as(batch, schema)
                        writer.write_batch(whole if mask.all() else whole.filter(pa.array(mask)))
    except (pa.ArrowException, OSError, NotImplementedError) as error:
        raise SourceError(f"{shard.path}: cannot be written again after row {row:,} ({str(error)[:200]})") from error
    finally:
        sink.close()
    return total


def write_lance(shard: Shard, chosen: Selection, part: Path) -> Written:
    """A table of one version, in the storage format of the source; older versions and indices are not taken along.

    Raises: SourceError where the table is damaged, or has columns of blobs, which a scan does not give
    """
    table = lance.opened(shard.path, lance.version_of(shard))
    counts: list[Written] = []

    def kept() -> Iterator[pa.RecordBatch]:
        row = 0
        for batch in scanned:
            rows = chosen.part(row, batch.num_rows)
            row += batch.num_rows
            counts.append(rows.count())
            yield batch.filter(pa.array(rows.written(chosen.keep_unread)))

    try:
        scanned = table.scanner(batch_size=lance.ROWS, scan_in_order=True).to_reader()
        if scanned.schema != table.schema:
            raise SourceError(f"{shard.path}: columns of blobs are not written again; use the list of --keep")
        reader = pa.RecordBatchReader.from_batches(table.schema, kept())
        lance.library(shard.path).write_dataset(reader, str(part), data_storage_version=table.data_storage_version)
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(f"{shard.path}: cannot be written again ({lance.first_line(error)})") from error
    return sum(counts, Written())


def _flush(writer: pq.ParquetWriter, held: list[pa.RecordBatch]) -> None:
    if held:
        table = pa.Table.from_batches(held)
        writer.write_table(table, row_group_size=max(1, table.num_rows))
        held.clear()


def _codecs(opened: pq.ParquetFile) -> dict[str, str] | str:
    """The codec of each column as the first row group has it."""
    if not opened.num_row_groups:
        return "zstd"
    group = opened.metadata.row_group(0)
    columns = (group.column(i) for i in range(group.num_columns))
    return {c.path_in_schema: "none" if c.compression == "UNCOMPRESSED" else c.compression for c in columns}


def _writable(schema: pa.Schema) -> pa.Schema:
    """The schema with types that pyarrow reads but neither filters nor writes (views) in their plain forms."""
    return pa.schema([field.with_type(_plain(field.type)) for field in schema], schema.metadata)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return pa.large_list(_field(kind.value_field))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        make = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return make(_field(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_field(kind.value_field), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([_field(inner) for inner in kind])
    if pa.types.is_map(kind):
        return pa.map_(_field(kind.key_field), _field(kind.item_field), kind.keys_sorted)
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _plain(kind.value_type), kind.ordered)
    return kind


def _field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain(field.type))


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with the types of the schema; by place, since two columns may have one name."""
    if batch.schema.equals(schema):
        return batch
    arrays: Iterator[Any] = (
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    )
    return pa.RecordBatch.from_arrays(list(arrays), schema=schema)
