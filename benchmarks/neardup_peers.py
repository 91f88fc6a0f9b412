"""What other tools do with the same documents: run by audit.py, neardup_quality.py and neardup_speed.py with the
interpreter of a separate environment, so that nothing of theirs is needed in ours:

    pip install datasketch rensa 'datatrove[processing]' spacy text-dedup

    python benchmarks/neardup_peers.py clusters|speed texts.parquet out.json
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

os.environ.setdefault("RAYON_NUM_THREADS", "1")  # rensa would use all cores; each tool is measured on one

THRESHOLD, PERMUTATIONS = 0.8, 128
BATCH = 256  # documents that a call is given
SECONDS = 8.0  # of each tool: documents are taken in order until then


def shingles(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[i : i + 5]) for i in range(max(len(words) - 4, 1))]


def datasketch_signature() -> Callable[[list[str]], object]:
    from datasketch import MinHash

    def sign(texts: list[str]) -> object:
        sets = [[shingle.encode() for shingle in shingles(text)] for text in texts]
        return MinHash.bulk(sets, num_perm=PERMUTATIONS, scheme="affine32")  # its fastest scheme

    return sign


def rensa_signature() -> Callable[[list[str]], object]:
    from rensa import RMinHash

    def sign(texts: list[str]) -> object:
        return RMinHash.digest_matrix_from_token_sets([shingles(text) for text in texts], PERMUTATIONS, 42)

    return sign


def datatrove_signature() -> Callable[[list[str]], object]:
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

    stage = MinhashDedupSignature(TemporaryDirectory().name, MinhashConfig(num_buckets=16, hashes_per_bucket=8))

    def sign(texts: list[str]) -> object:
        found = (stage.get_shingles(text) for text in texts)
        return [stage.get_signature(shingled) if shingled.size else None for shingled in found]

    return sign


def text_dedup_signature() -> Callable[[list[str]], object]:
    """Its function for one text, which is what its command maps over a dataset, with its faster hash and 32 bits."""
    import numpy as np
    from text_dedup.minhash import embed_func
    from text_dedup.utils.hashfunc import xxh3_32hash

    prime = np.uint32((1 << 32) - 5)
    drawn = np.random.RandomState(42)
    settings = {
        "num_perm": PERMUTATIONS,
        "ngram_size": 5,
        "min_length": 5,
        "hashranges": [(i, i + 8) for i in range(0, PERMUTATIONS, 8)],
        "permutations": tuple(drawn.randint(low, prime, size=PERMUTATIONS, dtype=np.uint32) for low in (1, 0)),
        "hash_func": xxh3_32hash,
        "dtype": np.uint32,
        "max_hash": np.uint32((1 << 32) - 1),
        "modulo_prime": prime,
    }

    def sign(texts: list[str]) -> object:
        return [embed_func(text, i, **settings) for i, text in enumerate(texts)]

    return sign


# The fastest call of each for many texts. (Of datasketch's schemes affine64 takes 1.8 times, legacy 2.5 times as long.)
MAKERS: dict[str, tuple[str, Callable[[], Callable[[list[str]], object]]]] = {
    "datasketch": ('MinHash.bulk(scheme="affine32")', datasketch_signature),
    "rensa": ("RMinHash.digest_matrix_from_token_sets", rensa_signature),
    "datatrove": ("MinhashDedupSignature.get_signature", datatrove_signature),
    "text-dedup": ("minhash.embed_func, xxh3, 32 bits", text_dedup_signature),
}


def speed(texts: list[str]) -> dict[str, dict[str, float | str]]:
    """Megabytes of UTF-8 a second of the signature stage, shingling included, by processor time and by the clock.

    A tool that is not installed is named under `left_out`.
    """
    out: dict[str, dict[str, float | str]] = {}
    for name, (call, make) in MAKERS.items():
        try:
            sign = make()
            sign(texts[:1])
        except ImportError as absent:
            out[name] = {"call": call, "left_out": str(absent).strip().splitlines()[0]}
            continue
        size, documents, start, clock = 0, 0, time.process_time(), time.perf_counter()
        while documents < len(texts) and time.process_time() - start <= SECONDS:
            batch = texts[documents : documents + BATCH]
            sign(batch)
            size, documents = size + sum(len(text.encode()) for text in batch), documents + len(batch)
        spent, passed = time.process_time() - start, time.perf_counter() - clock
        out[name] = {
            "version": version(name),
            "call": call,
            "mb_per_cpu_second": size / 1e6 / spent,
            "mb_per_second": size / 1e6 / passed,
            "megabytes": size / 1e6,
            "seconds": passed,
            "documents": documents,
        }
    return out


def datatrove_clusters(texts: list[str], folder: Path) -> list[int]:
    """Its four steps up to clusters, 14 x 8 as it comes. A document outside clusters is its own."""
    import struct

    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )

    config = MinhashConfig()
    signatures, pairs, removed = (str(folder / name) for name in ("signatures", "pairs", "removed"))
    documents = (Document(text=text, id=str(i)) for i, text in enumerate(texts))
    MinhashDedupSignature(signatures, config).run(documents, 0, 1)
    for bucket in range(config.num_buckets):
        MinhashDedupBuckets(signatures, pairs, config=config).run(None, bucket, config.num_buckets)
    MinhashDedupCluster(pairs, removed, config=config, save_cluster_id=True).run(None, 0, 1)
    labels = list(range(len(texts)))
    for path in Path(removed).glob("*.clusters"):
        for document, cluster in struct.iter_unpack("<II", path.read_bytes()):
            labels[document] = len(texts) + cluster
    return labels


def text_dedup_clusters(texts: list[str], folder: Path) -> list[int]:
    """Its minhash command at threshold .8 with 128 permutations, else as it comes."""
    import pyarrow as pa
    from text_dedup import minhash
    from text_dedup.utils import IOArgs, MetaArgs, MinHashArgs

    source = folder / "texts.parquet"
    pq.write_table(pa.table({"text": texts}), source)
    io = IOArgs(
        path="parquet",
        data_files=str(source),
        split="train",
        output=str(folder / "out"),
        num_proc=1,
        cache_dir=str(folder / "cache"),
    )
    settings = MinHashArgs(num_perm=PERMUTATIONS, threshold=THRESHOLD)
    minhash.main.callback(io_args=io, meta_args=MetaArgs(column="text"), minhash_args=settings)
    return [int(minhash.uf.find(i)) for i in range(len(texts))]


def clusters(texts: list[str]) -> dict[str, dict[str, object]]:
    out: dict[str, dict[str, object]] = {}
    for name, make in (("datatrove", datatrove_clusters), ("text-dedup", text_dedup_clusters)):
        with TemporaryDirectory() as folder:
            out[name] = {"version": version(name), "labels": make(texts, Path(folder))}
    return out


if __name__ == "__main__":
    job, source, target = sys.argv[1:]
    texts = pq.read_table(source)["text"].to_pylist()
    Path(target).write_text(json.dumps({"clusters": clusters, "speed": speed}[job](texts)))
