"""The `reservoir` of report.json: what to keep, what to acquire, coverage, and the sentence that says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from auditor import records
from auditor.collapse.keep import human_estimate
from auditor.collapse.options import BANDS as READINGS
from auditor.collapse.options import Band, ReservoirOptions
from auditor.collapse.reservoir import Reservoir, priorities, rarest_kept
from auditor.collapse.sensitivity import narrower
from auditor.collapse.totals import Ready
from auditor.collapse.wording import answer, explain_band, explain_choices
from auditor.pipeline.reservoir.declared import Declared
from auditor.pipeline.reservoir.sums import sum_of_shards, sums_of_strata

BANDS = tuple(band.name for band in READINGS)
WHOLE = "corpus"
NAMED = ("kind", "topic", "source")  # kinds of strata that can be collected by name
MOST_OF = 0.5  # of what is to be acquired: the strata that hold it are named


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """The corpus' recommendation, the same by kind of stratum, what was declared, and how sensitive it is."""

    total: Reservoir
    parts: dict[str, Reservoir]
    declared: Declared
    sensitivity: pl.DataFrame


def report_section(sized: Sized) -> dict[str, Any]:
    """The `reservoir` of report.json in the names of its schema."""
    found = sized.total.as_dict()
    for band in BANDS:
        row = found[band]
        row["status"] = "measured" if row["tokens"] is not None else "not_measured"
        if row["tokens"] is not None and sized.total.doubt:
            row["status"], row["reason"] = "inconclusive", row["reason"] or sized.total.doubt
        row["binding_constraint"] = row["binding_constraint"] or ""
        row["words"] = explain_band(band, sized.total)
    names = ("source", "tokens", "documents", "label", "sizing")
    found["policy"] = [
        {"band": band, "human_share": row["floor"]} | {name: row[name] for name in names}
        for band, row in zip(BANDS, found["policy"], strict=True)
    ]
    found["strata"] = [row for kind, part in _cuts(sized).items() if kind for row in _strata_rows(part)]
    found["priorities"] = _priorities(sized)
    kinds = _kinds(sized)
    whole = {"human_tokens": found["keep"]["tokens"]["value"], "acquire": found["central"]["tokens"]}
    tokens = sum(shard.tokens for shard in sized.total.shards)
    found["keep"] |= {"kinds": kinds, "note": sum_of_shards(found["keep"])}
    found["keep"]["sums"] = sums_of_strata(_cuts(sized), kinds, whole, tokens)
    found["sentence"] = answer(sized.total, found["keep"], found["acquire"], _wanted(found["keep"]["kinds"]))
    found["declared"] = sized.declared.rows()
    found["sensitivity"] = sized.sensitivity.to_dicts()
    found["narrower"] = narrower(sized.sensitivity)
    found["words"] = explain_choices(sized.total)
    return records.plain(found)


def _cuts(sized: Sized) -> dict[str, Reservoir]:
    """The parts by kind, and the total under its own: none where it is the corpus as one."""
    kinds = {r.stratum.kind for r in sized.total.ready} - {WHOLE}
    return {kinds.pop() if kinds else "": sized.total, **sized.parts}


def _strata_rows(part: Reservoir) -> list[dict[str, Any]]:
    """One row per stratum: its size in each band, or why it has none."""
    rows: dict[str, dict[str, Any]] = {
        ready.stratum.name: {"kind": ready.stratum.kind, "name": ready.stratum.name, "reason": None}
        | _held(ready, part.options)
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


def _held(ready: Ready, options: ReservoirOptions) -> dict[str, Any]:
    spectrum = ready.stratum.spectrum
    return {
        "kind": ready.stratum.kind,
        "name": ready.stratum.name,
        "reason": None,
        "tokens": ready.stratum.tokens,
        "documents": ready.stratum.documents,
        "synthetic_fraction": ready.stratum.fraction,
        "rarest_frequency": rarest_kept(ready.stratum, options),
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


def _kinds(sized: Sized) -> list[dict[str, Any]]:
    """Every stratum with the human text that it holds and still needs: those that hold most for their size first."""
    rows = []
    for cut in (cut for kind, cut in _cuts(sized).items() if kind):
        sizes = {band.name: _tokens_by_stratum(cut, band) for band in READINGS}
        for ready in cut.ready:
            stratum = ready.stratum
            held = human_estimate(stratum.tokens, stratum.fraction)
            acquire = {name: found.get(stratum.name) for name, found in sizes.items()}
            row = {"kind": stratum.kind, "name": stratum.name, "tokens": held, "acquire": acquire}
            rows.append(row | {"human_share": (held.value or 0.0) / stratum.tokens if stratum.tokens else 0.0})
    return sorted(rows, key=lambda row: (row["kind"], -row["human_share"], row["name"]))


def _tokens_by_stratum(cut: Reservoir, band: Band) -> dict[str, float]:
    return {row["stratum"]: row["tokens"] for row in cut.band(band, cut.options.sizing)["strata"]}


def _wanted(kinds: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the few strata that most of the text to be acquired is of, by the first kind that has names."""
    for kind in NAMED:
        own = (row for row in kinds if row["kind"] == kind)
        needs = sorted(((row["acquire"]["central"] or 0, row["name"]) for row in own), reverse=True)
        total, named, so_far = sum(need for need, _ in needs), [], 0.0
        if not total:
            continue
        for need, name in needs[:2]:
            if so_far < MOST_OF * total:
                named.append(name)
                so_far += need
        return named if so_far >= MOST_OF * total else []
    return []
