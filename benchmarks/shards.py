"""The end of a run over many shards: seconds of clock and processor by stage, and peak memory, over numbers of shards.

    python benchmarks/shards.py --shards 300 1000 3000 --kilobytes 100
    python benchmarks/shards.py --shards 10000 --kilobytes 1000 --memory-limit 4GB      10 GB: twenty minutes
    python benchmarks/shards.py --make FOLDER --shards 1000 --kilobytes 100             the corpus alone
Every shard is a Parquet file of documents made of sentences that people wrote, or of sentences that models wrote, in
a share that differs from shard to shard. Writes benchmarks/results/shards.json; docs/scale.md shows it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scale import measure

from auditor.sample_data.human import human_writings
from auditor.sample_data.machine import machine_texts

RESULT = Path(__file__).parent / "results" / "shards.json"
SENTENCE = 100  # bytes, about: what a shard's number of sentences is reckoned from
SHARES = (0.0, 0.0, 0.0, 0.02, 0.1, 0.3)  # of machine text in a shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, nargs="+", default=[300, 1_000, 3_000])
    parser.add_argument("--kilobytes", type=int, default=100, help="of text in a shard")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--memory-limit", default="")
    parser.add_argument("--make", type=Path, help="write the corpus into this folder, measure nothing")
    parser.add_argument("--result", type=Path, default=RESULT)
    asked = parser.parse_args()
    if asked.make:
        write_shards(asked.make, asked.shards[-1], asked.kilobytes)
        return
    folder, rows = Path(tempfile.mkdtemp(prefix="auditor-shards-")), []
    try:
        write_shards(folder / "warm", 3, asked.kilobytes)
        measure(folder / "warm", folder / "warm.run", workers=1)  # compiles the kernels
        for shards in asked.shards:
            corpus, run = folder / "corpus", folder / "run"
            write_shards(corpus, shards, asked.kilobytes)
            found = measure(corpus, run, workers=asked.workers, memory_limit=asked.memory_limit)
            row = {"shards": shards, "workers": asked.workers, "memory_limit": asked.memory_limit}
            rows.append({**row, "load": round(os.getloadavg()[1], 1), **found})
            print(json.dumps(rows[-1]), flush=True)
            shutil.rmtree(run)
            shutil.rmtree(corpus)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    asked.result.parent.mkdir(exist_ok=True)
    asked.result.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


def write_shards(folder: Path, shards: int, kilobytes: int) -> None:
    """Shards of about so many kilobytes of text each."""
    people = _sentences(paragraph for writing in human_writings() for paragraph in writing.paragraphs)
    models = _sentences(text.text for text in machine_texts())
    folder.mkdir(parents=True)
    for shard in range(shards):
        rng = np.random.default_rng([7, shard])
        share, left, texts = SHARES[shard % len(SHARES)], kilobytes * 1_000, []
        while left > 0:
            lengths = np.clip(rng.lognormal(3.0, 0.7, max(left // (25 * SENTENCE), 1)).astype(int), 5, 400)
            ends = np.concatenate([[0], np.cumsum(lengths)])
            by_model = rng.random(len(lengths)) < share
            picks = rng.random(ends[-1])
            for machine, (start, end) in zip(by_model, pairwise(ends), strict=True):
                stock = models if machine else people
                texts.append(" ".join([stock[int(p * len(stock))] for p in picks[start:end]]))
                left -= len(texts[-1])
        dates = [f"20{10 + int(k)}-03-01" for k in rng.integers(0, 15, len(texts))]
        table = {"id": [f"{shard}-{k}" for k in range(len(texts))], "text": texts, "date": dates}
        pq.write_table(pa.table(table), folder / f"shard-{shard:05d}.parquet", compression="zstd")


def _sentences(texts) -> list[str]:
    """Whole sentences, each with its full stop."""
    parts = (part.strip() for text in texts for part in text.replace("\n", " ").split(". "))
    return [f"{part.rstrip('.')}." for part in parts if len(part) > 30]


if __name__ == "__main__":
    main()
