"""The whole default audit against reading the same file, and against what peers do, on the same documents in one run.

    python benchmarks/audit.py --megabytes 500 --peers PYTHON --out benchmarks/results/audit.json

The text is English prose made of the sample's sources, repeated with changes so that no two documents are equal; with
--parquet FILE a file of your own (column `text`). PYTHON is the interpreter of an environment with the peers, which
neardup_peers.py lists, with the call of each; those that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

PEER_MEGABYTES = 20  # peers see the first documents only, the slowest of them fewer: see neardup_peers.SECONDS

DOCUMENT = 4_300  # bytes of a document, on average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--parquet", type=Path)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peers", default=sys.executable, help="interpreter of an environment with the other tools")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = given.parquet or write_corpus(Path(scratch) / "corpus.parquet", given.megabytes * 10**6)
        rows = measure(path, Path(scratch), given.workers, given.peers)
    result = {"machine": machine(), "workers": given.workers, "rows": rows}
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    print(table(rows))


def measure(path: Path, scratch: Path, workers: int, interpreter: str) -> list[dict[str, Any]]:
    total = pl.scan_parquet(path).select(pl.col("text").str.len_bytes().sum()).collect().item()
    rows = [timed("reading the text with Polars", total, lambda: read(path), cores=workers)]
    for number in range(2):  # the first run compiles and fills the caches
        run = scratch / f"run{number}"
        row = timed("the whole audit", total, lambda run=run: audit(path, run, workers), cores=workers)
    rows.append(row | {"peak_mb": round(children_peak_mb())})
    frame = pl.read_parquet(path, columns=["text"], n_rows=200_000)
    frame = frame.filter(pl.col("text").str.len_bytes().cum_sum() < PEER_MEGABYTES * 10**6)
    size = int(frame["text"].str.len_bytes().sum())
    ours(frame["text"][:10])
    rows.append(timed("our signatures, tokens included", size, lambda: ours(frame["text"]), cores=1))
    rows += peers(frame, scratch, interpreter)
    texts = frame["text"].to_list()
    name = "scikit-learn HashingVectorizer, word 1-2-grams"
    return [*rows, timed(name, size, lambda: vectorised(texts), cores=1)]


def timed(what: str, size: int, function: Callable[[], Any], *, cores: int) -> dict[str, Any]:
    """MB of text a second of wall time, and a core second as the operating system counts it."""
    before, start = cpu_seconds(), time.perf_counter()
    function()
    wall, cpu = time.perf_counter() - start, cpu_seconds() - before
    return {
        "what": what,
        "mb": round(size / 1e6, 1),
        "cores": cores,
        "seconds": round(wall, 2),
        "mb_per_second": round(size / 1e6 / wall, 1),
        "mb_per_core_second": round(size / 1e6 / max(cpu, 1e-3), 1),
    }


def read(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.col("text").str.len_bytes().sum()).collect(engine="streaming").item())


def audit(path: Path, run: Path, workers: int) -> None:
    command = [sys.executable, "-m", "auditor.cli", "audit", str(path), "--out", str(run), "--quiet"]
    subprocess.run([*command, "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL)


def ours(texts: pl.Series) -> None:
    from auditor.sketch.minhash import permutations, signatures
    from auditor.text.batch import TextBatch

    signatures(TextBatch.of(texts).tokens, permutations())


def vectorised(texts: list[str]) -> None:
    from sklearn.feature_extraction.text import HashingVectorizer

    HashingVectorizer(ngram_range=(1, 2), n_features=2**18).transform(texts)


def peers(frame: pl.DataFrame, scratch: Path, interpreter: str) -> list[dict[str, Any]]:
    """Signatures of word 5-shingles by each peer's fastest call for many texts, which the row names, on one core."""
    source, target = scratch / "texts.parquet", scratch / "peers.json"
    frame.write_parquet(source)
    script = Path(__file__).with_name("neardup_peers.py")
    subprocess.run([interpreter, str(script), "speed", str(source), str(target)], check=True)
    rows = []
    for name, found in json.loads(target.read_text()).items():
        if "left_out" in found:
            rows.append({"what": name, "left_out": found["left_out"]})
            continue
        row = {
            "what": f"{name} {found['version']} signatures ({found['call']})",
            "mb": round(found["megabytes"], 1),
            "cores": 1,
            "seconds": round(found["seconds"], 2),
            "mb_per_second": round(found["mb_per_second"], 1),
            "mb_per_core_second": round(found["mb_per_cpu_second"], 1),
        }
        rows.append(row)
    return rows


def write_corpus(path: Path, size: int, *, document: int = DOCUMENT) -> Path:
    """About `size` bytes of English documents of web-like length, made of shuffled real sentences.

    Parameters: document, bytes of one on average
    """
    from auditor.sample_data.human import human_writings

    rng = np.random.default_rng(3)
    prose = [paragraph for writing in human_writings() for paragraph in writing.paragraphs]
    sentences = [s for paragraph in prose for s in paragraph.replace("\n", " ").split(". ") if len(s) > 30]
    import pyarrow as pa
    import pyarrow.parquet as pq

    written, number = 0, 0
    schema = pa.schema([("id", pa.string()), ("text", pa.large_string()), ("url", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        while written < size:
            lengths = np.clip((rng.lognormal(3.2, 0.8, 10_000) * document / DOCUMENT).astype(int), 3, 400)
            chosen = rng.integers(0, len(sentences), lengths.sum())
            bounds = np.concatenate([[0], np.cumsum(lengths)])
            texts = [". ".join(sentences[k] for k in chosen[a:b]) + "." for a, b in pairwise(bounds)]
            ids = [str(number + i) for i in range(len(texts))]
            urls = [f"https://site{rng.integers(5000)}.example/{i}" for i in ids]
            writer.write_table(pa.table({"id": ids, "text": pa.array(texts, pa.large_string()), "url": urls}))
            written += sum(len(text) for text in texts)
            number += len(texts)
    return path


def cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def children_peak_mb() -> float:
    """Peak memory of the largest single process among the children."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return f"{platform.system()} {platform.machine()}, {model}, {len(os.sched_getaffinity(0))} cores"


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| what | MB | cores | MB/s | MB per core second |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        if "left_out" in row:
            lines.append(f"| {row['what']} | left out: {row['left_out']} | | | |")
            continue
        lines.append(
            f"| {row['what']} | {row['mb']} | {row['cores']} | {row['mb_per_second']} | {row['mb_per_core_second']} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
