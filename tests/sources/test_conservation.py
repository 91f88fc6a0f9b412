"""The law of every reader: records in = documents + counted skips; no record twice, whatever lies between them."""

import json
import random

import pyarrow as pa
import pytest

from auditor.sources.read.interface import Limits
from tests.sources.corpora import COMPRESS, arrow, delimited, met, page, parquet, put, read, warc_record

LIMITS = Limits(record_bytes=50_000)
BIG = "x" * 60_000


def text_of(i: int, chance: random.Random) -> str:
    odd = ["", "  ", 'a "quote" inside', "two\nlines", "é" * 50, "\u200b", "😀", "tab\tinside", "word " * 300]
    return f"number {i}: {chance.choice(odd)}"


def lines_of(texts: list[str], chance: random.Random) -> tuple[bytes, int]:
    """JSON lines with bad ones between them, and how many records that makes."""
    bad = [b"{broken", b"[1, 2]", b'"text"', b'{"id": 1}', b'{"text": 7}', b'{"text": ["a"]}', b"\xc3(\xfd", b"null"]
    bad.append(json.dumps({"text": BIG}).encode())
    records = [json.dumps({"text": text, "id": i}).encode() for i, text in enumerate(texts)]
    records += [chance.choice(bad) for _ in texts]
    chance.shuffle(records)
    records.insert(0, b'{"id": "first", "text": "a first record, by which the fields are found"}')
    blank = [b"" for _ in range(len(texts) // 4)]
    return b"\n".join([records[0], *chance.sample(records[1:] + blank, len(records) + len(blank) - 1)]), len(records)


def rows_of(delimiter: str):
    def made(texts: list[str], chance: random.Random) -> tuple[bytes, int]:
        odd = [["only an id"], ["too", "many", "fields", "in", "this", "row"], [BIG, BIG, "u", "d"]]
        sep = delimiter.encode()
        header, *good = [delimited([t.replace("\n", " ")], delimiter).split(b"\n", 1) for t in texts]
        body = [row[1].rstrip(b"\r\n") for row in (header, *good)]
        bad = [sep.join(cell.encode() for cell in chance.choice(odd)) for _ in texts]
        records = [*body, *bad]
        chance.shuffle(records)
        return b"\n".join((header[0].rstrip(b"\r"), *records)) + b"\n", len(records)

    return made


def archive_of(texts: list[str], chance: random.Random) -> tuple[bytes, int]:
    good = [warc_record(i, t.encode()) for i, t in enumerate(texts)]
    bad = [
        warc_record(1, b"HTTP/1.1 404 Gone\r\n\r\n", kind="response"),
        warc_record(2, b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG\0", kind="response"),
        warc_record(3, b"short", length=700),
        warc_record(4, BIG.encode()),
        warc_record(5, page("read"), kind="response"),
        warc_record(6, b"no length").replace(b"Content-Length", b"X-Length"),
    ]
    records = good + [chance.choice(bad) for _ in texts]
    chance.shuffle(records)
    records.append(warc_record(7, b"the last record is whole"))
    return b"".join(records), len(records)


def table_of(make):
    def made(texts: list[str], chance: random.Random) -> tuple[bytes, int]:
        mixed = [*texts, *(None for _ in texts), BIG, BIG]
        chance.shuffle(mixed)
        return make(mixed), len(mixed)

    return made


MAKERS = {
    ".jsonl": lines_of,
    ".csv": rows_of(","),
    ".tsv": rows_of("\t"),
    ".warc": archive_of,
    ".wet": archive_of,
    ".parquet": table_of(parquet),
    ".arrow": table_of(arrow),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
@pytest.mark.parametrize("suffix", MAKERS)
def test_records_in_are_documents_and_counted_skips(tmp_path, suffix, packed, seed):
    if suffix == ".parquet" and packed:
        return  # Parquet compresses inside
    chance = random.Random(f"{suffix}{seed}")
    octets, records = MAKERS[suffix]([text_of(i, chance) for i in range(40)], chance)
    path = put(tmp_path, f"a{suffix}{packed}", COMPRESS[packed](octets))
    frame, skips, _, failure = read(path, limits=LIMITS)
    assert failure is None and frame.height >= 40
    assert frame.height + sum(skips.values()) == records
    assert met(path, limits=LIMITS) == met(path, limits=LIMITS, batch_bytes=500, split_bytes=2000) == records
    rows = frame["row"].to_list()
    assert rows == sorted(set(rows))
    again, more, _, _ = read(path, limits=LIMITS, batch_bytes=500, split_bytes=2000)
    assert again.equals(frame) and more == skips


@pytest.mark.parametrize("unit", ["file", "line", "paragraph"])
def test_texts_are_documents_and_counted_skips(tmp_path, unit):
    bodies = ["one\n\ntwo", "a\nb\n\n\nc", BIG, "x\n" + BIG + "\ny"]
    for i, body in enumerate(bodies):
        put(tmp_path, f"{i}.txt", body.encode())
    frame, skips, _, failure = read(tmp_path, text_unit=unit, limits=LIMITS)
    expected = {"file": (2, 2), "paragraph": (4, 2)}.get(unit)
    assert failure is None and met(tmp_path, text_unit=unit, limits=LIMITS) == frame.height + sum(skips.values())
    if expected:
        assert (frame.height, sum(skips.values())) == expected
    else:
        assert frame.height + sum(skips.values()) == sum(len(body.split("\n")) for body in bodies)


def test_a_union_of_batches_is_the_table(tmp_path):
    table = pa.table({"text": [f"t{i}" for i in range(1000)]})
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as sink:
        for size in (1, 7, 300, 692):
            sink.write_table(table.slice(0, size))
    assert read(tmp_path / "a.arrow")[0].height == 1000
