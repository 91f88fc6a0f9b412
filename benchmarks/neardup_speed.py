"""Megabytes of text per CPU second of the signature stage, beside datasketch, rensa and datatrove in the same run.

    python benchmarks/neardup_speed.py ../shared/data --peers PYTHON
Ours is measured before and after the others, tokenising included, on the same documents in the same order (the slower
tools take as many of them as fit their time). The prototype that set the target runs too where --prototype names its
folder. Results are kept in benchmarks/results/neardup_speed.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from auditor.sketch.bands import band_hashes, parameters
from auditor.sketch.minhash import PERMUTATIONS, WIDTH, permutations, signatures
from auditor.text.arrow import buffers
from auditor.text.tokens import tokenise

RESULTS = Path(__file__).parent / "results" / "neardup_speed.json"
REPEATS = 3


def mb_per_cpu_second(work: Callable[[], object], size: int) -> float:
    """The best of three, by the CPU time of this thread: the machine may be shared."""
    spent = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        spent.append(time.thread_time() - start)
    return size / 1e6 / min(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("--peers", required=True, help="interpreter of an environment with the other tools")
    parser.add_argument("--prototype", help="folder of minhash_kernel.py")
    options = parser.parse_args()
    english = pl.scan_parquet(options.labelled / "*.parquet", missing_columns="insert", extra_columns="ignore")
    texts = (
        english.filter(pl.col("language") == "en")
        .select("text")
        .collect()["text"]
        .sample(fraction=1, shuffle=True, seed=1)
    )
    text, offsets = buffers(texts)
    size, drawn = int(offsets[-1] - offsets[0]), permutations()
    sketch = signatures(tokenise(text, offsets), drawn)
    ours = [mb_per_cpu_second(lambda: signatures(tokenise(text, offsets), drawn), size)]
    out: dict[str, object] = {
        "documents": len(texts),
        "megabytes": size / 1e6,
        "tokenise_alone": mb_per_cpu_second(lambda: tokenise(text, offsets), size),
        "bands_alone": mb_per_cpu_second(lambda: band_hashes(sketch, parameters()), size),
    }
    with TemporaryDirectory() as name:
        source, target = Path(name) / "texts.parquet", Path(name) / "out.json"
        texts.to_frame("text").write_parquet(source)
        script = Path(__file__).with_name("neardup_peers.py")
        subprocess.run([options.peers, str(script), "speed", str(source), str(target)], check=True)
        peers = json.loads(target.read_text())
    if options.prototype:
        sys.path.insert(0, options.prototype)
        import minhash_kernel

        rows = np.empty((len(texts), PERMUTATIONS), np.uint32)

        def prototype() -> None:
            minhash_kernel.signatures(text, offsets, drawn.a, drawn.b, WIDTH, rows)

        prototype()
        peers["prototype"] = {"mb_per_cpu_second": mb_per_cpu_second(prototype, size)}
    ours.append(mb_per_cpu_second(lambda: signatures(tokenise(text, offsets), drawn), size))
    out["auditor"] = ours
    for tool in [tool for tool in peers.values() if "left_out" not in tool]:
        tool["auditor_is_faster_by"] = min(ours) / tool["mb_per_cpu_second"]
    RESULTS.write_text(json.dumps({**out, "peers": peers}, indent=1) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
