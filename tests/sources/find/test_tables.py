"""Tables of Delta, Iceberg and Lance: what they hold now is read, what they dropped is not, nothing else is opened."""

import json
import re
import shutil
import struct
from pathlib import Path

import polars as pl
import pytest

from auditor.errors import ConfigError
from auditor.sources.find import files, tables
from auditor.sources.find.plan import is_unchanged, plan_corpus
from auditor.sources.find.tables import DROPPED, OF_TABLE
from auditor.sources.find.unread import unread_counts
from auditor.sources.read.interface import Corpus, SourceOptions
from tests.sources.corpora import batches, jsonl, parquet, plan, put

ROWS = pl.DataFrame(
    {
        "id": [f"d{i}" for i in range(9)],
        "text": [f"text {i}" for i in range(9)],
        "lang": ["en", "de", "fr"] * 3,
    }
)
KEPT = sorted(f"text {i}" for i in range(9) if i != 4)


def arrow(frame: pl.DataFrame):
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def delta(folder: Path, *, partitioned: bool = False) -> Path:
    library = pytest.importorskip("deltalake")
    library.write_deltalake(str(folder), arrow(ROWS[:6]), partition_by=["lang"] if partitioned else None)
    library.write_deltalake(str(folder), arrow(ROWS[6:]), mode="append")
    library.DeltaTable(str(folder)).delete("id = 'd4'")
    return folder


def iceberg(folder: Path, **properties: str) -> Path:
    pytest.importorskip("pyiceberg")
    pytest.importorskip("sqlalchemy")
    from pyiceberg.catalog.sql import SqlCatalog

    folder.parent.mkdir(parents=True, exist_ok=True)
    catalog = SqlCatalog("c", uri="sqlite:///:memory:", warehouse=f"file://{folder.parent}")
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=arrow(ROWS).schema, location=f"file://{folder}", properties=properties)
    table.append(arrow(ROWS[:6]))
    table.append(arrow(ROWS[6:]))
    table.delete("id == 'd4'")
    return folder


def lance(folder: Path) -> Path:
    library = pytest.importorskip("lance")
    library.write_dataset(arrow(ROWS[:6]), str(folder))
    library.write_dataset(arrow(ROWS[6:]), str(folder), mode="append").delete("id = 'd4'")
    return folder


MAKE = {"delta": delta, "iceberg": iceberg, "lance": lance}


def texts(corpus: Corpus, **options) -> list[str]:
    found = [batches(shard, **options) for shard in corpus.shards]
    assert not any(failure for _, failure in found)
    return sorted(text for pieces, _ in found for batch in pieces for text in batch.frame["text"])


def log_of(folder: Path) -> tuple[Path, list[dict]]:
    path = folder / "_delta_log/00000000000000000000.json"
    return path, [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("kind", MAKE)
def test_a_table_is_read_as_it_is_now(tmp_path, kind, beside):
    table = MAKE[kind](tmp_path / "corpus" / "table.lance")
    if beside:
        put(tmp_path, "corpus/more.jsonl", jsonl(["another text"]))
    corpus = plan(tmp_path / "corpus" if beside else table)
    assert texts(corpus) == sorted([*KEPT, "another text"] if beside else KEPT)
    assert corpus.failed == () and {unread.reason for unread in corpus.ignored} <= {DROPPED, OF_TABLE}
    assert all(kind in shard.version.lower() for shard in corpus.shards if shard.format != "jsonl")
    assert unread_counts(corpus, {}, {shard.name: 1 for shard in corpus.shards}).files == 0


@pytest.mark.parametrize("kind", MAKE)
def test_a_plan_survives_its_own_json_and_notices_a_change(tmp_path, kind):
    table = MAKE[kind](tmp_path / "t")
    corpus = plan(table)
    shard = corpus.shards[0]
    assert Corpus.from_dict(json.loads(json.dumps(corpus.as_dict()))) == corpus
    assert is_unchanged(shard, SourceOptions())
    if kind == "lance":
        pytest.importorskip("lance").write_dataset(arrow(ROWS), str(table), mode="append")
        assert not is_unchanged(shard, SourceOptions())
        assert sorted(text for batch in batches(shard)[0] for text in batch.frame["text"]) == KEPT


@pytest.mark.parametrize("kind", ["delta", "iceberg"])
def test_a_copied_table_is_read_where_it_lies(tmp_path, kind):
    shutil.move(MAKE[kind](tmp_path / "made"), tmp_path / "elsewhere")
    assert texts(plan(tmp_path / "elsewhere")) == KEPT


def test_partitions_of_a_delta_table_with_odd_values(tmp_path):
    library = pytest.importorskip("deltalake")
    rows = ROWS.with_columns(source=pl.Series(["a b", "c%d", "e/f"] * 3)).drop("lang")
    library.write_deltalake(str(tmp_path / "t"), arrow(rows), partition_by=["source"])
    found = [batch.frame for shard in plan(tmp_path / "t").shards for batch in batches(shard)[0]]
    assert sorted(pl.concat(found)["text"]) == sorted(ROWS["text"])
    assert "a b" in pl.concat(found)["source"].to_list()


def test_a_checkpoint_stands_for_the_log_before_it(tmp_path):
    table = delta(tmp_path / "t")
    pytest.importorskip("deltalake").DeltaTable(str(table)).create_checkpoint()
    for path in (table / "_delta_log").glob("*.json"):
        path.unlink()
    assert texts(plan(table)) == KEPT


OUTSIDE = ["file:///{0}", "{0}", "../secret.parquet", "s3://b/x.parquet", "a/%2E%2E/../../secret.parquet"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_delta_log_that_points_out_of_its_folder_is_refused(tmp_path, path):
    secret = put(tmp_path, "secret.parquet", parquet(["a secret"]))
    table = delta(tmp_path / "t")
    log, entries = log_of(table)
    for entry in entries:
        if "add" in entry:
            entry["add"]["path"] = path.format(secret)
    log.write_text("\n".join(map(json.dumps, entries)))
    for later in sorted((table / "_delta_log").glob("*.json"))[1:]:
        later.unlink()
    (failed,) = plan(table).failed
    assert "names a file outside its folder" in failed.reason and plan(table).shards == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"protocol": {"minReaderVersion": 9, "minWriterVersion": 9}}, "of a later version of Delta"),
        (
            {
                "protocol": {
                    "minReaderVersion": 3,
                    "minWriterVersion": 7,
                    "readerFeatures": ["somethingNew"],
                    "writerFeatures": ["somethingNew"],
                }
            },
            "of a later version of Delta",
        ),
        ({"metaData": {"configuration": {"delta.columnMapping.mode": "name"}}}, "column mapping|later version"),
        (
            {
                "protocol": {
                    "minReaderVersion": 3,
                    "minWriterVersion": 7,
                    "readerFeatures": ["deletionVectors"],
                    "writerFeatures": ["deletionVectors"],
                },
                "add": {
                    "deletionVector": {
                        "storageType": "u",
                        "pathOrInlineDv": "vBn[lx{q8@P<9BNH/isA",
                        "offset": 1,
                        "sizeInBytes": 36,
                        "cardinality": 2,
                    }
                },
            },
            "deletion vectors",
        ),
    ],
    ids=["version", "feature", "columns", "deletions"],
)
def test_a_delta_table_that_is_not_read_says_why(tmp_path, change, reason):
    table = delta(tmp_path / "t")
    log, entries = log_of(table)
    for entry in entries:
        for action, fields in change.items():
            if action in entry:
                entry[action] = fields if action == "protocol" else {**entry[action], **fields}
    log.write_text("\n".join(map(json.dumps, entries)))
    for later in sorted((table / "_delta_log").glob("*.json"))[1:]:
        later.unlink()
    (failed,) = plan(table).failed
    assert re.search(reason, failed.reason), failed.reason


def test_a_lance_table_of_a_later_version_says_so(tmp_path):
    """A flag that no reader knows yet, appended to the manifest: field 9 of its message, whose last value counts."""
    table = lance(tmp_path / "t")
    for manifest in (table / "_versions").glob("*.manifest"):
        octets = manifest.read_bytes()
        (start,) = struct.unpack("<Q", octets[-16:-8])
        (size,) = struct.unpack("<I", octets[start : start + 4])
        message = octets[start + 4 : start + 4 + size] + bytes([9 << 3, 0x80, 0x80, 0x80, 0x01])
        manifest.write_bytes(octets[:start] + struct.pack("<I", len(message)) + message + octets[-16:])
    put(tmp_path, "good.jsonl", jsonl(["good"]))
    corpus = plan(tmp_path)
    assert texts(corpus) == ["good"]
    assert "of a later version" in corpus.failed[0].reason and "upgrade Lance" in corpus.failed[0].reason


def test_an_iceberg_table_of_a_later_version_says_so(tmp_path):
    table = iceberg(tmp_path / "t")
    for path in (table / "metadata").glob("*.metadata.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format-version": 9}))
    put(tmp_path, "good.jsonl", jsonl(["good"]))
    corpus = plan(tmp_path)
    assert texts(corpus) == ["good"]
    assert "of a later version of Iceberg" in corpus.failed[0].reason


@pytest.mark.parametrize("kind", ["delta", "iceberg"])
def test_a_table_with_a_file_less_is_named(tmp_path, kind):
    table = MAKE[kind](tmp_path / "t")
    put(tmp_path, "good.jsonl", jsonl(["good"]))
    Path(plan(table).shards[0].path).unlink()
    corpus = plan(tmp_path)
    assert texts(corpus) == ["good"]
    assert "only part of it was copied" in corpus.failed[0].reason


@pytest.mark.parametrize("kind", MAKE)
def test_damage_is_named(tmp_path, kind):
    table = MAKE[kind](tmp_path / "t")
    for path in [p for p in table.rglob("*") if p.suffix in (".json", ".manifest") and "hint" not in p.name]:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    put(tmp_path, "good.jsonl", jsonl(["good"]))
    corpus = plan(tmp_path)
    assert texts(corpus) == ["good"] and "damaged" in corpus.failed[0].reason


def test_iceberg_data_outside_of_the_folder_are_refused(tmp_path):
    table = iceberg(tmp_path / "t", **{"write.data.path": f"file://{tmp_path}/outside"})
    assert [*(tmp_path / "outside").rglob("*.parquet")]
    (failed,) = plan(table).failed
    assert "names a file outside its folder" in failed.reason and "/outside/" in failed.reason


@pytest.mark.parametrize("address", ["file:///etc/passwd", "s3://b/x.avro", "{0}/../secret.avro"])
def test_iceberg_metadata_that_lead_out_of_the_folder_are_refused(tmp_path, address):
    table = iceberg(tmp_path / "t")
    for path in (table / "metadata").glob("*.metadata.json"):
        said = json.loads(path.read_text())
        for snapshot in said["snapshots"]:
            snapshot["manifest-list"] = address.format(said["location"])
        path.write_text(json.dumps(said))
    (failed,) = plan(table).failed
    assert "names a file outside its folder" in failed.reason and plan(table).shards == ()


def test_two_iceberg_metadata_files_of_one_number_are_a_question(tmp_path):
    table = iceberg(tmp_path / "t")
    latest = sorted((table / "metadata").glob("*.metadata.json"))[-1]
    other = latest.with_name(latest.name[:6] + "0" * 8 + latest.name[14:])
    shutil.copy(latest, other)
    assert "only its catalog knows" in plan(table).failed[0].reason
    put(table, "metadata/version-hint.text", b"1")
    assert len(plan(table).shards) == 1


def test_a_shallow_clone_of_lance_is_refused(tmp_path):
    library = pytest.importorskip("lance")
    table = library.dataset(str(lance(tmp_path / "t")))
    table.shallow_clone(str(tmp_path / "clone"), table.version)
    (failed,) = plan(tmp_path / "clone").failed
    assert "outside its folder" in failed.reason


@pytest.mark.parametrize("kind", MAKE)
def test_tables_in_a_bucket(tmp_path, kind, monkeypatch):
    memory = pytest.importorskip("fsspec").filesystem("memory")
    monkeypatch.setattr(files, "PROTOCOLS", files.PROTOCOLS | {"memory"})
    memory.put(f"{MAKE[kind](tmp_path / 't')}/", "/bucket/t/", recursive=True)
    try:
        if kind == "lance":
            with pytest.raises(ConfigError, match="read from a local folder"):
                plan("memory://bucket/t")
        else:
            assert texts(plan("memory://bucket/t")) == KEPT
    finally:
        memory.rm("/bucket", recursive=True)


@pytest.mark.parametrize("kind", MAKE)
def test_without_its_library_the_extra_is_named(tmp_path, kind, monkeypatch):
    table = MAKE[kind](tmp_path / "t")
    monkeypatch.setitem(tables.LIBRARIES, kind, "no_such_library")
    with pytest.raises(ConfigError, match=rf"pip install 'corpus-auditor\[{kind}\]'"):
        plan_corpus([str(table)], SourceOptions())


def test_mds_names_its_converter(tmp_path):
    put(tmp_path, "shard.00000.mds", b"\0" * 64)
    with pytest.raises(ConfigError, match="JSON lines first"):
        plan(tmp_path)
