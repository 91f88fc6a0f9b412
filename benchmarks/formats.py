"""What JSON lines under gzip cost beside Parquet: the same documents, audited from either.

    python benchmarks/formats.py [--megabytes 400]

Ratio: processor seconds of the audit from JSONL.gz over those of decompressing the files plus the audit from Parquet.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from pathlib import Path

import polars as pl
from audit import write_corpus
from scale import measure

FILES = 4
RESULT = Path(__file__).parent / "results" / "formats.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=400)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="auditor-formats-") as name:
        folder = Path(name)
        frame = pl.read_parquet(write_corpus(folder / "whole.parquet", asked.megabytes * 1_000_000))
        parquet, lines = folder / "parquet", folder / "lines"
        parquet.mkdir()
        lines.mkdir()
        step = -(-frame.height // FILES)
        for place in range(FILES):
            part = frame.slice(place * step, step)
            part.write_parquet(parquet / f"{place}.parquet")
            (lines / f"{place}.jsonl.gz").write_bytes(gzip.compress(part.write_ndjson().encode(), 6))
        measure(parquet, folder / "warm", workers=2)
        rows = {kind: measure(folder / kind, folder / f"{kind}.run", workers=2) for kind in ("parquet", "lines")}
        start = time.process_time()
        for path in sorted(lines.iterdir()):
            with gzip.open(path) as stream:
                while stream.read(1 << 20):
                    pass
        unpacking = time.process_time() - start
    own, other = (rows[kind]["processor_seconds"] for kind in ("lines", "parquet"))
    found = {
        "text_bytes": rows["lines"]["text_bytes"],
        "parquet_processor_seconds": other,
        "jsonl_gz_processor_seconds": own,
        "decompression_seconds": round(unpacking, 2),
        "ratio": round(own / (other + unpacking), 2),
        "seconds": {kind: row["seconds"] for kind, row in rows.items()},
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
