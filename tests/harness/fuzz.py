"""Coverage-guided fuzzing (atheris) of what reads a stranger's bytes: readers, kernels, policies, label files.

pip install atheris
python -m tests.harness.fuzz --seconds 60                     all targets, one after another
python -m tests.harness.fuzz jsonl --seconds 600 --corpus D   one; D keeps what reached new code, and is begun from

Of any input it is asked: our own errors and no others, and kernels that say what their slow twins say. An input that
fails is kept as crash-*; put it, made small, into tests/sources/corpus or the tests of its reader.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "sources" / "corpus"
READ = ("auditor.sources", "auditor.gate.policy", "auditor.pipeline.fraction.labels")
FORMATS = {name: f".{name}" for name in ("jsonl", "csv", "parquet", "wet", "warc", "txt")}
FORMATS |= {"gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}
TARGETS = (*FORMATS, "kernels", "policy", "labels")
LONGEST = 1 << 16


def reader(suffix: str) -> Callable[[bytes], None]:
    from auditor.errors import AuditError
    from tests.sources.corpora import plan, read

    path = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)) / f"input{suffix}"

    def target(octets: bytes) -> None:
        path.write_bytes(octets)
        with suppress(AuditError):
            if plan(path).shards:
                read(path)

    return target


def kernels() -> Callable[[bytes], None]:
    import numpy as np
    import polars as pl

    from auditor.detectors.first_tier import Ensemble
    from auditor.text.batch import TextBatch
    from auditor.text.spans import spans
    from auditor.text.tokens import tokenise

    ensemble = Ensemble.load()

    def target(octets: bytes) -> None:
        raw, offsets = np.frombuffer(octets, np.uint8), np.array([0, len(octets)])
        tokens = tokenise(raw, offsets)
        assert tokens.hashes.tolist() == [span.hash for span in spans(octets.decode("utf-8", "replace"))]
        ensemble.score(TextBatch(raw, offsets, tokens, pl.Series(["en"])))

    return target


def policy() -> Callable[[bytes], None]:
    from auditor.errors import AuditError
    from auditor.gate.policy import load_policy

    path = Path(tempfile.mkdtemp()) / "policy.toml"

    def target(octets: bytes) -> None:
        path.write_bytes(octets)
        with suppress(AuditError):
            load_policy(path)

    return target


def labels() -> Callable[[bytes], None]:
    from auditor.errors import AuditError
    from auditor.pipeline.finished.review import read_labels

    folder = Path(tempfile.mkdtemp())

    def target(octets: bytes) -> None:
        path = folder / ("labels.jsonl" if octets[:1] == b"{" else "labels.csv")
        path.write_bytes(octets)
        with suppress(AuditError):
            read_labels(path)

    return target


def seeds(name: str, folder: Path) -> None:
    """What the fuzzer begins with: whole files of the format, and those that once were a finding."""
    from auditor.gate.policy import default_policy
    from tests.sources.corpora import COMPRESS, MAKE, page, warc_record

    texts = ["A plain sentence.", "Zwei Sätze, “Anführung”.", "日本語のテキスト", ""]
    packed = {"gzip": ".gz", "zstd": ".zst"}
    if name in packed:
        found = COMPRESS[packed[name]](MAKE[".jsonl"](texts))
    elif name == "warc":
        found = b"".join(warc_record(i, page(text), kind="response") for i, text in enumerate(texts))
    elif name in ("txt", "kernels"):
        found = "\n".join(texts).encode()
    elif name == "policy":
        found = default_policy().encode()
    elif name == "labels":
        found = b'id,label,rater\n"a",human,x\n"b",ai,\n'
        (folder / "lines").write_bytes(
            b'{"id": "\\u00e4", "label": "human"}\n{"id": 3, "label": "ai", "rater": null}\n'
        )
    else:
        found = MAKE[FORMATS[name]](texts)
    (folder / "whole").write_bytes(found)
    for path in CORPUS.glob(f"*{FORMATS.get(name, '.none')}"):
        (folder / path.name).write_bytes(path.read_bytes())


def fuzz(name: str, corpus: Path, seconds: int) -> None:
    """Does not return: the fuzzer ends the process, with 0 where nothing was found."""
    import atheris

    if name != "kernels":  # compiled code has no coverage, and must not be changed before it is compiled
        with atheris.instrument_imports(include=list(READ)):
            __import__("auditor.sources.find.plan"), __import__("auditor.sources.read.chooser")
            __import__("auditor.gate.policy"), __import__("auditor.pipeline.fraction.labels")
    seeds(name, corpus)
    made = {"kernels": kernels, "policy": policy, "labels": labels}
    target = made[name]() if name in made else reader(FORMATS[name])
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=60", "-rss_limit_mb=4096", "-verbosity=0"]
    atheris.Setup([sys.argv[0], str(corpus), *options, "-print_final_stats=1"], target)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="a folder for what reached new code; default: a passing one")
    asked = parser.parse_args()
    if asked.target:
        folder = asked.corpus or Path(tempfile.mkdtemp(prefix="auditor-fuzz-"))
        folder.mkdir(parents=True, exist_ok=True)
        fuzz(asked.target, folder, asked.seconds)
    failed = []
    for name in TARGETS:
        command = [sys.executable, "-m", "tests.harness.fuzz", name, "--seconds", str(asked.seconds)]
        if asked.corpus:
            command += ["--corpus", str(asked.corpus / name)]
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        runs = [line.split()[-1] for line in ended.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{name}: {runs[0] if runs else 0} inputs, {'nothing found' if not ended.returncode else 'FAILED'}")
        if ended.returncode:
            failed.append(name)
            print(ended.stderr[-3000:])
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
