"""Peak memory of a whole audit, measured by the kernel: it follows the limit, not the shape of the file."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil
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


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the kernel does not tell shared pages apart")
def test_thousands_of_row_groups_fit_a_small_limit_in_all_processes_together(documents, tmp_path):
    """Pages that processes share (of libraries, above all) are counted once, as the kernel has them once."""
    path, run = tmp_path / "corpus.parquet", tmp_path / "run"
    documents.with_columns(pl.col("text").str.slice(0, 700)).write_parquet(path, row_group_size=2)
    command = [sys.executable, "-m", "auditor.cli", "audit", str(path), "--out", str(run)]
    audit = subprocess.Popen([*command, "--memory-limit", "600MB", "--quiet"], stdout=subprocess.DEVNULL)
    most = 0
    while audit.poll() is None:
        most = max(most, sum(proportional(process) for process in family(audit.pid)))
        time.sleep(0.2)
    assert audit.returncode == 0
    assert 100 * 2**20 < most < 600 * 10**6


def family(root: int) -> list[int]:
    """A process and its descendants."""
    try:
        return [root, *(child.pid for child in psutil.Process(root).children(recursive=True))]
    except psutil.Error:
        return []


def proportional(process: int) -> int:
    """Bytes of a process, pages shared by n processes counted as a n-th; 0 where it has ended."""
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in told.splitlines() if line.startswith("Pss:"))
