"""Reduce: from bands to verified clusters, one band partition at a time, in bounded memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from auditor.columns import BANDS, DOCUMENTS
from auditor.config import Config
from auditor.manifest import read_json, whole_file, write_json
from auditor.neardup.cluster import CLUSTERS as CLUSTER_COLUMNS
from auditor.neardup.cluster import gather_candidates, settle
from auditor.neardup.shingles import ShingleStore
from auditor.neardup.stars import exact_duplicates, stars
from auditor.pipeline.again import CLUSTERS, Again, count_split, shingle_split
from auditor.pipeline.launch import Event, run_jobs
from auditor.pipeline.parts import part_folder, scan
from auditor.pipeline.plan import CORPUS, Plan, Task
from auditor.sketch.bands import parameters

SIGNATURE_ROWS = 65_536
PARTITION_ROWS = 16_000_000  # rows of a band handled at once (about 1 GB); larger bands are cut by hash
Listen = Callable[[str, Event], None]


def partitions(config: Config, documents: int) -> int:
    """How many band partitions there are: bands times cuts by hash range."""
    return parameters(config.near_dup_threshold, config.permutations).bands * _cuts(documents)


def reduce_partition(run: Path, tasks: Sequence[Task], config: Config, index: int, of: int) -> Path:
    """The star edges of one partition, written to RUN/clusters/edges-<index>.parquet; done before, it is kept."""
    path = run / CLUSTERS / f"edges-{index:05d}.parquet"
    if not path.exists():
        copies = pl.read_parquet(_exact(run, tasks))["document"].to_numpy()
        bands = parameters(config.near_dup_threshold, config.permutations).bands
        band, cut = index % bands, index // bands
        rows = scan(run, [task.key for task in tasks], "bands", BANDS).filter(pl.col("band") == band)
        if of > bands:
            step = (1 << 64) // (of // bands)
            low, high = cut * step, min((cut + 1) * step, (1 << 64) - 1)
            rows = rows.filter((pl.col("hash") >= low) & ((pl.col("hash") < high) | pl.lit(high == (1 << 64) - 1)))
        edges = stars(rows.drop("part").collect(), without=np.sort(copies))
        with whole_file(path) as partial:
            edges.write_parquet(partial)
    return path


def reduce_slice(run: Path, plan: Plan, config: Config, index: int, of: int) -> None:
    """Every of-th partition from the index-th on."""
    tasks = plan.of_role(CORPUS)
    _begin(run / CLUSTERS, [task.key for task in tasks])
    count = partitions(config, _documents(run, tasks))
    for number in range(index, count, of):
        reduce_partition(run, tasks, config, number, count)


def cluster(run: Path, plan: Plan, config: Config, *, workers: int, listen: Listen) -> dict[str, Any]:
    """All of reducing: exact copies, partitions, verification, and the type counts of duplicates.

    Returns the statistics that the report shows; RUN/clusters/members.parquet holds the clusters.
    """
    folder = run / CLUSTERS
    done, key = folder / "done.json", [task.key for task in plan.of_role(CORPUS)]
    if done.exists() and (before := read_json(done)).get("tasks") == key:
        return before["statistics"]
    tasks = plan.of_role(CORPUS)
    _begin(folder, key)
    count = partitions(config, _documents(run, tasks))
    edges = [pl.scan_parquet(reduce_partition(run, tasks, config, i, count)) for i in range(count)]
    lsh = parameters(config.near_dup_threshold, config.permutations)
    found = gather_candidates(
        edges,
        signature_batches(run, tasks, lsh.permutations),
        lsh,
        limit=config.memory_bytes // 4,
        scratch=_scratch(run),
    )
    store = ShingleStore(_scratch(run) / "shingles.bin")
    try:
        _verify(run, tasks, config, found.to_read, store, workers, listen)
        clusters = settle(found, pl.read_parquet(_exact(run, tasks)), exact=store.jaccards)
    finally:
        store.close()
        shutil.rmtree(_scratch(run), ignore_errors=True)
    with whole_file(folder / "members.parquet") as partial:
        clusters.frame.write_parquet(partial)
    extra = clusters.frame.filter(pl.col("document") != pl.col("representative"))["document"].sort().to_numpy()
    jobs = [Again(task, config, run, extra) for task in tasks] if len(extra) else []
    for event in run_jobs(count_split, jobs, workers=workers):
        listen("duplicates", event)
    statistics = asdict(clusters.statistics) | {"bands": lsh.bands, "rows": lsh.rows, "recall": lsh.recall}
    write_json(done, {"tasks": key, "statistics": statistics})
    return statistics


def members(run: Path) -> pl.DataFrame:
    """The clusters of a run: document, cluster, representative (bool), jaccard, kind."""
    path = run / CLUSTERS / "members.parquet"
    frame = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=CLUSTER_COLUMNS)
    return frame.select(
        "document",
        "cluster",
        (pl.col("document") == pl.col("representative")).alias("representative"),
        pl.col("jaccard").cast(pl.Float64),
        pl.col("kind").cast(pl.String),
    )


def _begin(folder: Path, key: list[str]) -> None:
    """Edges of other parts than these are removed; those of the same parts are kept."""
    started = folder / "tasks.json"
    if not started.exists() or read_json(started) != key:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(started, key)


def _documents(run: Path, tasks: Sequence[Task]) -> int:
    rows = scan(run, [task.key for task in tasks], "documents", DOCUMENTS)
    return int(rows.select(pl.len()).collect().item())


def _exact(run: Path, tasks: Sequence[Task]) -> Path:
    path = run / CLUSTERS / "exact.parquet"
    if not path.exists():
        wanted = ("content_1", "content_2", pl.col("stable_id").alias("document"))
        content = scan(run, [task.key for task in tasks], "documents", DOCUMENTS).filter(pl.col("words") > 0)
        with whole_file(path) as partial:
            exact_duplicates(content.select(*wanted).collect()).write_parquet(partial)
    return path


def _verify(
    run: Path, tasks: Sequence[Task], config: Config, wanted: np.ndarray, store: ShingleStore, workers: int,
    listen: Listen,
) -> None:  # fmt: skip
    """The second pass: shingles of the documents whose signatures cannot decide."""
    jobs = [Again(task, config, run, wanted) for task in tasks] if len(wanted) else []
    files = []
    for event in run_jobs(shingle_split, jobs, workers=workers):
        listen("verify", event)
        if event.kind == "done" and event.result:
            files.append(event.result)
    for file in sorted(files):
        for batch in pq.ParquetFile(file).iter_batches(batch_size=1024):
            frame = pl.DataFrame(batch)
            for document, shingles in zip(frame["stable_id"], frame["shingles"], strict=True):
                store.add(document, shingles.to_numpy())
        Path(file).unlink()


def signature_batches(run: Path, tasks: Sequence[Task], width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(stable ids (n,), signatures (n, width)) of all documents that have words, in bounded batches."""
    for task in tasks:
        path = part_folder(run, task.key) / "signatures.parquet"
        if not path.exists():
            continue
        for batch in pq.ParquetFile(path).iter_batches(batch_size=SIGNATURE_ROWS):
            flat = batch.column("signature").flatten().to_numpy()
            yield batch.column("stable_id").to_numpy(), flat.reshape(-1, width)


def _cuts(documents: int) -> int:
    return max(1, -(-documents // PARTITION_ROWS))


def _scratch(run: Path) -> Path:
    path = run / CLUSTERS / ".scratch"
    path.mkdir(parents=True, exist_ok=True)
    return path
