"""Audit folders of damaged files beside whole ones, with the real command; nothing whole may suffer.

python -m tests.harness.mutate --inputs 1000

Of every folder it is asked: no traceback, an exit code that says what happened, all documents of the whole files, and
a word on every damaged file: its documents, a counted skip, or why it was not read.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.pipeline.runs import WORDS
from tests.sources.corpora import COMPRESS, MAKE, page, put, warc_record

DOCUMENTS = 30
A_FOLDER = 50
WHOLE = ("whole.parquet", "whole.jsonl.gz", "whole.wet")
COMPLETE, INCOMPLETE = 0, 3


def texts(rng: random.Random) -> list[str]:
    return [" ".join(rng.choices(WORDS, k=rng.randint(100, 200))) + "." for _ in range(DOCUMENTS)]


def written(rng: random.Random, suffix: str, packed: str) -> bytes:
    """A file of one format with all its documents."""
    documents = texts(rng)
    if suffix == ".warc":
        made = b"".join(warc_record(i, page(text), kind="response") for i, text in enumerate(documents))
    elif suffix == ".txt":
        made = "\n".join(documents).encode()
    else:
        made = MAKE[suffix](documents)
    return COMPRESS[packed](made)


def damaged(octets: bytes, rng: random.Random) -> bytes:
    """One to three injuries, each at a random place."""
    for _ in range(rng.randint(1, 3)):
        place, size = rng.randrange(len(octets) + 1), rng.choice((1, 4, 64, 1000))
        more = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size, octets[place : place + size]))
        injury = rng.choice(("flip", "overwrite", "insert", "remove", "cut"))
        if injury == "flip" and place < len(octets):
            octets = octets[:place] + bytes([octets[place] ^ (1 << rng.randrange(8))]) + octets[place + 1 :]
        elif injury == "overwrite":
            octets = octets[:place] + more + octets[place + len(more) :]
        elif injury == "insert":
            octets = octets[:place] + more + octets[place:]
        elif injury == "remove":
            octets = octets[:place] + octets[place + size :]
        elif injury == "cut":
            octets = octets[:place]
    return octets


def survives(folder: Path, rng: random.Random, inputs: int) -> str:
    """One folder of damaged inputs. Returns: a line that says what came of it. Raises: AssertionError"""
    corpus, run = folder / "corpus", folder / "run"
    for name in WHOLE:
        suffix, packed = (".jsonl", ".gz") if name.endswith(".gz") else (Path(name).suffix, "")
        put(corpus, name, written(rng, suffix, packed))
    names = []
    for number in range(inputs):
        suffix = rng.choice([*MAKE, ".warc", ".txt"])
        packed = "" if suffix == ".parquet" else rng.choice(list(COMPRESS))
        names.append(f"{number:03}{suffix}{packed}")
        put(corpus, names[-1], damaged(written(rng, suffix, packed), rng))
    command = [sys.executable, "-m", "auditor.cli", "audit", str(corpus), "--out", str(run), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert "Traceback" not in done.stderr, done.stderr
    assert "internal error" not in done.stderr, done.stderr
    assert done.returncode in (COMPLETE, INCOMPLETE), f"exit code {done.returncode}: {done.stderr}"
    report = json.loads((run / "report.json").read_text("utf-8"))
    shards = {shard["shard"]: shard for shard in report["shards"]}
    for name in WHOLE:
        assert shards[name]["documents"] == DOCUMENTS, f"{name}: {shards[name]}"
        assert shards[name]["complete"], f"{name}: {shards[name]}"
    said = json.dumps(report, ensure_ascii=False)
    silent = [name for name in names if name not in said and (corpus / name).stat().st_size]
    assert not silent, f"not a word on {silent}"
    empty = [
        name
        for name in names
        if name in shards
        and not shards[name]["documents"]
        and not shards[name]["skipped"]
        and shards[name]["complete"]
        and any(_octets(corpus / name).strip())
    ]
    assert not empty, f"silently empty: {empty}"
    broken = [shard for shard in shards.values() if not shard["complete"]]
    assert (done.returncode == INCOMPLETE) == bool(broken), f"exit code {done.returncode} with {len(broken)} incomplete"
    documents = sum(shards[name]["documents"] for name in names if name in shards)
    return f"{inputs} inputs: {documents} documents, {len(broken)} files incomplete, exit code {done.returncode}"


def _octets(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, ValueError):
        return b"?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    left, seed = asked.inputs, asked.seed
    while left:
        folder = Path(tempfile.mkdtemp(prefix="auditor-mutate-"))
        inputs = min(left, A_FOLDER)
        print(f"seed {seed}: {survives(folder, random.Random(seed), inputs)}", flush=True)
        shutil.rmtree(folder)  # kept where something was wrong
        left, seed = left - inputs, seed + 1


if __name__ == "__main__":
    main()
