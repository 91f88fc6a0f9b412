"""The reservoir recommendation: measurements of the corpus and its strata as input to the collapse models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from auditor.collapse.acquisition import as_toml, plan_of
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.reservoir import Reservoir, recommend
from auditor.collapse.sensitivity import sensitivity
from auditor.collapse.spectrum import Spectrum as Frequencies
from auditor.collapse.stratum import Shard, Stratum
from auditor.config import Config
from auditor.estimate.diversity.spectrum import Counted, Spectrum
from auditor.manifest import write_text
from auditor.pipeline.diversity.reference import human_spectrum
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.reservoir.declared import read_declared
from auditor.pipeline.reservoir.measurements import Measurements
from auditor.pipeline.reservoir.section import Sized, report_section
from auditor.pipeline.reservoir.strata import measure_strata, volumes
from auditor.pipeline.run.plan import Plan
from auditor.pipeline.run.reopen import read_report
from auditor.pipeline.run.run import load_run
from auditor.records import Json
from auditor.run_columns import GROUPS, WORD

LANGUAGES_COVER = 0.95  # of the tokens: only then are the languages' reservoirs, added up, the corpus'


def reservoir_options(config: Config) -> ReservoirOptions:
    """The options of `auditor.toml` that size the reservoir; the others stay at their defaults."""
    return ReservoirOptions(
        generations=config.generations,
        tolerance=config.tolerance,
        min_occurrences=config.min_occurrences,
        epochs=config.epochs,
    )


def size_reservoir(
    run: Path, plan: Plan, measured: Measurements, spectrum: pl.DataFrame, options: ReservoirOptions
) -> Sized:
    """Recommend for the corpus, and for each language, topic and folder of shards that it has two or more of.

    Languages share no words, so where there are several each needs its own coverage and the total is their sum;
    topics and folders share most words, and are sized apart, never added up.

    Parameters: spectrum, the types of the human reference where there is one, else of the corpus
    """
    held = volumes(run, plan)
    declared = read_declared(plan, measured.shards)
    whole = declared.added_to(replace(measured.corpus, spectrum=frequencies(spectrum)), held)
    existing = list(measured.shards)
    total = recommend([whole], existing, options)
    ready = total.ready[0] if total.ready else None
    strata = measure_strata(run, plan, held, measured, declared)
    cuts = {kind: (own, _spread(existing, held, kind)) for kind, own in strata.items()}
    parts = {kind: recommend(own, placed, options, whole=ready) for kind, (own, placed) in cuts.items()}
    summed, placed = [whole], existing
    if _covers(parts.get("language"), whole):
        summed, placed = cuts["language"]
        total = parts.pop("language")
    return Sized(total, parts, declared, sensitivity(summed, placed, options, whole=ready))


def frequencies(frame: pl.DataFrame) -> Frequencies | None:
    """Counts of counts of words, sampled types scaled up, with their incidence in blocks; None without any word.

    The counts by group are of the sampled types alone: scaled up, they would vary by which types were drawn.
    """
    spectrum = Spectrum.from_frame(frame, WORD)
    totals, blocks = Counted.tokens(spectrum).totals(), Counted.blocks(spectrum)
    seen = totals > 0
    if not seen.any():
        return None
    counts, place = np.unique(totals[seen], return_inverse=True)
    types = np.bincount(place, weights=spectrum.weights[seen])
    incidence = np.bincount(place, weights=(spectrum.weights * blocks.totals())[seen]) / types
    by_group, at = np.zeros((counts.size, GROUPS)), np.cumsum(seen) - 1
    np.add.at(by_group, (place[at[spectrum.index]], spectrum.group), spectrum.count)
    units, unit = int(blocks.sizes.sum()), "blocks of 200 words"
    return Frequencies(counts.astype(float), types, incidence, units, unit, by_group, spectrum.tokens)


def resize(run: Path, options: ReservoirOptions, *, mix: Path | None = None) -> Json:
    """Size the reservoir of a finished run again, with other options; the mix plan as TOML where a path is given.

    Raises: ConfigError, StoreError where there is no finished run
    """
    measured = Measurements.of_report(read_report(run))
    plan = load_run(run).plan
    sized = size_reservoir(run, plan, measured, human_spectrum(Spectra(run, plan)), options)
    if mix is not None:
        write_text(mix, as_toml(plan_of(sized.total, parts=sized.parts)))
    return report_section(sized)


def _spread(shards: list[Shard], held: pl.DataFrame, kind: str) -> list[Shard]:
    """The shards with their tokens in each stratum of a kind, or with the proportions of the corpus if those are
    unknown."""
    if kind not in held.columns:
        return shards
    tokens: dict[str, dict[str, float]] = {shard.name: {} for shard in shards}
    counted = held.drop_nulls(kind).group_by("shard", kind, maintain_order=True).agg(pl.col("tokens").sum())
    for name, stratum, count in counted.iter_rows():
        tokens[name][stratum] = count
    return [replace(shard, strata=tokens[shard.name] or {"": 0.0}) for shard in shards]


def _covers(languages: Reservoir | None, whole: Stratum) -> bool:
    return languages is not None and sum(r.stratum.tokens for r in languages.ready) >= LANGUAGES_COVER * whole.tokens
