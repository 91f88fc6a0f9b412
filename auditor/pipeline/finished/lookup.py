"""Is this text already in the corpus?"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from auditor.neardup.lookup import candidates, matches
from auditor.pipeline.documents.duplicates import Place
from auditor.pipeline.reduce.cluster import signature_batches
from auditor.pipeline.run.parts import part_folder, scan
from auditor.pipeline.run.plan import CORPUS, Plan, lsh_of
from auditor.pipeline.run.run import load_run
from auditor.records import Json
from auditor.run_columns import BANDS
from auditor.sketch.bands import band_frame
from auditor.sketch.minhash import SEED, permutations, signatures
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import SourceOptions
from auditor.text.batch import TextBatch


@dataclass(frozen=True, slots=True)
class Match:
    """A document of the run that a text resembles.

    query: the text's id in the file; document: the stable id; jaccard: estimated similarity, 0 to 1
    place: None where its part is no longer in the run's folder
    """

    query: str | None
    document: int
    jaccard: float
    place: Place | None

    def as_json(self) -> Json:
        """The fields of the match and of the place in one object."""
        own = {"query": self.query, "document": self.document, "jaccard": self.jaccard}
        return own | ({} if self.place is None else {f.name: getattr(self.place, f.name) for f in fields(Place)})


@dataclass(frozen=True, slots=True)
class LookedUp:
    """How many texts were looked up, how many of them were found, and every document that one resembles."""

    texts: int
    found: int
    matches: tuple[Match, ...]


def look_up(run: Path, file: str) -> LookedUp:
    """Documents of a run that equal or nearly equal the texts of a file, by signature (estimated).

    Raises: ConfigError where the file cannot be read as texts
    """
    with tempfile.TemporaryDirectory(prefix="auditor-") as spool:
        return _look_up(run, file, Path(spool))


def _look_up(run: Path, file: str, spool: Path) -> LookedUp:
    opened = load_run(run)
    plan, config = opened.plan, opened.config
    options = SourceOptions(spool=spool)
    corpus = plan_corpus([file], options)
    lsh, chosen = lsh_of(config), permutations(config.permutations)
    tasks = plan.of_role(CORPUS)
    bands = scan(run, tasks, "bands", BANDS).select(*BANDS)
    found: list[tuple[str | None, int, float]] = []
    texts = 0
    for shard in corpus.shards:
        for split in shard.splits:
            for batch in read_split(shard, split, options):
                sketch = signatures(TextBatch.of(batch.frame["text"]).tokens, chosen)
                places = np.arange(texts, texts + len(sketch), dtype=np.uint64)
                wanted = candidates(band_frame(places, sketch, lsh), bands)
                hits = matches(sketch, wanted, signature_batches(run, tasks), lsh, seed=SEED)
                names = batch.frame["doc_id"].to_list()
                found += [(names[number], document, jaccard) for number, document, jaccard in hits.iter_rows()]
                texts += len(sketch)
    where = _places(run, plan, [document for _, document, _ in found])
    listed = tuple(Match(*hit, where.get(hit[1])) for hit in found)
    return LookedUp(texts, len({name for name, _, _ in found}), listed)


def _places(run: Path, plan: Plan, documents: list[int]) -> dict[int, Place]:
    """Places of documents by stable id."""
    wanted, out = pl.Series(documents, dtype=pl.UInt64), {}
    for task in plan.of_role(CORPUS):
        path = part_folder(run, task.key) / "documents.parquet"
        if not documents or not path.exists():
            continue
        for batch in pq.ParquetFile(path).iter_batches(columns=["stable_id", "row", "doc_id"]):
            frame = pl.DataFrame(batch).filter(pl.col("stable_id").is_in(wanted.implode()))
            for stable_id, row, doc_id in frame.iter_rows():
                out[stable_id] = Place(task.shard.name, row, doc_id)
    return out
