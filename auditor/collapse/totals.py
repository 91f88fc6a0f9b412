"""A band's figures added up over strata, and distributed over the shards that fall short of the required share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.collapse.decoding import numbers_of
from auditor.collapse.options import Regime, ReservoirOptions, Sizing
from auditor.collapse.sizing import Rarest, Reading, Size, human_tokens
from auditor.collapse.spectrum import Frequencies
from auditor.collapse.stratum import Shard, Stratum
from auditor.records import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A stratum that can be sized: its types' frequencies, its decoding ratio, what coverage was asked for."""

    stratum: Stratum
    frequencies: Frequencies | None
    covered: Rarest | None
    ratio: Estimate
    ratio_source: str


@dataclass(frozen=True, slots=True)
class StratumNeed:
    """The human text that one stratum still needs; a row of `strata` in an R of report.json.

    tokens, documents, bytes: still to acquire; human_tokens: word tokens of human text that it holds; human_share: of
    its training mix with the acquired text; upsampling: how often a generation reads an acquired token
    """

    stratum: str
    kind: str
    tokens: int
    documents: int
    bytes: int
    human_tokens: int
    human_share: float
    required_share: float
    upsampling: float
    binding_constraint: str


@dataclass(frozen=True, slots=True)
class ShardNeed:
    """A shard's part of the human text to acquire."""

    shard: str
    tokens: int
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One R of report.json: the human text that all strata still need, in the units of `StratumNeed`.

    The sums are None where no stratum can be sized; reason: which strata cannot be sized, and why
    """

    tokens: int | None = None
    documents: int | None = None
    bytes: int | None = None
    human_tokens: int | None = None
    human_share: float | None = None
    required_share: float | None = None
    upsampling: float | None = None
    binding_constraint: str | None = None
    regime: Regime
    sizing: Sizing
    per_shard: tuple[ShardNeed, ...]
    reason: str | None
    notes: tuple[str, ...]
    strata: tuple[StratumNeed, ...]


def stratum_need(ready: Ready, size: Size) -> StratumNeed:
    """The size of one stratum in whole tokens, documents and bytes."""
    stratum = ready.stratum
    return StratumNeed(
        stratum.name,
        stratum.kind,
        math.ceil(size.tokens),
        math.ceil(size.tokens * stratum.documents / stratum.tokens),
        math.ceil(size.tokens * stratum.bytes / stratum.tokens),
        math.floor(size.held),
        size.human_share,
        size.required_share,
        upsampling(size.slots, size.tokens),
        size.constraint,
    )


def upsampling(slots: float, tokens: float) -> float:
    """How often a token of the reservoir is read per generation, at least once."""
    return max(1.0, slots / tokens) if tokens > 0 else 1.0


def add_up(need: Need, sizes: Mapping[str, Size], strata: Sequence[Stratum], options: ReservoirOptions) -> Need:
    """The need with the sums over its strata; shares are weighted by tokens without admitted synthetic text."""
    rows = need.strata
    if not rows:
        return need
    weights = {s.name: s.tokens - s.admitted_tokens(options.generations) for s in strata if s.name in sizes}
    whole = sum(weights.values())
    slots = sum(size.slots for size in sizes.values())
    return replace(
        need,
        tokens=sum(row.tokens for row in rows),
        documents=sum(row.documents for row in rows),
        bytes=sum(row.bytes for row in rows),
        human_tokens=sum(row.human_tokens for row in rows),
        human_share=sum(row.human_share * weights[row.stratum] for row in rows) / whole,
        required_share=sum(row.required_share * weights[row.stratum] for row in rows) / whole,
        upsampling=upsampling(slots, sum(size.tokens for size in sizes.values())),
        binding_constraint=max(rows, key=lambda row: row.tokens).binding_constraint,
    )


def per_shard(
    shards: Sequence[Shard],
    ready: Sequence[Ready],
    readings: Mapping[str, Reading],
    sizes: Mapping[str, Size],
    options: ReservoirOptions,
) -> tuple[ShardNeed, ...]:
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
        # if text is needed for coverage alone, no shard falls short and the need is divided by size
        weights = gaps if sum(gaps.values()) > 0 else held
        whole = sum(weights.values())
        for name, weight in weights.items() if whole > 0 else ():
            tokens[name] += size.tokens * weight / whole
            documents[name] += size.tokens * weight / whole * stratum.documents / stratum.tokens
    return tuple(ShardNeed(name, math.ceil(tokens[name]), math.ceil(documents[name])) for name in tokens)


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
