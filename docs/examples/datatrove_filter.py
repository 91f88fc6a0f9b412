"""A datatrove filter that keeps what an audit keeps (`auditor export run --keep keep.parquet`).

    ParquetReader("crawl", adapter=with_place), KeptByAudit("keep.parquet"), JsonlWriter("cleaned")

The reader must be given the folder that was audited, so that its paths are the names of the shards; tasks may share the
files among them as they like.
"""

from pathlib import Path
from typing import Any

import polars as pl
from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter


def with_place(reader: Any, data: dict[str, Any], path: str, id_in_file: int | str) -> dict[str, Any]:
    """The reader's own view of a record, and where it stands: its shard, and its row counted from 0."""
    parsed = reader._default_adapter(data, path, id_in_file)
    parsed["metadata"] |= {"shard": path, "row": int(id_in_file)}
    return parsed


class KeptByAudit(BaseFilter):
    """Drops documents that are not on the keep list; the rows of a shard are held only while it is read."""

    name = "kept by auditor"

    def __init__(self, keep: str | Path, exclusion_writer: Any = None) -> None:
        super().__init__(exclusion_writer)
        self.keep = str(keep)
        self.shard: str | None = None
        self.rows: frozenset[int] = frozenset()

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        shard = doc.metadata["shard"]
        if shard != self.shard:
            listed = pl.scan_parquet(self.keep).filter(pl.col("shard") == shard).select("row").collect()
            self.shard, self.rows = shard, frozenset(listed["row"].to_list())
        return doc.metadata["row"] in self.rows or (False, "not on the keep list")
