"""Types that are rare in human text and that no shard but the dropped ones holds, from the shards' type samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.estimate.diversity.spectrum import WORD
from auditor.gate.weights import RARE
from auditor.pipeline.diversity.reference import find_reference
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.run.plan import Plan


def tail_lost(run: Path, plan: Plan, dropped: Sequence[str]) -> dict[str, Any]:
    """How many sampled rare types of the human reference stand in the corpus, and how many would be lost."""
    spectra = Spectra(run, plan)
    reference = find_reference(spectra).text
    if reference is None:
        return {"tail_types": None, "tail_types_lost": None, "tail_reason": "there is no human reference"}
    rare = _keys(reference.frame, RARE)
    names = [shard.name for shard in plan.corpus.shards]
    kept, gone = np.zeros(rare.size, bool), np.zeros(rare.size, bool)
    for name, frame in zip(names, spectra.shards(names), strict=True):
        here = np.isin(rare, _keys(frame, None))
        if name in dropped:
            gone |= here
        else:
            kept |= here
    return {"tail_types": int((kept | gone).sum()), "tail_types_lost": int((gone & ~kept).sum()), "tail_reason": None}


def _keys(frame: pl.DataFrame, most: int | None) -> np.ndarray:
    """Keys of the word types of a sample that occur, at most `most` times where that is given."""
    words = frame.filter((pl.col("level") == WORD) & pl.col("type").is_not_null())
    counted = words.group_by("type").agg(pl.col("count").sum()).filter(pl.col("count") > 0)
    return (counted if most is None else counted.filter(pl.col("count") <= most))["type"].sort().to_numpy()
