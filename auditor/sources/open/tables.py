"""Record batches of Arrow, from Parquet or Arrow files, as raw records."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import polars as pl
import pyarrow as pa

from auditor.errors import ConfigError, SourceError
from auditor.records import Skip
from auditor.sources.find.columns import detect
from auditor.sources.find.files import File
from auditor.sources.find.partitions import partitions_of
from auditor.sources.open import images
from auditor.sources.open.canonical import Raw
from auditor.sources.open.side_columns import is_binary, is_string, side_column
from auditor.sources.read.interface import Columns, Shard, SourceOptions

IMAGES = ("image", "jpg", "jpeg", "png", "webp", "img", "image_bytes")


def columns_of(schema: pa.Schema, file: File, options: SourceOptions) -> Columns:
    """The columns of a table, of which one holds text.

    Raises: SourceError where there are too many, or two of the name of the text; ConfigError where none holds text
    """
    if len(schema) > options.limits.columns:
        raise SourceError(f"{file.path}: {len(schema):,} columns, more than {options.limits.columns:,}; not read")
    columns = detect(_names(schema), options, where=file.name, partitions=partitions_of(file.path))
    text = columns.text or ""
    if _is_ambiguous(schema, text):
        raise SourceError(f"{file.path}: two columns are named {text.split('.')[0]!r}; rename one of them")
    kind = _type_of(schema, text)
    if not is_text(kind):
        raise ConfigError(f"{file.name}: the column {text!r} holds {kind}, not text; name another with --text-column")
    return replace(columns, image=_image(schema))


def is_text(kind: pa.DataType | None) -> bool:
    """Whether a column of this type can be the text: strings and bytes in any of their forms."""
    if kind is not None and pa.types.is_dictionary(kind):
        kind = kind.value_type
    return kind is not None and (is_string(kind) or (is_binary(kind) and not pa.types.is_fixed_size_binary(kind)))


def raw_of(batch: pa.RecordBatch, shard: Shard, first: int, options: SourceOptions) -> Raw:
    """The records of a batch that begins at row `first`; values that cannot be used are noted."""
    columns: dict[str, pl.Series] = {}
    notes: list[Skip] = []
    for role, path in shard.columns.used().items():
        column = None if _is_ambiguous(batch.schema, path) else _column(batch, path)
        if role == "text":
            assert column is not None, "a text that is ambiguous is refused by the plan"
            columns[role], repaired = _text(column)
            notes += [Skip(shard.name, "invalid_utf8_replaced", row=first + i) for i in repaired]
        elif column is None:
            columns[role] = pl.Series([None] * batch.num_rows, dtype=pl.String)
            notes.append(
                Skip(shard.name, f"{role}_ambiguous", batch.num_rows, detail=f"two columns are named {path!r}")
            )
        else:
            columns[role], lost = side_column(column, role)
            if role == "date" and columns[role].dtype == pl.Date:
                columns["date_given"] = side_column(column, "id")[0]  # with the time of day
            notes += [Skip(shard.name, f"{role}_unreadable", lost, detail=f"{path!r}: {column.type}")] if lost else []
    notes += _images(batch, shard) if options.images else []
    frame = pl.DataFrame(columns).with_row_index("row", offset=first).with_columns(pl.col("row").cast(pl.Int64))
    large = frame["text"].str.len_bytes().fill_null(0) > options.limits.record_bytes
    skips = [
        Skip(shard.name, "record_too_large", row=row, detail=f"longer than {options.limits.record_bytes:,} bytes")
        for row in frame.filter(large)["row"].to_list()
    ]
    return Raw(frame.filter(~large) if skips else frame, tuple(skips), tuple(notes), batch.num_rows)


def _image(schema: pa.Schema) -> str | None:
    """The column of images: bytes under a usual name, or the `bytes` of Hugging Face's images."""
    for name in IMAGES:
        kind = _type_of(schema, name) if len(schema.get_all_field_indices(name)) == 1 else None
        if kind is not None and is_binary(kind):
            return name
        if kind is not None and pa.types.is_struct(kind) and is_binary(_type_of(schema, f"{name}.bytes") or pa.null()):
            return f"{name}.bytes"
    return None


def _images(batch: pa.RecordBatch, shard: Shard) -> list[Skip]:
    """What the images of a batch declare, counted."""
    if not shard.columns.image:
        return []
    if not images.can_look():
        return [Skip(shard.name, images.note(images.UNSEEN), batch.num_rows)]
    said: Counter[str] = Counter()
    for octets in _column(batch, shard.columns.image):
        if octets.is_valid:
            said[images.declaration(octets.as_py())] += 1
    return [Skip(shard.name, images.note(kind), count) for kind, count in sorted(said.items())]


def _names(schema: pa.Schema) -> list[str]:
    names: list[str] = []
    for field in schema:
        names.append(field.name)
        if pa.types.is_struct(field.type):
            names += [f"{field.name}.{inner.name}" for inner in field.type]
    return names


def _is_ambiguous(schema: pa.Schema, path: str) -> bool:
    """Whether a column's name, or that of the struct that holds it, occurs twice."""
    if len(schema.get_all_field_indices(path)) == 1:
        return False
    name, *inner = path.split(".")
    if len(schema.get_all_field_indices(path)) > 1 or len(schema.get_all_field_indices(name)) > 1:
        return True
    kind = schema.field(name).type if name in schema.names else None
    return bool(inner) and kind is not None and len(kind.get_all_field_indices(inner[0])) > 1


def _type_of(schema: pa.Schema, path: str) -> pa.DataType | None:
    if path in schema.names:
        return schema.field(path).type
    name, *inner = path.split(".")
    kind = schema.field(name).type if name in schema.names else None
    for field in inner:
        index = kind.get_field_index(field) if kind is not None and pa.types.is_struct(kind) else -1
        kind = kind.field(index).type if kind is not None and index >= 0 else None
    return kind


def _column(batch: pa.RecordBatch, path: str) -> pa.Array:
    """A column by its name or, failing that, by its dotted path; nulls of the outer struct hide the inner value."""
    if path in batch.schema.names:
        return batch.column(path)
    name, *inner = path.split(".")
    column = batch.column(name)
    for field in inner:
        column = column.flatten()[column.type.get_field_index(field)]
    return column


def _text(column: pa.Array) -> tuple[pl.Series, list[int]]:
    """Strings with every byte valid UTF-8 (pyarrow doesn't check, Polars must be able to rely on it), and the places
    of those that were repaired."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_binary(column.type):
        column = column.cast(pa.large_binary()).cast(pa.large_string(), safe=False)
    try:
        column.validate(full=True)
        return pl.Series(pl.from_arrow(column.cast(pa.large_string()))), []
    except pa.ArrowInvalid:
        octets = column.cast(pa.large_binary()).to_pylist()
    texts = [None if text is None else text.decode(errors="replace") for text in octets]
    bad = [i for i, (a, b) in enumerate(zip(octets, texts, strict=True)) if b is not None and a != b.encode()]
    return pl.Series(texts, dtype=pl.String), bad
