"""Reduce: from bands to verified clusters, one band partition at a time, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.config import Config
from auditor.errors import StoreError
from auditor.manifest import CLUSTERS, DONE, SCRATCH, digest_of, key_of, read_json, write_json
from auditor.neardup.cluster import CLUSTERS as CLUSTER_COLUMNS
from auditor.neardup.cluster import gather_candidates, settle
from auditor.neardup.shingles import ShingleStore
from auditor.neardup.stars import exact_duplicates, stars
from auditor.pipeline.launch.processes import Event, Report, run_jobs
from auditor.pipeline.reduce.reread import Reread, count_split, rereads, shingle_split
from auditor.pipeline.run.parts import part_folder, scan, signature_rows, state
from auditor.pipeline.run.plan import CORPUS, Plan, Task, lsh_of
from auditor.pipeline.run.progress import Progress
from auditor.pipeline.run.recovery import first_line
from auditor.pipeline.run.run import save_statistics
from auditor.run_columns import BANDS, DOCUMENTS
from auditor.run_folder import make_empty, remove, whole_file

SIGNATURE_ROWS = 65_536
PARTITION_ROWS = 16_000_000  # rows of a band handled at once (about 1 GB); larger bands are cut by hash
FEW_BYTES = 1 << 30  # bytes of splits to be read again, below which this process does it: starting others takes longer
Listen = Callable[[str, Event], None]


@dataclass(frozen=True, slots=True)
class Clustered:
    """What clustering did, by name (neardup.cluster.Statistics and the parameters of the bands), for the report.

    failed: why splits could not be read again, by task key
    """

    statistics: Mapping[str, float]
    failed: dict[str, str]


def partitions(config: Config, documents: int) -> int:
    """How many band partitions there are: bands times cuts by hash range."""
    return lsh_of(config).bands * _cuts(documents)


def reduce_partition(folder: Path, tasks: Sequence[Task], config: Config, index: int, of: int) -> Path:
    """The star edges of one partition, written to RUN/clusters/<key>/ (folder); existing ones are kept."""
    run, path = folder.parents[1], folder / f"edges-{index:05d}-of-{of:05d}.parquet"
    if not path.exists():
        copies = pl.read_parquet(_exact(folder, tasks))["document"].to_numpy()
        bands = lsh_of(config).bands
        band, cut = index % bands, index // bands
        rows = scan(run, tasks, "bands", BANDS).filter(pl.col("band") == band)
        if of > bands:
            step = (1 << 64) // (of // bands)
            low, high = cut * step, min((cut + 1) * step, (1 << 64) - 1)
            rows = rows.filter((pl.col("hash") >= low) & ((pl.col("hash") < high) | pl.lit(high == (1 << 64) - 1)))
        edges = stars(rows.select(*BANDS).collect(), without=np.sort(copies))
        with whole_file(path, within=run) as partial:
            edges.write_parquet(partial)
    return path


def reduce_slice(run: Path, plan: Plan, config: Config, index: int, of: int) -> None:
    """Every of-th partition from the index-th on."""
    tasks = plan.of_role(CORPUS)
    count, folder = partitions(config, _documents(run, tasks)), _folder(run, tasks)
    for number in range(index, count, of):
        reduce_partition(folder, tasks, config, number, count)


def cluster(run: Path, plan: Plan, config: Config, *, workers: int, listen: Listen) -> Clustered:
    """All of reducing: exact copies, partitions, verification, and the type counts of duplicates.

    RUN/clusters/members.parquet holds the clusters; what was finished before from the same parts is kept.
    """
    folder, tasks = run / CLUSTERS, plan.of_role(CORPUS)
    key = state(run, [task.key for task in tasks])
    if (before := _finished(folder, key)) is not None:
        return Clustered(before, {})
    own = folder / key_of(key)
    _clear(run, keep=own)
    failed: dict[str, str] = {}

    def read_again(stage: str, function: Callable[[Reread, Report], str], ids: np.ndarray) -> list[str]:
        """The files that the function wrote, of every split that holds any of these documents."""
        jobs, written = rereads(tasks, config, run, ids), []
        few = sum(job.task.text_bytes for job in jobs) <= FEW_BYTES
        for event in run_jobs(function, jobs, workers=1 if few else workers):
            listen(stage, event)
            if event.stop:
                raise StoreError(f"{event.reason}; nothing finished was lost, the same command goes on from here")
            if event.kind == "failed":
                failed[jobs[event.job].task.key] = f"{stage}: {event.reason}"
            elif event.kind == "done":
                written.append(event.result)
        return sorted(written)

    count = partitions(config, _documents(run, tasks))
    edges = [pl.scan_parquet(reduce_partition(own, tasks, config, i, count)) for i in range(count)]
    lsh = lsh_of(config)
    scratch = make_empty(folder / SCRATCH, within=run)
    found = gather_candidates(
        edges,
        signature_batches(run, tasks),
        lsh,
        limit=config.memory_bytes // 4,
        scratch=scratch,
    )
    store = ShingleStore(scratch / "shingles.bin")
    try:
        for file in read_again("second reading", shingle_split, found.to_read):
            _keep_shingles(Path(file), store)
            remove(Path(file), within=run)
        clusters = settle(found, pl.read_parquet(_exact(own, tasks)), exact=store.jaccards)
    finally:
        store.close()
        remove(scratch, within=run)
    with whole_file(folder / "members.parquet", within=run) as partial:
        clusters.frame.write_parquet(partial)
    extra = clusters.frame.filter(pl.col("document") != pl.col("representative"))["document"].sort().to_numpy()
    read_again("third reading", count_split, extra)
    statistics = asdict(clusters.statistics) | {"bands": lsh.bands, "rows": lsh.rows, "recall": lsh.recall}
    if not failed:  # else the next call tries again
        files = {path.name: digest_of(path) for path in sorted(folder.glob("*.parquet"))}
        write_json(folder / DONE, {"key": key, "statistics": statistics, "files": files}, within=run)
        remove(own, within=run)
    return Clustered(statistics, failed)


def cluster_run(plan: Plan, config: Config, run: Path, workers: int, progress: Progress) -> dict[str, str]:
    """Cluster, and keep the statistics in the manifest; returns why splits could not be read again."""
    progress.stage("comparing documents that may repeat each other", 0)

    def listen(stage: str, event: Event) -> None:
        if event.kind == "failed":
            progress.note(f"{stage}: {event.reason}")

    try:
        found = cluster(run, plan, config, workers=workers, listen=listen)
    except (pl.exceptions.PolarsError, pa.ArrowException) as wrong:
        progress.note(f"a file of {run / CLUSTERS} is broken ({first_line(wrong)}): made again")
        remove(run / CLUSTERS, within=run)
        found = cluster(run, plan, config, workers=workers, listen=listen)
    save_statistics(run, config, found.statistics)
    return found.failed


def members(run: Path) -> pl.DataFrame:
    """The members of a run's clusters: document, cluster, representative (bool), jaccard, kind."""
    path = run / CLUSTERS / "members.parquet"
    frame = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=CLUSTER_COLUMNS)
    return frame.select(
        "document",
        "cluster",
        (pl.col("document") == pl.col("representative")).alias("representative"),
        pl.col("jaccard").cast(pl.Float64),
        pl.col("kind").cast(pl.String),
    )


def _finished(folder: Path, key: list[str]) -> Mapping[str, float] | None:
    """The statistics of clusters that were made from the same parts and are complete."""
    if not (folder / DONE).exists():
        return None
    try:
        before = read_json(folder / DONE)
        whole = before["key"] == key and all(digest_of(folder / n) == was for n, was in before["files"].items())
        return before["statistics"] if whole else None
    except (StoreError, OSError, KeyError, TypeError, AttributeError):
        return None


def _clear(run: Path, *, keep: Path) -> None:
    """Remove what was made from other parts, or is damaged; edges of the same parts stay."""
    for path in (run / CLUSTERS).glob("*"):
        if path != keep:
            remove(path, within=run)


def _folder(run: Path, tasks: Sequence[Task]) -> Path:
    """Where edges of exactly these parts lie: slices of reducing on many machines never remove each other's."""
    return run / CLUSTERS / key_of(state(run, [task.key for task in tasks]))


def _documents(run: Path, tasks: Sequence[Task]) -> int:
    rows = scan(run, tasks, "documents", DOCUMENTS)
    return int(rows.select(pl.len()).collect().item())


def _exact(folder: Path, tasks: Sequence[Task]) -> Path:
    run, path = folder.parents[1], folder / "exact.parquet"
    if not path.exists():
        wanted = ("content_1", "content_2", pl.col("stable_id").alias("document"))
        content = scan(run, tasks, "documents", DOCUMENTS).filter(pl.col("bytes") > 0)
        with whole_file(path, within=run) as partial:
            exact_duplicates(content.select(*wanted).collect()).write_parquet(partial)
    return path


def _keep_shingles(file: Path, store: ShingleStore) -> None:
    """Move the shingles that the second reading wrote into the store."""
    for batch in pq.ParquetFile(file).iter_batches(batch_size=1024):
        frame = pl.DataFrame(batch)
        for document, shingles in zip(frame["stable_id"], frame["shingles"], strict=True):
            store.add(document, shingles.to_numpy())


def signature_batches(run: Path, tasks: Sequence[Task]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(stable ids (n,), signatures (n, k)) of all documents that have words, in bounded batches."""
    for task in tasks:
        path = part_folder(run, task.key) / "signatures.parquet"
        if path.exists():
            yield from map(signature_rows, pq.ParquetFile(path).iter_batches(batch_size=SIGNATURE_ROWS))


def _cuts(documents: int) -> int:
    return max(1, -(-documents // PARTITION_ROWS))
