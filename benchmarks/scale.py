"""Cost per document, peak memory and bytes written, over sizes of corpus and limits of memory.

python benchmarks/scale.py                     the long form: 10^4 to 10^6 documents, then --limits; about an hour
python benchmarks/scale.py --documents 5000 20000 --limits    a small form
Writes benchmarks/results/scale.json; docs/scale.md reads its unit costs from there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import psutil
from audit import DOCUMENT, write_corpus

RESULT = Path(__file__).parent / "results" / "scale.json"
STAGES = (
    "reading the corpus: scores, fingerprints and words of every document",
    "comparing documents that may repeat each other",
    "estimating how much is machine-written",
    "comparing the variety of words with human text",
    "writing tables and reports",
)
# Reports the moments at which stages begin, and the peak of this process and of its workers.
CHILD = """
import json, resource, sys, time
from pathlib import Path
from auditor.config import load
from auditor.pipeline.audit import audit

class Clock:
    def __init__(self):
        self.begun = []
    def stage(self, name, total):
        self.note(name)
    def step(self, documents, size):
        pass
    def note(self, text):
        self.begun.append((text, time.perf_counter(), time.process_time()))

if __name__ == "__main__":
    corpus, out, settings = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    clock = Clock()
    start = time.perf_counter(), time.process_time()
    code = audit(load(corpus=[corpus], **settings), out, progress=clock).exit_code
    end = time.perf_counter(), time.process_time()
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    rss, processor = max(u.ru_maxrss << 10 for u in usage), sum(u.ru_utime + u.ru_stime for u in usage)
    print(json.dumps({"code": code, "begun": clock.begun, "start": start, "end": end, "rss": rss, "cpu": processor}))
"""


def measure(corpus: Path, run: Path, **settings: Any) -> dict[str, Any]:
    """One audit in a process of its own: seconds of the clock and of the processor by stage, peak memory, disk."""
    begun = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(corpus), str(run), json.dumps(settings)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    told = json.loads(ended.stdout.splitlines()[-1])
    marks = [(name, *at) for name, *at in told["begun"] if name in STAGES] + [("end", *told["end"])]
    stages = {name: [round(after[k] - at[k - 1], 3) for k in (1, 2)] for (name, *at), after in pairwise(marks)}
    counted = json.loads((run / "report.json").read_text())["corpus"]
    written = sum(path.stat().st_size for path in (run / "parts").rglob("*") if path.is_file())
    return {
        "exit_code": told["code"],
        "documents": counted["documents"],
        "text_bytes": counted["bytes"],
        "seconds": round(time.perf_counter() - begun, 2),
        "processor_seconds": round(told["cpu"], 2),  # of all processes
        "stages": stages,  # [clock, processor of this process]
        "peak_rss_mib": told["rss"] >> 20,
        "parts_bytes": written,
        "signature_bytes": sum(path.stat().st_size for path in (run / "parts").rglob("signatures.parquet")),
        "band_bytes": sum(path.stat().st_size for path in (run / "parts").rglob("bands.parquet")),
        "store_bytes": (run / "audit.duckdb").stat().st_size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 30_000, 100_000, 300_000, 1_000_000])
    parser.add_argument("--bytes", type=int, default=DOCUMENT, help="of a document, on average")
    parser.add_argument("--limits", action="store_true", help="also one long line, and limits of memory")
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--result", type=Path, default=RESULT)
    asked = parser.parse_args()
    folder, rows = Path(tempfile.mkdtemp(prefix="auditor-scale-")), []
    try:
        write_corpus(folder / "warm.parquet", 1_000_000)
        measure(folder / "warm.parquet", folder / "warm.run", workers=1)  # compiles the kernels
        for documents in asked.documents:
            corpus, run = folder / "corpus", folder / "run"
            corpus.mkdir()
            write_corpus(corpus / "text.parquet", documents * asked.bytes, document=asked.bytes)
            for workers, limit in product(asked.workers, ("", "1GB") if asked.limits else ("",)):
                found = measure(corpus, run, workers=workers, memory_limit=limit)
                rows.append({"memory_limit": limit, "workers": workers, **found})
                seconds, size, peak = (found[name] for name in ("processor_seconds", "text_bytes", "peak_rss_mib"))
                counted, clock = found["documents"], found["seconds"]
                print(
                    f"{counted:>9,} documents, {workers} workers {limit:>4}: {1e6 * seconds / counted:7.0f} µs of "
                    f"processor each, {size / clock / 1e6:5.1f} MB/s, {peak} MiB",
                    flush=True,
                )
                shutil.rmtree(run)
            shutil.rmtree(corpus)
        if asked.limits:
            rows.append({"memory_limit": "1GB", "line": True, **long_line(folder)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    machine = f"{os.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GiB, Python {platform.python_version()}"
    asked.result.parent.mkdir(exist_ok=True)
    load = round(os.getloadavg()[1], 1)
    asked.result.write_text(json.dumps({"machine": machine, "load": load, "rows": rows}, indent=1) + "\n")


def long_line(folder: Path, size: int = 500 << 20) -> dict[str, Any]:
    """One line of 500 MiB between short ones: skipped and counted, whatever it holds."""
    corpus = folder / "line"
    corpus.mkdir()
    short = json.dumps({"text": " ".join(f"word{i}" for i in range(200))}).encode() + b"\n"
    piece = (b"many words of it " * 61_681)[: 1 << 20]
    with open(corpus / "line.jsonl", "wb") as sink:
        sink.write(short + b'{"text": "')
        for _ in range(size >> 20):
            sink.write(piece)
        sink.write(b'"}\n' + short)
    found = measure(corpus, folder / "line.run", workers=1, memory_limit="1GB")
    print(f"one line of {size >> 20} MiB: {found['peak_rss_mib']} MiB", flush=True)
    return found


if __name__ == "__main__":
    main()
