"""Clustering of 1 and 10 million documents on one small machine: time, memory, and whether the clusters are right.

Signatures are generated with known clusters, written as the parts of a run, and clustered in a process of its own.
    python benchmarks/neardup_scale.py [--documents 1000000 10000000] [--folder scratch]
Of the documents 60% are alone, 25% in groups of about four with Jaccards of .81 to 1, 10% exact copies in groups of
about three, and 5% pages of templates, 1000 a template, that share half of their shingles. Results are kept in
benchmarks/results/neardup_scale.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from auditor.neardup.cluster import gather_candidates, settle
from auditor.neardup.stars import exact_duplicates, stars
from auditor.pipeline.run.parts import signature_rows, signature_table
from auditor.sketch.bands import band_frame, parameters
from auditor.text.jit import kernel
from auditor.text.tokens import mix

RESULTS = Path(__file__).parent / "results" / "neardup_scale.json"
PART, BATCH, PARTITION_ROWS = 500_000, 65_536, 16_000_000
LIMIT = 1 << 30
ALONE, NEAR, COPY, TEMPLATE = range(4)
KEPT = np.array([1.0, 0.99, 0.97, 0.95, 0.9])  # share of values a member keeps of its group's; two members: p q
TEMPLATE_KEPT = 0.72
LSH = parameters(0.8)
PHASES = ("exact", "stars", "gather", "first_round", "settle")


def identities(first: int, stop: int, total: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(stable ids, kind, group, share kept) of documents first to stop."""
    draw = _mixed(np.arange(first, stop, dtype=np.uint64), 1)
    lot, other = (draw >> np.uint64(40)) % np.uint64(100), draw & np.uint64(0xFFFFFFFF)
    kind = np.searchsorted([60, 85, 95], lot, side="right")
    groups = np.array([1, total // 16, total // 30, max(total // 20_000, 1)], np.uint64)[kind]
    group = np.where(kind == ALONE, np.arange(first, stop, dtype=np.uint64), other % groups)
    group += kind.astype(np.uint64) << np.uint64(40)
    kept = np.select(
        [kind == NEAR, kind == TEMPLATE], [KEPT[(draw >> np.uint64(34)) % np.uint64(5)], TEMPLATE_KEPT], 1.0
    )
    return _mixed(np.arange(first, stop, dtype=np.uint64), 2), kind, group, kept


def generate(folder: Path, total: int) -> None:
    """Parts of a run: signatures, bands and content hashes."""
    for part, first in enumerate(range(0, total, PART)):
        stop = min(first + PART, total)
        ids, kind, group, kept = identities(first, stop, total)
        rows = np.empty((stop - first, LSH.permutations), np.uint32)
        _rows(ids, group, (kept * 65536).astype(np.uint64), rows)
        pq.write_table(
            signature_table(ids, rows),
            folder / f"signatures-{part:04d}.parquet",
            row_group_size=BATCH,
            compression="none",
        )
        bands = band_frame(ids, rows, LSH)
        bands.write_parquet(folder / f"bands-{part:04d}.parquet", row_group_size=stop - first, compression="lz4")
        text = np.where(kind == COPY, group, ids)
        content = pl.DataFrame({"content_1": _mixed(text, 3), "content_2": _mixed(text, 4), "document": ids})
        content.write_parquet(folder / f"content-{part:04d}.parquet")


def run(folder: Path, total: int) -> dict[str, object]:
    """All of reducing over the parts, timed by phase."""
    clock = [now()]
    content = pl.scan_parquet(folder / "content-*.parquet").collect()
    duplicates = exact_duplicates(content)
    del content
    copies = duplicates["document"].sort().to_numpy()
    clock.append(now())
    edges, cuts = [], max(1, -(-total // PARTITION_ROWS))
    bounds = [cut * ((1 << 64) // cuts) for cut in range(cuts)] + [(1 << 64) - 1]
    for band in range(LSH.bands):
        for cut in range(cuts):
            here = (pl.col("band") == band) & pl.col("hash").is_between(bounds[cut], bounds[cut + 1], closed="left")
            path = folder / f"edges-{band}-{cut}.parquet"
            stars(pl.scan_parquet(folder / "bands-*.parquet").filter(here).collect(), without=copies).write_parquet(
                path
            )
            edges.append(pl.scan_parquet(path))
    clock.append(now())
    found = gather_candidates(edges, signatures(folder), LSH, limit=LIMIT, scratch=folder)
    clock.append(now())
    wanted = len(found.to_read)
    clock.append(now())
    truth = known(total)
    clock.append(now())
    clusters = settle(found, duplicates, exact=lambda a, b: true_jaccards(truth, a, b))
    clock.append(now())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    spent = np.delete(np.diff(clock, axis=0), 4, axis=0)  # without reading the truth, which only the benchmark does
    seconds, cpu = spent.sum(axis=0)
    phases = {name: row.tolist() for name, row in zip(PHASES, spent, strict=True)}
    return {
        "documents": total,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_rss_gib": peak,
        "seconds_and_cpu_seconds": phases,
        "to_read": wanted,
        **{name: getattr(clusters.statistics, name) for name in clusters.statistics.__slots__},
        **judged(clusters.frame, truth),
    }


def now() -> tuple[float, float]:
    """Seconds by the wall and by the processor."""
    return time.perf_counter(), time.process_time()


def signatures(folder: Path):
    for path in sorted(folder.glob("signatures-*.parquet")):
        yield from map(signature_rows, pq.ParquetFile(path).iter_batches(batch_size=BATCH))


def known(total: int) -> pl.DataFrame:
    """id -> group and share kept, of documents that are not alone."""
    frames = []
    for first in range(0, total, PART):
        ids, kind, group, kept = identities(first, min(first + PART, total), total)
        frame = pl.DataFrame({"document": ids, "group": group, "kept": kept, "kind": kind})
        frames.append(frame.filter(pl.col("kind") != ALONE))
    return pl.concat(frames).sort("document")


def true_jaccards(truth: pl.DataFrame, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The Jaccard that two signatures were made for: p q within a group, else 0."""
    ids, group, kept = (truth[name].to_numpy() for name in ("document", "group", "kept"))
    a, b = (np.minimum(np.searchsorted(ids, side), len(ids) - 1) for side in (left, right))
    inside = (ids[a] == left) & (ids[b] == right) & (group[a] == group[b])
    return np.where(inside, kept[a] * kept[b], 0.0)


def judged(frame: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Members in a cluster of another group (none expected), and recall: copies found; near members found whose
    Jaccard to a smaller id that keeps everything is .9 or more."""
    tied = frame.join(truth, on="document").join(truth, left_on="representative", right_on="document", suffix="_head")
    wrong = frame.height - tied.filter(pl.col("group") == pl.col("group_head")).height
    member = pl.col("document") != pl.col("representative")
    copies = truth.filter(pl.col("kind") == COPY)
    expected = copies.height - copies["group"].n_unique()
    near = truth.filter(pl.col("kind") == NEAR)
    heads = near.filter(pl.col("kept") == 1).group_by("group").agg(pl.col("document").min().alias("head"))
    sure = near.join(heads, on="group").filter((pl.col("document") > pl.col("head")) & (pl.col("kept") >= 0.9))
    found = sure.join(frame.filter(member).select("document"), on="document", how="semi").height
    return {
        "members_of_another_group": wrong,
        "copies_found": frame.filter(member & (pl.col("kind") == "exact")).height / max(expected, 1),
        "near_found": found / max(sure.height, 1),
    }


@kernel
def _rows(ids, group, kept, out):
    """ids group kept (n,) uint64, kept in 1/65536 -> out (n, k) uint32: of each value either the group's or its own."""
    for i in range(out.shape[0]):
        common, own = mix(group[i] + np.uint64(1)), mix(ids[i])
        for k in range(out.shape[1]):
            common = common * np.uint64(0x9E3779B97F4A7C15) + np.uint64(2 * k + 1)
            own = own * np.uint64(0xD6E8FEB86659FD93) + np.uint64(2 * k + 1)
            drawn = mix(own)
            chosen = mix(common) if (drawn & np.uint64(0xFFFF)) < kept[i] else drawn
            out[i, k] = np.uint32(chosen >> np.uint64(32))


@kernel
def _mix_all(values, salt, out):
    for i in range(values.shape[0]):
        out[i] = mix(values[i] + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15))


def _mixed(values: np.ndarray, salt: int) -> np.ndarray:
    out = np.empty(len(values), np.uint64)
    _mix_all(values.astype(np.uint64), salt, out)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, default=Path("neardup_scale.scratch"))
    parser.add_argument("--only-run", action="store_true", help="cluster the parts in --folder and print the figures")
    options = parser.parse_args()
    if options.only_run:
        print(json.dumps(run(options.folder, options.documents[0])))
        return
    rows = []
    for total in options.documents:
        shutil.rmtree(options.folder, ignore_errors=True)
        options.folder.mkdir(parents=True)
        generate(options.folder, total)
        command = [sys.executable, __file__, "--documents", str(total), "--folder", str(options.folder), "--only-run"]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(json.dumps(rows[-1], indent=1), flush=True)
        shutil.rmtree(options.folder)
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": pl.thread_pool_size(),
        "load_at_the_end": os.getloadavg()[1],  # over the cores, the machine was shared: then read the CPU seconds
    }
    growth = {
        measure: [b[measure] / a[measure] / (b["documents"] / a["documents"]) for a, b in pairwise(rows)]
        for measure in ("seconds", "cpu_seconds")
    }
    RESULTS.write_text(json.dumps({"machine": machine, "cost_against_linear": growth, "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
