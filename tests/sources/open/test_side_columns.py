"""Every role with every Arrow type, through Parquet and Arrow files: no type beside the text costs a document."""

import datetime as dt
import decimal
import uuid

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.sources.open.side_columns import side_column
from auditor.sources.read.interface import ROLES
from tests.sources.corpora import plan, read

NOON = dt.datetime(2019, 4, 25, 12, 57, 54)
DAY = dt.date(2019, 4, 25)
U = [uuid.UUID(int=7 << 64), None, uuid.UUID(int=2**128 - 1)]


def stamps(unit: str, zone: str | None) -> pa.Array:
    return pa.array([NOON, None, NOON], pa.timestamp(unit)).cast(pa.int64()).cast(pa.timestamp(unit, zone))


TYPES = {
    "null": pa.nulls(3),
    "bool": pa.array([True, None, False]),
    **{str(kind): pa.array([1, None, 2], kind) for kind in (pa.int8(), pa.int16(), pa.uint8(), pa.uint16())},
    **{str(k): pa.array([20190425, None, 2019], k) for k in (pa.int32(), pa.int64(), pa.uint32(), pa.uint64())},
    "huge": pa.array([2**64 - 1, None, 1], pa.uint64()),
    "half": pa.array([1.0, None, 2.5], pa.float16()),
    "float": pa.array([2019.0, None, float("nan")], pa.float32()),
    "double": pa.array([20190425.0, None, float("inf")]),
    "decimal": pa.array([decimal.Decimal(20190425), None, decimal.Decimal(1)]),
    "decimal256": pa.array([decimal.Decimal(20190425), None, decimal.Decimal(10) ** 70], pa.decimal256(76, 0)),
    "date32": pa.array([DAY, None, DAY]),
    "date64": pa.array([DAY, None, DAY], pa.date64()),
    **{
        f"{unit} {zone}": stamps(unit, zone)
        for unit in ("s", "ms", "us", "ns")
        for zone in (None, "UTC", "+05:30", "America/New_York", "Mars/Base")
    },
    "far": pa.array([-(2**62), None, 2**62], pa.timestamp("s")),
    "far in a zone": pa.array([-(2**62), None, 2**62], pa.timestamp("s", "Europe/Berlin")),
    "time32": pa.array([1, None, 2], pa.time32("s")),
    "time64": pa.array([1, None, 2], pa.time64("ns")),
    "duration": pa.array([1, None, 2], pa.duration("us")),
    "interval": pa.array([(1, 2, 3), None, (0, 0, 0)], pa.month_day_nano_interval()),
    "string": pa.array(["2019-04-25", None, "x"]),
    "string view": pa.array(["2019-04-25", None, "x"], pa.string_view()),
    "binary": pa.array([b"2019-04-25", None, b"\xff\x00"]),
    "binary view": pa.array([b"2019-04-25", None, b"\xff\x00"], pa.binary_view()),
    "fixed": pa.array([b"abcd", None, b"\xff\xff\xff\xff"], pa.binary(4)),
    "uuid": pa.array([u and u.bytes for u in U], pa.uuid()),
    "uuid as bytes": pa.array([u and u.bytes for u in U], pa.binary(16)),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":1}', None, '"x"'])),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
    "list": pa.array([["eng", "fra"], None, []]),
    "large list": pa.array([["eng"], None, []], pa.large_list(pa.string())),
    "fixed list": pa.array([["eng", "fra"], None, ["a", "b"]], pa.list_(pa.string(), 2)),
    "list view": pa.array([["eng"], None, []], pa.list_view(pa.string())),
    "list of lists": pa.array([[["eng"]], None, []]),
    "list of structs": pa.array([[{"a": 1}], None, []]),
    "map": pa.array([[("name", "cc0")], None, []], pa.map_(pa.string(), pa.string())),
    "struct": pa.array([{"oid": "x"}, None, {"oid": "y"}]),
    "dictionary": pa.array(["a", None, "b"]).dictionary_encode(),
    "dictionary of numbers": pa.array([2019, None, 2020]).dictionary_encode(),
    "run ends": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None])),
    "union": pa.UnionArray.from_dense(
        pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [pa.array([1, 2]), pa.array(["a"])]
    ),
}
SIDE = [role for role in ROLES if role != "text"]
TEXTS = ["one text", "another text", "a third text"]


def write(path, table: pa.Table) -> bool:
    if path.suffix == ".arrow":
        with pa.ipc.new_file(path, table.schema) as sink:
            sink.write_table(table)
        return True
    try:
        pq.write_table(table, path)
    except (pa.ArrowException, NotImplementedError):
        return False  # Parquet has no such type
    return True


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize("kind", TYPES)
def test_no_type_of_a_side_column_costs_a_document(tmp_path, kind, suffix):
    for role in SIDE:
        path = tmp_path / f"{role}{suffix}"
        if not write(path, pa.table({"text": TEXTS, role: TYPES[kind]})):
            assert kind in ("half", "interval", "list view", "run ends", "union", "far", "far in a zone")
            return
        frame, skips, notes, failure = read(path)
        assert frame["text"].to_list() == TEXTS and (skips, failure) == ({}, None), role
        assert frame["row"].to_list() == [0, 1, 2] and frame["doc_id"].null_count() == 0
        unusable = {f"{role}_unreadable", "date_unreadable", "date_out_of_range"}
        assert set(notes) <= unusable, (role, notes)
        if kind in ("struct", "map", "list of structs") and role != "date":
            assert notes == {f"{role}_unreadable": {"list of structs": 1}.get(kind, 2)}, (role, notes)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("uuid", [str(U[0]), None, str(U[2])]),
        ("uuid as bytes", [str(U[0]), None, str(U[2])]),
        ("int64", ["20190425", None, "2019"]),
        ("huge", [str(2**64 - 1), None, "1"]),
        ("double", ["20190425", None, "inf"]),
        ("decimal256", ["20190425", None, "1" + 70 * "0"]),
        ("fixed", ["abcd", None, "ffffffff"]),
        ("list of lists", ["eng", None, None]),
        ("bool", ["true", None, "false"]),
        ("json", ['{"a":1}', None, '"x"']),
    ],
)
def test_identities_of_every_type_are_written_as_text(kind, expected):
    assert side_column(TYPES[kind], "id")[0].to_list() == expected


@pytest.mark.parametrize(
    "kind", [k for k in TYPES if k[:2] in ("s ", "ms", "us", "ns", "da") or k in ("decimal", "int64")]
)
def test_dates_of_every_type_are_that_day(tmp_path, kind):
    if kind.startswith("dictionary"):
        return
    write(path := tmp_path / "a.arrow", pa.table({"text": TEXTS, "date": TYPES[kind]}))
    frame, *_ = read(path)
    assert frame["date"].to_list()[:2] == [DAY, None]


def test_a_zone_decides_on_the_day():
    late = dt.datetime(2019, 4, 25, 23, 30)
    column = pa.array([late], pa.timestamp("us")).cast(pa.int64())
    for zone, day in (("UTC", 25), ("+05:30", 26), ("Mars/Base", 25)):
        found, lost = side_column(column.cast(pa.timestamp("us", zone)), "date")
        assert (found.cast(pl.Date).to_list(), lost) == ([dt.date(2019, 4, day)], 0)


def test_slices_and_views_of_columns_are_read_from_their_place():
    for kind, column in TYPES.items():
        for role in ("id", "date"):
            whole, part = side_column(column, role)[0], side_column(column.slice(1), role)[0]
            assert part.equals(whole.slice(1)) or kind == "double" or kind == "float", (kind, role)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_two_columns_of_one_name_stop_nothing_but_their_file(tmp_path, suffix):
    arrays = [pa.array(TEXTS), pa.array(["x", "y", "z"])]
    write(tmp_path / f"good{suffix}", pa.table({"text": TEXTS}))
    write(tmp_path / f"joined{suffix}", pa.Table.from_arrays(arrays, names=["text", "text"]))
    corpus = plan(tmp_path)
    assert [shard.name for shard in corpus.shards] == [f"good{suffix}"]
    (failed,) = corpus.failed
    assert failed.name == f"joined{suffix}" and "two columns are named 'text'" in failed.reason


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_two_side_columns_of_one_name_are_noted(tmp_path, suffix):
    arrays = [pa.array(TEXTS), pa.array([1, 2, 3]), pa.array([4, 5, 6]), pa.array([{"a": 1}] * 3), pa.array(TEXTS)]
    write(path := tmp_path / f"a{suffix}", pa.Table.from_arrays(arrays, names=["text", "id", "id", "b", "b"]))
    frame, skips, notes, failure = read(path)
    assert frame["text"].to_list() == TEXTS and (skips, failure) == ({}, None) and notes == {"id_ambiguous": 3}


def test_two_columns_of_one_name_in_a_csv_are_named(tmp_path):
    (tmp_path / "good.csv").write_text("id,text\n1,a text\n")
    (tmp_path / "joined.csv").write_text("id,text,text\n1,a,b\n")
    (tmp_path / "ids.csv").write_text("id,id,text\n1,2,another text\n")
    corpus = plan(tmp_path)
    assert [shard.name for shard in corpus.shards] == ["good.csv", "ids.csv"]
    assert "two columns are named 'text'" in corpus.failed[0].reason
    frame, skips, notes, _ = read(tmp_path / "ids.csv")
    assert frame["text"].to_list() == ["another text"] and skips == {} and notes == {"id_ambiguous": 1}
