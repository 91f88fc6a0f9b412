"""Speed and memory of `export --filtered`: a corpus of Parquet and JSONL.gz audited once, then written again.

Usage: python benchmarks/gate_export.py FOLDER [--megabytes 2000]
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

RESULT = Path(__file__).parent / "results" / "gate_export.json"
CHILD = """
import resource, sys, time
from pathlib import Path
from auditor.gate.selection import Choice
from auditor.pipeline.finished.export import write_corpus
start = time.perf_counter()
found = write_corpus(Path(sys.argv[1]), Choice(0.5), Path(sys.argv[2]))
spent = resource.getrusage(resource.RUSAGE_SELF)
print(found.kept, found.dropped, time.perf_counter() - start, time.process_time(), spent.ru_maxrss)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=2000)
    options = parser.parse_args()
    corpus, run, out = (options.folder / name for name in ("corpus", "run", "out"))
    if not corpus.exists():
        build(corpus, options.megabytes)
    if not (run / "report.json").exists():
        subprocess.run(
            [sys.executable, "-m", "auditor.cli", "audit", str(corpus), "--out", str(run), "--quiet"], check=True
        )
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", CHILD, str(run), str(out)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept, dropped, seconds, cpu, peak = said.splitlines()[-1].split()
    report = json.loads((run / "report.json").read_text())
    text = report["corpus"]["bytes"] / 1e6
    row = {
        "text_megabytes": text,
        "kept": int(kept),
        "dropped": int(dropped),
        "seconds": float(seconds),
        "cpu_seconds": float(cpu),
        "megabytes_per_second": text / float(seconds),
        "megabytes_per_cpu_second": text / float(cpu),
        "peak_megabytes": int(peak) / 1000,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }
    print(row)
    before = json.loads(RESULT.read_text()) if RESULT.exists() else []
    RESULT.write_text(json.dumps([*before, row], indent=1) + "\n")


def build(folder: Path, megabytes: int) -> None:
    """Documents of random words, one in ten written twice, in files of about 100 MB."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    words = np.array(["".join(rng.choice(list("etaoinshrdlu"), rng.integers(2, 10))) for _ in range(20_000)])
    for place in range(max(2, megabytes // 100)):
        texts = []
        while sum(map(len, texts)) < min(100, megabytes // 2) * 10**6:
            texts += [" ".join(words[rng.zipf(1.3, rng.integers(100, 900)) % len(words)]) for _ in range(900)]
            texts += texts[-100:]
        frame = pl.DataFrame({"id": [f"{place}-{i}" for i in range(len(texts))], "text": texts})
        if place % 2:
            frame.write_parquet(folder / f"part-{place}.parquet", row_group_size=20_000)
        else:
            with gzip.open(folder / f"part-{place}.jsonl.gz", "wb", 6) as file:
                frame.write_ndjson(file)


if __name__ == "__main__":
    main()
