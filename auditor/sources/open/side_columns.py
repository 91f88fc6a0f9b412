"""Columns beside the text (identity, date, URL, labels) of any Arrow type, converted to one that the rest understands.

Tables come from pandas, DuckDB, Spark, Polars and Hugging Face datasets, each with types of its own. A type that
cannot hold what a role asks for (a map as a date) makes that column null and is noted; it never costs a document.
"""

from __future__ import annotations

import uuid

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
_VIEWS = (pa.types.is_list_view, pa.types.is_large_list_view)
LARGEST_EXACT = 2**53


def side_column(column: pa.Array, role: str) -> tuple[pl.Series, int]:
    """A column for a role other than the text: strings, or for "date" also dates and numbers.

    Returns: the values, null where there is none; how many of the source's values could not be used
    """
    try:
        while _is_list(column.type):
            column = _first(column)
        plain = _plain(column, role)
        found = pl.Series(pl.from_arrow(plain))
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError, OverflowError, pl.exceptions.PolarsError):
        found = None
    if found is None or len(found) != len(column):
        return pl.Series([None] * len(column), dtype=pl.String), len(column) - column.null_count
    if not found.null_count():
        return found, 0
    absent = column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    return found, int((found.is_null().to_numpy() & ~absent).sum())


def is_string(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text."""
    return any(test(kind) for test in _TEXT)


def is_binary(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds bytes."""
    return any(test(kind) for test in _BYTES)


def _is_list(kind: pa.DataType) -> bool:
    return any(test(kind) for test in _LISTS + _VIEWS)


def _plain(column: pa.Array, role: str) -> pa.Array:
    """The column as large strings; for dates as date32, timestamps without a zone, or numbers of 64 bits."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        is_uuid = getattr(kind, "extension_name", "") == "arrow.uuid"
        return _uuids(column.storage) if is_uuid else _plain(column.storage, role)
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode(), role)
    if pa.types.is_run_end_encoded(kind):
        return _plain(pc.run_end_decode(column), role)
    if is_binary(kind):
        return _octets(column)
    if is_string(kind):
        return _valid(column)
    if role == "date":
        return _dates(column)
    if pa.types.is_null(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_temporal(kind):
        return _strings(column)
    if pa.types.is_floating(kind):
        return _floats(column)
    if pa.types.is_decimal(kind):
        return pa.array([None if d is None else format(d, "f") for d in column.to_pylist()], pa.large_string())
    raise TypeError(f"{kind} holds no {role}")


def _dates(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_date(kind):
        return column.cast(pa.date32(), safe=False)
    if pa.types.is_timestamp(kind):
        return _without_zone(column)
    if pa.types.is_decimal(kind):
        return pa.array([None if d is None else float(d) for d in column.to_pylist()], pa.float64())
    if pa.types.is_integer(kind):
        if pa.types.is_uint64(kind):
            column = pc.if_else(pc.greater(column, pa.scalar(2**63 - 1, kind)), pa.scalar(None, kind), column)
        return column.cast(pa.int64())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_null(kind):
        return column.cast(pa.large_string())
    raise TypeError(f"{kind} is no date")


def _without_zone(column: pa.Array) -> pa.Array:
    """The day in the column's time zone; in UTC if the zone is unknown ("Mars/Base")."""
    kind = column.type
    if kind.tz is not None:
        try:
            column = pc.local_timestamp(column)
        except (pa.ArrowException, ValueError):
            column = column.cast(pa.int64()).cast(pa.timestamp(kind.unit))
    # Days first: a nanosecond of the year 1600 fits no other unit safely, and seconds overflow microseconds.
    return pc.floor_temporal(column, unit="day").cast(pa.date32(), safe=False)


def _strings(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        stamps = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit))
        return stamps.cast(pa.large_string())
    return column.cast(pa.large_string())


def _floats(column: pa.Array) -> pa.Array:
    """Whole numbers without their ".0": pandas makes floats of integers beside a null."""
    values = column.cast(pa.float64()).to_pylist()
    return pa.array([_number(value) for value in values], pa.large_string())


def _number(value: float | None) -> str | None:
    if value is None or value != value:
        return None
    whole = abs(value) <= LARGEST_EXACT and value == int(value)
    return str(int(value)) if whole else repr(value)


def _first(column: pa.Array) -> pa.Array:
    """The first element of each list, which is the likeliest (HPLT's `lang`); null where a list is empty."""
    kind = column.type
    if any(test(kind) for test in _VIEWS):
        column = column.cast(pa.large_list(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        column = column.cast(pa.list_(kind.value_type)) if kind.list_size else pa.nulls(len(column), pa.list_(kind))
    sizes = pc.fill_null(pc.list_value_length(column), 0)
    places = pc.if_else(pc.greater(sizes, 0), column.offsets[:-1].cast(pa.int64()), None)
    return column.values.take(places)


def _octets(column: pa.Array) -> pa.Array:
    """Bytes as text where they are printable UTF-8; else 16 of them as a UUID, others as hexadecimal digits."""
    return pa.array([_named(value) for value in column.to_pylist()], pa.large_string())


def _named(octets: bytes | None) -> str | None:
    if octets is None:
        return None
    try:
        if (text := octets.decode()).isprintable() and (len(octets) != 16 or text.isascii()):
            return text
    except UnicodeDecodeError:
        pass
    return str(uuid.UUID(bytes=octets)) if len(octets) == 16 else octets.hex()


def _uuids(column: pa.Array) -> pa.Array:
    values = [None if value is None else str(uuid.UUID(bytes=value)) for value in column.to_pylist()]
    return pa.array(values, pa.large_string())


def _valid(column: pa.Array) -> pa.Array:
    """Strings whose bytes are UTF-8: pyarrow does not check what a file says, Polars must be able to rely on it."""
    column = column.cast(pa.large_string())
    try:
        column.validate(full=True)
        return column
    except pa.ArrowInvalid:
        octets = column.cast(pa.large_binary()).to_pylist()
        return pa.array([None if o is None else o.decode(errors="replace") for o in octets], pa.large_string())
