"""The reservoir recommendation: what was measured of the corpus and its strata put in the words of collapse models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor import records
from auditor.collapse.acquisition import as_toml, plan_of
from auditor.collapse.options import BANDS as READINGS
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.reservoir import Ready, Reservoir, priorities, recommend
from auditor.collapse.reservoir import Shard as ExistingShard
from auditor.collapse.sensitivity import narrower, sensitivity
from auditor.collapse.spectrum import Spectrum as Frequencies
from auditor.collapse.stratum import Stratum
from auditor.collapse.wording import explain_choices
from auditor.config import Config
from auditor.estimate.diversity.spectrum import WORD, Counted, Spectrum
from auditor.manifest import write_text
from auditor.pipeline.diversity.reference import human_spectrum
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.reservoir.declared import Declared, read_declared
from auditor.pipeline.reservoir.strata import measure_strata, volumes
from auditor.pipeline.run.plan import Plan, load_plan
from auditor.pipeline.run.reopen import read_report
from auditor.records import estimates_of_json

BANDS = tuple(band.name for band in READINGS)
WHOLE = "corpus"
LANGUAGES_COVER = 0.95  # of the tokens: only then are the languages' reservoirs, added up, the corpus'


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """The corpus' recommendation, the same by kind of stratum, what was declared, and how sensitive it is."""

    total: Reservoir
    parts: dict[str, Reservoir]
    declared: Declared
    sensitivity: pl.DataFrame


def reservoir_options(config: Config) -> ReservoirOptions:
    return ReservoirOptions(
        generations=config.generations,
        tolerance=config.tolerance,
        min_occurrences=config.min_occurrences,
        epochs=config.epochs,
    )


def size_reservoir(
    run: Path, plan: Plan, measured: Mapping[str, Any], spectrum: pl.DataFrame, options: ReservoirOptions
) -> Sized:
    """Recommend for the corpus, and for each language, topic and folder of shards that it has two or more of.

    Languages share no words, so where there are several each needs its own coverage and the total is their sum;
    topics and folders share most words, and are sized apart, never added up.

    Parameters: measured, the parts `corpus`, `shards` and `strata` of report.json with their Estimates; spectrum: the
        types of the human reference where there is one, else of the corpus
    """
    corpus, shards = measured["corpus"], measured["shards"]
    held = volumes(run, plan)
    declared = read_declared(plan, {shard["shard"]: shard for shard in shards})
    whole = Stratum(
        WHOLE,
        corpus["tokens"],
        corpus["eligible_documents"],
        corpus["bytes"],
        corpus["synthetic_fraction_tokens"],
        frequencies(spectrum),
        corpus["diversity"]["tail_retention"],
        **declared.within(held),
    )
    existing = [_existing(shard) for shard in shards]
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
    """Counts of counts of words, sampled types scaled up, with their incidence in blocks; None without any word."""
    spectrum = Spectrum.from_frame(frame, WORD)
    totals, blocks = Counted.tokens(spectrum).totals(), Counted.blocks(spectrum)
    seen = totals > 0
    if not seen.any():
        return None
    counts, place = np.unique(totals[seen], return_inverse=True)
    types = np.bincount(place, weights=spectrum.weights[seen])
    incidence = np.bincount(place, weights=(spectrum.weights * blocks.totals())[seen]) / types
    return Frequencies(counts.astype(float), types, incidence, int(blocks.sizes.sum()), "blocks of 200 words")


def report_section(sized: Sized) -> dict[str, Any]:
    """The `reservoir` of report.json in the names of its schema."""
    found = sized.total.as_dict()
    for band in BANDS:
        found[band]["status"] = "measured" if found[band]["tokens"] is not None else "not_measured"
        found[band]["binding_constraint"] = found[band]["binding_constraint"] or ""
    names = ("source", "tokens", "documents", "label", "sizing")
    found["policy"] = [
        {"band": band, "human_share": row["floor"]} | {name: row[name] for name in names}
        for band, row in zip(BANDS, found["policy"], strict=True)
    ]
    found["strata"] = [row for kind, part in _cuts(sized).items() if kind for row in _strata_rows(part)]
    found["priorities"] = _priorities(sized)
    found["declared"] = sized.declared.rows()
    found["sensitivity"] = sized.sensitivity.to_dicts()
    found["narrower"] = narrower(sized.sensitivity)
    found["words"] = explain_choices(sized.total)
    return records.plain(found)


def resize(run: Path, options: ReservoirOptions, *, mix: Path | None = None) -> dict[str, Any]:
    """Size the reservoir of a finished run again, with other options; the mix plan as TOML where a path is given.

    Raises: ConfigError, StoreError where there is no finished run
    """
    report = read_report(run)
    plan, _, _ = load_plan(run)
    measured = {"corpus": estimates_of_json(report["corpus"])}
    measured |= {name: [estimates_of_json(row) for row in report[name]] for name in ("shards", "strata")}
    sized = size_reservoir(run, plan, measured, human_spectrum(Spectra(run, plan)), options)
    if mix is not None:
        write_text(mix, as_toml(plan_of(sized.total, parts=sized.parts)))
    return report_section(sized)


def _existing(shard: Mapping[str, Any]) -> ExistingShard:
    return ExistingShard(
        name=shard["shard"],
        tokens=shard["tokens"],
        documents=shard["eligible_documents"],
        bytes=shard["bytes"],
        fraction=shard["synthetic_fraction_tokens"],
        tail_retention=shard["diversity"]["tail_retention"],
        duplicate_fraction=shard["duplicate_fraction"],
    )


def _spread(shards: list[ExistingShard], held: pl.DataFrame, kind: str) -> list[ExistingShard]:
    """The shards with their tokens in each stratum of a kind."""
    tokens: dict[str, dict[str, float]] = {shard.name: {} for shard in shards}
    counted = held.drop_nulls(kind).group_by("shard", kind).agg(pl.col("tokens").sum())
    for name, stratum, count in counted.iter_rows():
        tokens[name][stratum] = count
    return [replace(shard, strata=tokens[shard.name] or {"": 0.0}) for shard in shards]


def _covers(languages: Reservoir | None, whole: Stratum) -> bool:
    return languages is not None and sum(r.stratum.tokens for r in languages.ready) >= LANGUAGES_COVER * whole.tokens


def _cuts(sized: Sized) -> dict[str, Reservoir]:
    """The parts by kind, and the total under its own: none where it is the corpus as one."""
    kinds = {r.stratum.kind for r in sized.total.ready} - {WHOLE}
    return {kinds.pop() if kinds else "": sized.total, **sized.parts}


def _strata_rows(part: Reservoir) -> list[dict[str, Any]]:
    """One row per stratum: its size in each band, or why it has none."""
    rows: dict[str, dict[str, Any]] = {
        ready.stratum.name: {"kind": ready.stratum.kind, "name": ready.stratum.name, "reason": None} | _held(ready)
        for ready in part.ready
    }
    for band in READINGS:
        found = part.band(band, part.options.sizing)
        for row in found["strata"]:
            rows[row["stratum"]][band.name] = {key: row[key] for key in row if key not in ("stratum", "kind")} | {
                "regime": found["regime"],
                "sizing": found["sizing"],
            }
    kind = next((ready.stratum.kind for ready in part.ready), "")
    unsized = [
        {"kind": kind, "name": name, "reason": f"cannot be sized because {why}"} for name, why in part.unsized.items()
    ]
    return [*rows.values(), *unsized]


def _held(ready: Ready) -> dict[str, Any]:
    spectrum = ready.stratum.spectrum
    return {
        "tokens": ready.stratum.tokens,
        "documents": ready.stratum.documents,
        "synthetic_fraction": ready.stratum.fraction,
        "rarest_frequency": ready.rarest.frequency,
        "sample_tokens": int(spectrum.tokens) if spectrum else 0,
    }


def _priorities(sized: Sized) -> list[dict[str, Any]]:
    """What to collect first over all kinds; the corpus as one only where it is all there is."""
    cuts = [cut for kind, cut in _cuts(sized).items() if kind] or [sized.total]
    rows = []
    for cut in cuts:
        strata = {ready.stratum.name: ready.stratum for ready in cut.ready}
        sizes = {row["stratum"]: row for row in cut.band(READINGS[1], cut.options.sizing)["strata"]}
        for row in priorities(cut.ready):
            stratum, size = strata[row["stratum"]], sizes.get(row["stratum"])
            rows.append(
                {
                    "kind": row["kind"],
                    "name": row["stratum"],
                    "gain": 1000 * row["new_type_rate"],
                    "priority": row["priority"],
                    "tokens": size["tokens"] if size else None,
                    "synthetic_fraction": stratum.fraction,
                    "tail_retention": stratum.tail_retention,
                }
            )
    return sorted(rows, key=lambda row: (-row["priority"], row["name"]))
