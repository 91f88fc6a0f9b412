"""Sampling weights of a run's documents: the corpus read once more for the rare types that each document carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from auditor.errors import ConfigError
from auditor.estimate.spectrum import WORD
from auditor.gate.selection import Choice, decisions
from auditor.gate.weights import CHOICES, RARE, TailTally, human_weights
from auditor.manifest import whole_file
from auditor.pipeline.exporting import unchanged
from auditor.pipeline.plan import Plan, load_plan, source_options
from auditor.pipeline.results import open_database
from auditor.pipeline.richness import find_reference
from auditor.sketch.types_kernel import key_of
from auditor.sources.read import read_split
from auditor.store.database import query
from auditor.text.batch import TextBatch

THRESHOLD = 0.5  # of the naive filter that the weights are compared with, where none is named


def write_weights(run: Path, path: Path, choice: Choice) -> dict[str, Any]:
    """Write id, shard, row, weight, protected as Parquet; returns what each choice keeps of text and of the tail.

    A document's weight never falls below its share of the tail: the types, rare in human text, that hardly any other
    document carries. Duplicates but one have weight 0.
    Raises: ConfigError where the run has no human reference, or a shard has changed since the audit
    """
    plan, config, _ = load_plan(run)
    reference = find_reference(run, plan)
    if reference.text is None:
        raise ConfigError("weights protect what is rare in human text: audit with --human-reference, then export again")
    unchanged(plan, config)
    words, documents = _documents(run, choice)
    tally = TailTally.of(rare_types(reference.text.frame))
    _carry(plan, config, documents, tally)
    plain = documents["weight"].to_numpy()
    shares = tally.shares(words, plain) * documents["single"].to_numpy()
    weights = np.maximum(plain, shares)
    raised = weights > plain + 1e-6
    out = documents.select("id", "shard", "row", weight=pl.Series(weights, dtype=pl.Float32), protected=raised)
    with whole_file(path) as partial:
        pq.write_table(out.to_arrow(), partial, compression="zstd")
    return {
        "documents": documents.height,
        "protected": int(raised.sum()),
        "rare_types": len(tally.types),
        "rare_types_in_corpus": int((tally.found > 0).sum()),
        "reference": reference.origin,
        "choices": _compare(documents, weights, tally, words),
    }


def rare_types(frame: pl.DataFrame, most: int = RARE) -> np.ndarray:
    """Keys (k,) uint64 of the sampled word types that occur at most `most` times in the reference."""
    words = frame.filter((pl.col("level") == WORD) & pl.col("type").is_not_null())
    counted = words.group_by("type").agg(pl.col("count").sum())
    return counted.filter((pl.col("count") > 0) & (pl.col("count") <= most))["type"].sort().to_numpy()


def _documents(run: Path, choice: Choice) -> tuple[np.ndarray, pl.DataFrame]:
    """Every document with its weight and what the naive filter would do; words of each."""
    naive = Choice(choice.probability or THRESHOLD, choice.duplicates, choice.ineligible)
    with open_database(run) as connection:
        frame = query(connection, f"SELECT id, shard, row, keep, probability, reason FROM ({decisions(naive)})")
        words = query(connection, "SELECT words FROM documents ORDER BY shard, row")["words"].to_numpy()
    single = ~frame["reason"].str.starts_with("duplicate of").to_numpy()
    fit = ~frame["reason"].str.starts_with("not eligible").to_numpy()
    chance = human_weights(frame["probability"].to_numpy().astype(float)) * (single & fit)
    columns = frame.select("id", "shard", "row", "keep", "probability")
    return words, columns.with_columns(weight=pl.Series(chance), single=pl.Series(single & fit))


def _carry(plan: Plan, config: Any, documents: pl.DataFrame, tally: TailTally) -> None:
    """Read the corpus again and note which documents carry which rare types."""
    bounds = {}
    for (name,), part in documents.with_row_index("at").group_by("shard", maintain_order=True):
        bounds[name] = (int(part["at"][0]), part["row"].to_numpy())
    chances = np.stack([documents["keep"].to_numpy().astype(float), documents["weight"].to_numpy()], axis=1)
    options = source_options(config)
    for shard in plan.corpus.shards:
        if shard.name not in bounds:
            continue
        first, rows = bounds[shard.name]
        for split in shard.splits:
            for batch in read_split(shard, split, options):
                tokens = TextBatch.of(batch.frame["text"]).tokens
                place = first + np.searchsorted(rows, batch.frame["row"].to_numpy())
                document = np.repeat(place, np.diff(tokens.offsets))
                tally.add(key_of(tokens.hashes), document, chances[document])


def _compare(documents: pl.DataFrame, weights: np.ndarray, tally: TailTally, words: np.ndarray) -> list[dict[str, Any]]:
    """Each choice: what is left of documents and words, how much of it is machine-written, what is left of the tail."""
    drawn = {
        "everything": np.ones(documents.height),
        "threshold": documents["keep"].to_numpy().astype(float),
        "weights": documents["weight"].to_numpy(),
        "protected": weights,
    }
    machine = documents["probability"].to_numpy().astype(float)
    measured, retention = np.isfinite(machine), tally.retention(weights)
    rows = []
    for name in CHOICES:
        chance = drawn[name]
        kept = float(chance[measured].sum())
        share = float((chance * np.nan_to_num(machine))[measured].sum() / kept) if kept else None
        rows.append({"choice": name, "documents": float(chance.sum()), "words": float(chance @ words),
                     "machine_share": share, "tail_retention": retention[name]})  # fmt: skip
    return rows
