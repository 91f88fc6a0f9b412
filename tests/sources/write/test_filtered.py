"""A filtered shard holds the kept records byte for byte, in the same format and compression."""

import gzip
import io
import tarfile
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import SourceError
from auditor.sources.open.compression import expanded
from auditor.sources.read.interface import Limits, SourceOptions
from auditor.sources.write.filtered import write_filtered
from auditor.sources.write.selection import Selection, Written
from tests.sources.corpora import COMPRESS, MAKE, PACKINGS, batches, plan, put, read, warc_record

TEXTS = [f'document {i}\nwith é and "quotes", {"long " * (i % 40)}'.strip() for i in range(400)]
OPTIONS = SourceOptions()


def write(path, keep, target, *, keep_unread=True, **options) -> Written:
    """Keep the documents of these rows; all others that were read are left out."""
    (shard,) = plan(path, **options).shards
    found, _ = batches(shard, **options)
    documents = np.concatenate([batch.frame["row"].to_numpy() for batch in found] or [np.zeros(0, np.int64)])
    return write_filtered(
        shard, documents, np.isin(documents, list(keep)), target, SourceOptions(**options), keep_unread=keep_unread
    )


def filtered(path, keep, target, **options) -> int:
    return write(path, keep, target, **options).kept


@pytest.mark.parametrize(("suffix", "compression"), PACKINGS)
@pytest.mark.parametrize("keep", [[], [0], [399], list(range(0, 400, 7)), list(range(400))], ids=len)
def test_what_is_kept_reads_the_same_as_before(tmp_path, suffix, compression, keep):
    path = put(tmp_path / "in", f"a{suffix}{compression}", COMPRESS[compression](MAKE[suffix](TEXTS)))
    target = tmp_path / "out" / path.name
    assert filtered(path, keep, target) == len(keep)
    assert [entry.name for entry in target.parent.iterdir()] == [path.name]
    if keep:
        frame, *_ = read(target)
        before, *_ = read(path)
        assert frame.drop("row").equals(before[keep].drop("row"))


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".wet"])
def test_keeping_everything_gives_the_same_bytes(tmp_path, suffix):
    octets = MAKE[suffix](TEXTS) if suffix != ".jsonl" else b'{"x": 1, "text": "\\u00e9", "y": [1,  2]}\n' * 300
    path = put(tmp_path, f"a{suffix}", octets)
    filtered(path, range(400), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == octets


def test_kept_records_are_byte_equal_even_where_they_are_not_utf8(tmp_path):
    lines = [b"id,text\n", b'1,"a\xff\nb"\n', b"2,c\n", b'3,"d, \xe9"\n']
    path = put(tmp_path, "a.csv", b"".join(lines))
    filtered(path, [0, 2], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == lines[0] + lines[1] + lines[3]


def test_parquet_keeps_schema_codecs_and_row_groups(tmp_path):
    path = put(tmp_path, "a.parquet", MAKE[".parquet"](TEXTS, row_group_size=100, compression="snappy"))
    filtered(path, range(0, 400, 2), tmp_path / "out.parquet")
    before, after = pq.ParquetFile(path), pq.ParquetFile(tmp_path / "out.parquet")
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert [after.metadata.row_group(i).num_rows for i in range(after.num_row_groups)] == [50] * 4
    assert after.metadata.row_group(0).column(0).compression == "SNAPPY"


def test_an_archive_keeps_its_records_that_are_no_documents_each_a_member(tmp_path):
    records = [warc_record(0, b"software: x", kind="warcinfo"), *(warc_record(i, b"text") for i in range(1, 5))]
    path = put(tmp_path, "a.wet.gz", b"".join(map(gzip.compress, records)))
    assert filtered(path, [2, 4], tmp_path / "out.wet.gz") == 2
    packed = (tmp_path / "out.wet.gz").read_bytes()
    assert gzip.decompress(packed) == records[0] + records[2] + records[4]
    assert packed.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") == 3


def test_folders_and_units_of_text_are_filtered(tmp_path):
    for i in range(4):
        put(tmp_path / "in", f"{i}.txt", f"one {i}\n\ntwo {i}\nmore".encode())
    assert filtered(tmp_path / "in", [1, 3], tmp_path / "out") == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.txt", "3.txt"]
    lines = put(tmp_path, "l.txt", b"a\r\nb\nc")
    assert filtered(lines, [0, 2], tmp_path / "l2.txt", text_unit="line") == 2
    assert (tmp_path / "l2.txt").read_bytes() == b"a\r\nc"
    assert filtered(tmp_path / "in" / "0.txt", [1], tmp_path / "p.txt", text_unit="paragraph") == 1
    assert (tmp_path / "p.txt").read_bytes() == b"two 0\nmore\n\n"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".wet", ".arrow"])
def test_of_a_damaged_shard_nothing_is_left_behind(tmp_path, suffix):
    octets = gzip.compress(MAKE[suffix](TEXTS))
    path = put(tmp_path, f"a{suffix}.gz", octets[: len(octets) * 2 // 3])
    target = tmp_path / "out" / path.name
    with pytest.raises(SourceError, match=r"truncated|damaged|ends in the middle"):
        filtered(path, range(400), target)
    assert list(target.parent.iterdir()) == []


@given(st.dictionaries(st.integers(0, 60), st.booleans()), st.lists(st.integers(1, 9), max_size=20), st.booleans())
def test_masks_over_rising_rows_are_membership(documents, counts, keep_unread):
    rows = np.array(sorted(documents), np.int64)
    chosen, first = Selection(rows, np.array([documents[r] for r in rows.tolist()], bool), keep_unread=keep_unread), 0
    for count in counts:
        part = chosen.part(first, count)
        here = range(first, first + count)
        assert part.written(keep_unread).tolist() == [documents.get(row, keep_unread) for row in here]
        assert part.count() == Written(
            sum(documents.get(r) is True for r in here),
            sum(documents.get(r) is False for r in here),
            sum(r not in documents for r in here),
        )
        first += count


BAD = {
    ".jsonl": [b"{broken\n", b'{"id": 7}\n', b'["no object"]\n', b"\n"],
    ".csv": [b"a,b,c,d,e,f\n", b"only-an-id\n", b"\n"],
    ".tsv": [b"a\tb\tc\td\te\tf\n", b"only-an-id\n", b"\n"],
    ".wet": [
        warc_record(9, b"wrong", length=900),
        warc_record(9, b"x" * 3000, length=10**12),
        b"garbage\r\n\r\n",
        warc_record(9, b"HTTP/1.1 404 Gone\r\n\r\n", kind="response"),
    ],
}


def records_of(suffix: str, octets: bytes) -> list[bytes]:
    if suffix == ".wet":
        return [b"WARC/1.0" + part for part in octets.split(b"WARC/1.0")[1:]]
    return octets.splitlines(keepends=True)


@pytest.mark.parametrize("keep_unread", [True, False])
@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("suffix", BAD)
def test_kept_left_out_and_unread_are_all_records_and_unread_ones_stay_as_they_are(
    tmp_path, suffix, packed, keep_unread
):
    texts = [f"document number {i}" for i in range(30)]
    good = records_of(suffix, MAKE[suffix](texts))
    head = good[:1] if suffix in (".csv", ".tsv") else []
    good = good[len(head) :]
    mixed = [r for i, record in enumerate(good) for r in (BAD[suffix][i % len(BAD[suffix])], record)]
    path = put(tmp_path, f"a{suffix}{packed}", COMPRESS[packed](b"".join(head + mixed)))
    before, skips, _, _ = read(path)
    assert before["text"].to_list() == texts
    keep = before["row"].to_list()[::3]
    written = write(path, keep, tmp_path / "out" / path.name, keep_unread=keep_unread)
    assert written == Written(10, 20, sum(skips.values())) and sum(skips.values()) > 15
    after, left, _, failure = read(tmp_path / "out" / path.name)
    assert after["text"].to_list() == texts[::3] and failure is None
    if suffix == ".wet" and keep_unread:  # damage between records that go becomes one stretch of damage
        assert left.keys() == skips.keys() and all(left[reason] <= skips[reason] for reason in left)
    else:
        assert left == (skips if keep_unread else {})
    octets = (tmp_path / "out" / path.name).read_bytes()
    octets = gzip.decompress(octets) if packed else octets
    for record in BAD[suffix]:
        if record.strip():
            assert (record.rstrip() in octets) == keep_unread


def test_a_record_that_was_too_large_is_copied(tmp_path):
    big = b'{"text": "' + b"x" * 5000 + b'"}\n'
    path = put(tmp_path, "a.jsonl", b'{"text": "a"}\n' + big + b'{"text": "b"}\n')
    assert write(path, [0], tmp_path / "out.jsonl", limits=Limits(record_bytes=1000)) == Written(1, 1, 1)
    assert (tmp_path / "out.jsonl").read_bytes() == b'{"text": "a"}\n' + big


VIEWS = {
    "string view": pa.array(TEXTS, pa.string_view()),
    "binary view": pa.array([t.encode() for t in TEXTS], pa.binary_view()),
    "list of views": pa.array([[t] for t in TEXTS], pa.list_(pa.string_view())),
    "struct of views": pa.array([{"a": t} for t in TEXTS], pa.struct([("a", pa.string_view())])),
    "map": pa.array([[("a", 1)] for _ in TEXTS], pa.map_(pa.string(), pa.int64())),
    "uuid": pa.array([bytes(16) for _ in TEXTS], pa.uuid()),
    "decimal256": pa.array([Decimal(1) for _ in TEXTS], pa.decimal256(60, 0)),
    "dictionary": pa.array([t[:10] for t in TEXTS]).dictionary_encode(),
    "null": pa.nulls(len(TEXTS)),
    "zoned": pa.array([1] * len(TEXTS), pa.timestamp("us", "Mars/Base")),
    "empty struct": pa.array([{"a": {"b": None}} for _ in TEXTS]),
}


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize("kind", VIEWS)
def test_every_type_that_is_read_is_written(tmp_path, kind, suffix):
    columns = {"text": pa.array(TEXTS), "x": VIEWS[kind]}
    path = tmp_path / f"a{suffix}"
    if suffix == ".arrow":
        with pa.ipc.new_file(path, pa.table(columns).schema) as sink:
            sink.write_table(pa.table(columns), max_chunksize=90)
    else:
        pq.write_table(pa.table(columns), path)
    target = tmp_path / f"out{suffix}"
    assert write(path, range(0, 400, 2), target) == Written(200, 200, 0)
    after = pq.read_table(target) if suffix == ".parquet" else pa.ipc.open_file(target).read_all()
    before, after = (pa.chunked_array([VIEWS[kind]]), after["x"])
    if kind == "zoned":
        assert after.type == before.type
        before, after = before.cast(pa.int64()), after.cast(pa.int64())
    assert after.to_pylist() == before.to_pylist()[::2]
    assert read(target)[0]["text"].to_list() == TEXTS[::2]


def test_a_parquet_text_of_views_is_written_again(tmp_path):
    pq.write_table(pa.table({"text": pa.array(TEXTS, pa.string_view())}), tmp_path / "a.parquet")
    assert write(tmp_path / "a.parquet", range(100), tmp_path / "out.parquet") == Written(100, 300, 0)
    assert read(tmp_path / "out.parquet")[0]["text"].to_list() == TEXTS[:100]


def tar_of(samples: list[dict[str, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    """Samples as members by suffix, among them one of a long name; a folder and a hidden file belong to none."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=format, pax_headers={"comment": "global"}) as archive:
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for i, sample in enumerate([*samples, {"": b"hidden"}]):
            for suffix, octets in sample.items():
                name = f"a/{i:04d}{'-long' * 40 * (i % 3 == 1)}.{suffix}"
                entry = tarfile.TarInfo(name if suffix else "a/._fork.txt")
                entry.size, entry.mtime = len(octets), 7
                archive.addfile(entry, io.BytesIO(octets))
    return sink.getvalue()


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("keep", [[], [1], [0, 99], list(range(0, 100, 3)), list(range(100))], ids=len)
def test_a_tar_keeps_all_members_of_the_samples_that_stay_byte_for_byte(tmp_path, compression, format, keep):
    made = [{"jpg": b"\xff" * (i * 37), "txt": f"caption {i}".encode(), "json": b'{"x": 1}'} for i in range(100)]
    octets = tar_of(made, format)
    path = put(tmp_path / "in", f"a.tar{compression}", COMPRESS[compression](octets))
    target = tmp_path / "out" / path.name
    assert write(path, keep, target) == Written(len(keep), 100 - len(keep), 0)
    assert [entry.name for entry in target.parent.iterdir()] == [path.name]
    after = b"".join(expanded(str(target), compression[1:] or None, limits=OPTIONS.limits, storage={}))
    with tarfile.open(fileobj=io.BytesIO(after)) as archive:
        members = {m.name: archive.extractfile(m).read() if m.isreg() else b"" for m in archive}
        assert archive.pax_headers == ({"comment": "global"} if format == tarfile.PAX_FORMAT else {})
    assert len(members) == 2 + 3 * len(keep)
    for i in keep:
        assert [octets for name, octets in members.items() if name.startswith(f"a/{i:04d}")] == [*made[i].values()]
    assert len(keep) < 100 or after == octets


@pytest.mark.parametrize("keep_unread", [True, False])
def test_samples_of_a_tar_that_were_no_documents_stay_unless_they_are_left_out(tmp_path, keep_unread):
    made = [{"txt": b"one"}, {"jpg": b"no text"}, {"txt": b"two"}, {"json": b"{broken"}, {"txt": b"x" * 3000}]
    path = put(tmp_path, "a.tar", tar_of(made))
    options = {"keep_unread": keep_unread, "limits": Limits(record_bytes=1000)}
    assert write(path, [2], tmp_path / "out.tar", **options) == Written(1, 1, 3)
    with tarfile.open(tmp_path / "out.tar") as archive:
        numbers = {name[2:6] for name in archive.getnames() if name[2:6].isdigit()}
    assert numbers == ({"0001", "0002", "0003", "0004"} if keep_unread else {"0002"})


def test_of_a_tar_that_was_cut_off_nothing_is_written(tmp_path):
    octets = tar_of([{"txt": TEXTS[i].encode()} for i in range(40)])
    path = put(tmp_path / "in", "a.tar", octets[: len(octets) // 2])
    with pytest.raises(SourceError, match="damaged tar"):
        write(path, [0], tmp_path / "out" / "a.tar")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("keep", [[], [0, 399], list(range(0, 400, 7))], ids=len)
def test_a_lance_table_is_written_as_it_was_when_it_was_audited(tmp_path, keep):
    lance = pytest.importorskip("lance")
    schema = pa.schema([("text", pa.string()), ("v", pa.list_(pa.float32(), 2))], {"made": "by a test"})
    table = pa.table({"text": TEXTS, "v": [[i, -i] for i in range(400)]}, schema)
    place = str(tmp_path / "in" / "t.lance")
    lance.write_dataset(table.slice(0, 300), place, max_rows_per_file=70, data_storage_version="2.0")
    lance.write_dataset(table.slice(300), place, mode="append")
    (shard,) = plan(place).shards
    lance.write_dataset(table.slice(0, 9), place, mode="append")  # after the audit
    target = tmp_path / "out" / "t.lance"
    written = write_filtered(shard, np.arange(400), np.isin(np.arange(400), keep), target, OPTIONS)
    assert written == Written(len(keep), 400 - len(keep), 0)
    assert [entry.name for entry in target.parent.iterdir()] == ["t.lance"]
    after = lance.dataset(str(target))
    assert after.to_table().equals(table.take(pa.array(keep, pa.int64()))) and after.schema.equals(
        schema, check_metadata=True
    )
    assert after.data_storage_version == "2.0" and len(after.versions()) == 1
    assert not keep or read(target)[0]["text"].to_list() == [TEXTS[i].strip() or TEXTS[i] for i in keep]


def test_a_lance_table_with_blobs_is_refused_whole(tmp_path):
    lance = pytest.importorskip("lance")
    blob = pa.field("image", pa.large_binary(), metadata={"lance-encoding:blob": "true"})
    table = pa.table({"text": TEXTS, "image": [b"x"] * 400}, pa.schema([("text", pa.string()), blob]))
    lance.write_dataset(table, str(tmp_path / "in" / "t"))
    with pytest.raises(SourceError, match="blobs are not written again"):
        write(tmp_path / "in" / "t", [0], tmp_path / "out" / "t")
    assert list((tmp_path / "out").iterdir()) == []
