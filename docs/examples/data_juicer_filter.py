"""A Data-Juicer operator that keeps what an audit keeps (`auditor export run --keep keep.parquet`).

In a recipe whose custom operator paths (an option of `dj-process`) name this file:

    process:
      - kept_by_auditor_filter: {keep: keep.parquet, id_key: id}
"""

from typing import Any

import polars as pl
from data_juicer.ops.base_op import OPERATORS, Filter
from data_juicer.utils.constant import Fields

STAT = "kept_by_auditor"


@OPERATORS.register_module("kept_by_auditor_filter")
class KeptByAuditorFilter(Filter):
    """Keeps the samples whose id is on the keep list; ids must be unique in the corpus."""

    def __init__(self, keep: str, id_key: str = "id", *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.id_key = id_key
        listed = pl.read_parquet(keep, columns=["id"])["id"]
        if listed.n_unique() < listed.len():
            raise ValueError(f"{keep}: ids are not unique; go by shard and row, as keep_list.py does")
        self.kept = frozenset(listed.to_list())

    def compute_stats_single(self, sample: dict[str, Any], context: bool = False) -> dict[str, Any]:
        if STAT not in sample[Fields.stats]:
            sample[Fields.stats][STAT] = str(sample[self.id_key]) in self.kept
        return sample

    def process_single(self, sample: dict[str, Any]) -> bool:
        return bool(sample[Fields.stats][STAT])
