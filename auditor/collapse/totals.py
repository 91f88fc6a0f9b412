"""A band's figures added up over strata, and shared out over the shards that fall short of the required share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditor.collapse.decoding import numbers_of
from auditor.collapse.options import ReservoirOptions
from auditor.collapse.sizing import Rarest, Reading, Size, human_tokens
from auditor.collapse.spectrum import Frequencies
from auditor.collapse.stratum import Shard, Stratum
from auditor.records import Estimate

SUMMED = ("tokens", "documents", "bytes", "human_tokens")
UNSIZED = dict.fromkeys((*SUMMED, "human_share", "upsampling"))


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A stratum that can be sized: its types' frequencies, its decoding ratio, what coverage was asked for."""

    stratum: Stratum
    frequencies: Frequencies | None
    covered: Rarest | None
    ratio: Estimate
    ratio_source: str


def stratum_row(ready: Ready, size: Size, options: ReservoirOptions) -> dict[str, Any]:
    """One stratum of the recommendation as report.json lists it."""
    stratum = ready.stratum
    return {
        "stratum": stratum.name,
        "kind": stratum.kind,
        "tokens": math.ceil(size.tokens),
        "documents": math.ceil(size.tokens * stratum.documents / stratum.tokens),
        "bytes": math.ceil(size.tokens * stratum.bytes / stratum.tokens),
        "human_tokens": math.floor(size.held),
        "human_share": size.human_share,
        "required_share": size.required_share,
        "upsampling": upsampling(size.slots, size.tokens),
        "binding_constraint": size.constraint,
    }


def upsampling(slots: float, tokens: float) -> float:
    """How often a token of the reservoir is read per generation, at least once."""
    return max(1.0, slots / tokens) if tokens > 0 else 1.0


def total(
    rows: list[dict[str, Any]], sizes: Mapping[str, Size], strata: Sequence[Stratum], options: ReservoirOptions
) -> dict[str, Any]:
    """The sum over strata, as report.json shows it."""
    if not rows:
        return UNSIZED | {"required_share": None, "binding_constraint": None}
    out: dict[str, Any] = {name: sum(row[name] for row in rows) for name in SUMMED}
    weights = {s.name: s.tokens - s.admitted_tokens(options.generations) for s in strata if s.name in sizes}
    for name in ("human_share", "required_share"):
        out[name] = sum(row[name] * weights[row["stratum"]] for row in rows) / sum(weights.values())
    slots = sum(size.slots for size in sizes.values())
    out["upsampling"] = upsampling(slots, sum(size.tokens for size in sizes.values()))
    out["binding_constraint"] = max(rows, key=lambda row: row["tokens"])["binding_constraint"]
    return out


def per_shard(
    shards: Sequence[Shard],
    ready: Sequence[Ready],
    readings: Mapping[str, Reading],
    sizes: Mapping[str, Size],
    options: ReservoirOptions,
) -> list[dict[str, Any]]:
    """Each stratum's reservoir over its shards, by how far each falls short of the required human share."""
    corpus_tokens = sum(r.stratum.tokens for r in ready)
    tokens = dict.fromkeys((s.name for s in shards), 0.0)
    documents = dict.fromkeys((s.name for s in shards), 0.0)
    for r in ready:
        stratum, size = r.stratum, sizes.get(r.stratum.name)
        if size is None:
            continue
        held = {s.name: s.tokens_in(stratum, corpus_tokens) for s in shards}
        gaps = {s.name: _gap(s, held[s.name], stratum, readings[stratum.name], size, options) for s in shards}
        # where text is needed for coverage alone no shard falls short, and the need is shared by size
        weights = gaps if sum(gaps.values()) > 0 else held
        whole = sum(weights.values())
        for name, weight in weights.items() if whole > 0 else ():
            tokens[name] += size.tokens * weight / whole
            documents[name] += size.tokens * weight / whole * stratum.documents / stratum.tokens
    return [{"shard": n, "tokens": math.ceil(tokens[n]), "documents": math.ceil(documents[n])} for n in tokens]


def _gap(
    shard: Shard, tokens: float, stratum: Stratum, reading: Reading, size: Size, options: ReservoirOptions
) -> float:
    if any(own.name == shard.name and own.passes for own in stratum.declared):
        return 0.0
    fraction = reading.fraction
    if shard.fraction.is_number:
        # the shard's own fraction moves the stratum's reading up or down by as much
        above = numbers_of(shard.fraction)[1] - numbers_of(stratum.fraction)[1]
        fraction = min(max(reading.fraction + above, 0.0), 1.0)
    own = replace(stratum, tokens=tokens, verified_tokens=0.0, declared=())
    return max(size.required_share * tokens - human_tokens(own, replace(reading, fraction=fraction), options), 0.0)
