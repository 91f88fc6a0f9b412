"""The reservoir recommendation: strata and shards put in the words of the collapse models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.collapse import simulation
from auditor.collapse.reservoir import Reservoir, recommend
from auditor.collapse.reservoir import Shard as ExistingShard
from auditor.collapse.sizing import ReservoirOptions, Stratum
from auditor.collapse.spectrum import Spectrum as Frequencies
from auditor.collapse.spectrum import estimate_frequencies
from auditor.config import Config
from auditor.errors import ConfigError
from auditor.estimate.spectrum import WORD, Counted, Spectrum
from auditor.manifest import write_text
from auditor.pipeline.plan import load_plan
from auditor.pipeline.results import read_report, with_estimates
from auditor.pipeline.richness import human_spectrum

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


def resize(run: Path, options: ReservoirOptions, *, mix: Path | None = None) -> dict[str, Any]:
    """Size the reservoir of a finished run again, with other options; the mix plan as TOML where a path is given.

    Raises: ConfigError, StoreError where there is no finished run
    """
    report = read_report(run)
    plan, _, _ = load_plan(run)
    spectrum = human_spectrum(run, plan)
    corpus = with_estimates(report["corpus"])
    shards = [with_estimates(shard) for shard in report["shards"]]
    found = size_reservoir(corpus, shards, spectrum, options)
    if mix is not None:
        write_text(mix, found.mix_toml())
    return report_section(found, {})


def run_simulation(
    spectrum: str | None, *, zipf: int | None, tokens: float | None, settings: dict[str, Any], seed: int,
    html: Path | None,
) -> tuple[pl.DataFrame, str]:  # fmt: skip
    """Collapse on a run's spectrum, a file of frequency,types, or a Zipf spectrum; the rows and what they are of.

    Raises: ConfigError where not exactly one spectrum is named, or a setting is impossible
    """
    if (spectrum is None) == (zipf is None):
        raise ConfigError("name one spectrum: a run's folder, a CSV of frequency,types, or --zipf TYPES")
    if zipf is not None:
        source, words, own = simulation.zipf(zipf), f"Zipf, {zipf:,} types", 100.0 * zipf
    else:
        assert spectrum is not None
        counts = _spectrum_of(Path(spectrum))
        source, words, own = estimate_frequencies(counts), f"the spectrum of {spectrum}", counts.tokens
    try:
        options = simulation.SimulationOptions(tokens=tokens or own, **settings)
        frame = simulation.simulate(source, options, np.random.default_rng(seed))
    except ValueError as error:
        raise ConfigError(f"this cannot be simulated: {error}") from None
    if html is not None:
        from auditor.reports.pages import render_simulation

        write_text(html, render_simulation({"source": words, "settings": settings, "rows": frame.to_dicts()}))
    return frame, words


def _spectrum_of(path: Path) -> Frequencies:
    if path.is_dir():
        plan, _, _ = load_plan(path)
        found = frequencies(human_spectrum(path, plan))
        if found is None:
            raise ConfigError(f"{path} has no words to make a spectrum of")
        return found
    try:
        frame = pl.read_csv(path, schema={"frequency": pl.Float64, "types": pl.Float64})
        return Frequencies(frame["frequency"].to_numpy(), frame["types"].to_numpy())
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ConfigError(f"{path} is neither a run nor a CSV of frequency,types ({error})") from None
