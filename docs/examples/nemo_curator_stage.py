"""A NeMo Curator stage that keeps what an audit keeps (`auditor export run --keep keep.parquet`).

    pipeline.add_stage(reader); pipeline.add_stage(KeptByAudit("keep.parquet"))

Documents are known by their ids: `id` of the keep list is what the corpus' own column of ids says.
"""

from dataclasses import dataclass, field

import polars as pl
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import DocumentBatch


@dataclass
class KeptByAudit(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Drops the documents of a batch that are not on the keep list; ids must be unique in the corpus."""

    keep: str
    id_column: str = "id"
    name: str = "kept_by_auditor"
    kept: frozenset[str] = field(default_factory=frozenset, repr=False)

    def inputs(self) -> tuple[list[str], list[str]]:
        return ["data"], [self.id_column]

    def outputs(self) -> tuple[list[str], list[str]]:
        return ["data"], []

    def setup(self, worker_metadata: object = None) -> None:
        """Once on each worker: the list is read there, and not sent with the stage."""
        listed = pl.read_parquet(self.keep, columns=["id"])["id"]
        if listed.n_unique() < listed.len():
            raise ValueError(f"{self.keep}: ids are not unique; go by shard and row, as keep_list.py does")
        self.kept = frozenset(listed.to_list())

    def process(self, task: DocumentBatch) -> DocumentBatch | None:
        frame = task.to_pandas()
        frame = frame[frame[self.id_column].astype(str).isin(self.kept)]
        if frame.empty:
            return None
        return DocumentBatch(
            dataset_name=task.dataset_name, data=frame, _metadata=task._metadata, _stage_perf=task._stage_perf
        )
