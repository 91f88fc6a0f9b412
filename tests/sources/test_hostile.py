"""Mutated files: nothing but our own errors, nothing lost before the damage; and memory that doesn't follow sizes."""

import subprocess
import sys
import textwrap
from functools import cache

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from auditor.errors import AuditError
from auditor.sources.read.interface import MIB, Limits
from tests.sources.corpora import COMPRESS, MAKE, batches, page, plan, warc_record

TEXTS = [f"document number {i} says {'word ' * (i % 17)}".strip() for i in range(60)]
NAMES = [f"a{suffix}{packed}" for suffix in (".jsonl", ".csv", ".wet", ".txt") for packed in COMPRESS]
NAMES += ["a.parquet", "a.warc"]


@cache
def original(name: str) -> bytes:
    suffix, _, packed = name.removeprefix("a").lstrip(".").partition(".")
    if suffix == "txt":
        made = "\n".join(TEXTS).encode()
    elif suffix == "warc":
        made = b"".join(warc_record(i, page(text), kind="response") for i, text in enumerate(TEXTS))
    elif suffix == "parquet":
        made = MAKE[".parquet"](TEXTS, row_group_size=20)
    else:
        made = MAKE[f".{suffix}"](TEXTS)
    return COMPRESS[f".{packed}" if packed else ""](made)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "delete", "repeat", "cut"]), st.integers(0, 10**6), st.binary(max_size=9)
    ),
    min_size=1,
    max_size=4,
)


def mutated(octets: bytes, mutations) -> bytes:
    for kind, place, more in mutations:
        place %= len(octets) + 1
        if kind == "set":
            octets = octets[:place] + more + octets[place + len(more) :]
        elif kind == "insert":
            octets = octets[:place] + more + octets[place:]
        elif kind == "delete":
            octets = octets[:place] + octets[place + 8 * len(more) :]
        elif kind == "repeat":
            octets = octets[:place] + octets[max(0, place - 64 * len(more)) :]
        else:
            octets = octets[:place]
    return octets


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(mutations=MUTATIONS)
def test_a_mutated_file_raises_only_our_own_errors(tmp_path_factory, name, mutations):
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(mutated(original(name), mutations))
    limits = Limits(record_bytes=2000, decompressed_bytes=64 * MIB)
    try:
        shards = plan(path, limits=limits, text_unit="line").shards
    except AuditError:
        return
    for shard in shards:
        found, _failure = batches(shard, limits=limits, text_unit="line")
        rows = [row for batch in found for row in batch.frame["row"]]
        assert rows == sorted(set(rows))
        assert all(batch.frame.null_count()[0, name] == 0 for batch in found for name in ("row", "doc_id", "text"))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("a.parquet", "a.csv"))])
@settings(max_examples=15)
@given(share=st.floats(0, 1), octet=st.integers(0, 255))
def test_no_document_before_a_broken_byte_is_lost(tmp_path_factory, name, share, octet):
    octets = original(name)
    place = int(share * (len(octets) - 1))
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(octets[:place] + bytes([octet]) + octets[place + 1 :])
    try:
        (shard,) = plan(path, text_unit="line").shards
    except (AuditError, ValueError):
        return
    found, _failure = batches(shard, text_unit="line")
    texts = [text for batch in found for text in batch.frame["text"]]
    if name.count(".") == 1:
        # Uncompressed: all but the records that the byte touches.
        before = sum(1 for text in TEXTS if octets.find(text.encode()) + len(text) < place - 400)
        after = sum(1 for text in TEXTS if octets.find(text.encode()) > place + 1200)
        assert texts[:before] == TEXTS[:before] and (not after or texts[-after:] == TEXTS[-after:])


MEMORY = """
import resource, sys
import polars, pyarrow, pyarrow.parquet, zstandard, hypothesis
from tests.sources.corpora import plan, batches
from auditor.sources.read.interface import SourceOptions
from auditor.sources.read.chooser import read_split
shards = plan(sys.argv[1]).shards
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = 0
for shard in shards:
    for split in shard.splits:
        for batch in read_split(shard, split, SourceOptions()):
            size += batch.frame["text"].str.len_bytes().sum()
print(size >> 20, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""

MAKERS = {
    "one row group": """
        import polars as pl
        text = ["many words of text " * 60 + str(i) for i in range(250_000)]
        pl.DataFrame({"text": text}).write_parquet(path + ".parquet", row_group_size=10**9, compression="zstd")
    """,
    "tiny row groups": """
        import polars as pl
        text = ["many words of text " * 60 + str(i) for i in range(50_000)]
        pl.DataFrame({"text": text}).write_parquet(path + ".parquet", row_group_size=50)
    """,
    "lines": """
        import gzip
        with gzip.open(path + ".jsonl.gz", "wb", compresslevel=1) as sink:
            for i in range(250_000):
                sink.write(b'{"text": "' + b"many words of text " * 60 + b'%d"}\\n' % i)
    """,
    "repeated value": """
        import pyarrow as pa, pyarrow.parquet as pq
        column = pa.DictionaryArray.from_arrays(pa.array([0] * 240, pa.int32()), pa.array(["x" * 5_000_000]))
        pq.write_table(pa.table({"text": column}), path + ".parquet", dictionary_pagesize_limit=10**9)
    """,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_memory_does_not_follow_the_size_of_files_or_row_groups(tmp_path, kind):
    script = f"path = {str(tmp_path / 'a')!r}\n" + textwrap.dedent(MAKERS[kind])
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    (path,) = tmp_path.iterdir()
    done = subprocess.run([sys.executable, "-c", MEMORY, str(path)], check=True, timeout=120, capture_output=True)
    size, grown = map(int, done.stdout.split())
    assert size > 50 and grown < max(260, size / 2), f"{size} MiB of text took {grown} MiB"
