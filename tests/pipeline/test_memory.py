"""Peak memory of a whole audit, measured by the kernel: it follows the limit, not the shape of the file."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.pipeline.runs import WORDS

# The peak of one audit and of its workers: a process of its own, for the kernel keeps the highest of all children.
CHILD = """
import json, resource, subprocess, sys
command = [sys.executable, "-m", "auditor.cli", "audit", *sys.argv[1:], "--quiet"]
code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
print(json.dumps([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10]))
"""
GB = 10**9
DOCUMENTS, WORDS_EACH = 12_000, 600


@pytest.fixture(scope="module")
def documents() -> pl.DataFrame:
    """About 45 MB of text; no two documents alike."""
    rng = np.random.default_rng(0)
    words = np.array([f"{word}{number}" for word in WORDS for number in range(9)])
    chosen = words[rng.integers(0, len(words), (DOCUMENTS, WORDS_EACH))]
    return pl.DataFrame({"id": [str(i) for i in range(DOCUMENTS)], "text": [" ".join(row) for row in chosen]})


def peak(corpus: Path, run: Path, *options: str) -> int:
    # As on a machine of many cores, whatever this one has: threads take memory too.
    command = [sys.executable, "-c", CHILD, str(corpus), "--out", str(run), "--workers", "16", *options]
    code, bytes_ = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert code == 0
    assert json.loads((run / "report.json").read_text())["corpus"]["documents"] in (DOCUMENTS, 1 + DOCUMENTS)
    return bytes_


@pytest.mark.slow
@pytest.mark.parametrize("rows", [40, DOCUMENTS])
def test_a_limit_holds_whatever_the_row_groups(documents, tmp_path, rows):
    path = tmp_path / "corpus.parquet"
    documents.write_parquet(path, row_group_size=rows)
    assert peak(path, tmp_path / "run", "--memory-limit", "1GB") < GB


@pytest.mark.slow
def test_a_limit_holds_with_a_line_far_longer_than_it_admits(documents, tmp_path):
    path = tmp_path / "corpus.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"id": "long", "text": "' + b"many words " * 20_000_000 + b'"}\n')  # 220 MB
        documents.head(6000).write_ndjson(stream)
        documents.tail(6000).write_ndjson(stream)
    assert peak(path, tmp_path / "run", "--memory-limit", "1GB") < GB
