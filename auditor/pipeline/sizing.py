"""The reservoir recommendation: strata and shards put in the words of the collapse models."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from auditor.collapse.reservoir import Reservoir, recommend
from auditor.collapse.reservoir import Shard as ExistingShard
from auditor.collapse.sizing import ReservoirOptions, Stratum
from auditor.collapse.spectrum import Spectrum as Frequencies
from auditor.config import Config
from auditor.estimate.spectrum import WORD, Counted, Spectrum

BANDS = ("optimistic", "central", "pessimistic")


def reservoir_options(config: Config) -> ReservoirOptions:
    return ReservoirOptions(
        generations=config.generations,
        tolerance=config.tolerance,
        min_occurrences=config.min_occurrences,
        epochs=config.epochs,
    )


def size_reservoir(
    corpus: dict[str, Any], shards: list[dict[str, Any]], spectrum: pl.DataFrame, options: ReservoirOptions
) -> Reservoir:
    """Recommend for the corpus as one stratum.

    Parameters: corpus, shards: the parts of report.json with their Estimates; spectrum: the types of the human
        reference where there is one, else of the corpus
    """
    stratum = Stratum(
        name="corpus",
        tokens=corpus["tokens"],
        documents=corpus["eligible_documents"],
        bytes=corpus["bytes"],
        fraction=corpus["synthetic_fraction_tokens"],
        spectrum=frequencies(spectrum),
        tail_retention=corpus["diversity"]["tail_retention"],
    )
    existing = [
        ExistingShard(
            name=shard["shard"],
            tokens=shard["tokens"],
            documents=shard["eligible_documents"],
            bytes=shard["bytes"],
            fraction=shard["synthetic_fraction_tokens"],
            tail_retention=shard["diversity"]["tail_retention"],
            duplicate_fraction=shard["duplicate_fraction"],
        )
        for shard in shards
    ]
    return recommend([stratum], existing, options)


def frequencies(frame: pl.DataFrame) -> Frequencies | None:
    """Counts of counts of words, sampled types scaled up; None without any word."""
    spectrum = Spectrum.from_frame(frame, WORD)
    totals = Counted.tokens(spectrum).totals()
    seen = totals > 0
    if not seen.any():
        return None
    counts, place = np.unique(totals[seen], return_inverse=True)
    return Frequencies(counts.astype(float), np.bincount(place, weights=spectrum.weights[seen]))


def report_section(reservoir: Reservoir, strata: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The `reservoir` of report.json in the names of its schema."""
    found = reservoir.as_dict()
    for band in BANDS:
        found[band]["status"] = "measured" if found[band]["tokens"] is not None else "not_measured"
        found[band]["binding_constraint"] = found[band]["binding_constraint"] or ""
        found[band]["per_shard"] = [
            {"shard": row["shard"], "tokens": row["tokens"], "documents": row["documents"]}
            for row in found[band]["per_shard"]
        ]
    found["policy"] = [
        {
            "band": band,
            "human_share": row["floor"],
            "source": row["source"],
            "tokens": row["tokens"],
            "documents": row["documents"],
            "label": row["label"],
            "sizing": row["sizing"],
        }
        for band, row in zip(BANDS, found["policy"], strict=True)
    ]
    found["priorities"] = [
        {
            "kind": row["kind"],
            "name": row["stratum"],
            "gain": 1000 * row["new_type_rate"],
            "tokens": found["central"]["tokens"] if row["stratum"] == "corpus" else None,
            **strata.get(row["stratum"], {}),
        }
        for row in found["priorities"]
    ]
    return found
