"""The recommendation: how much human text each stratum needs, in three bands and two sizings, added up.

Sources of each rule stand in `closed_forms` and `sizing`; the bands' floors are policy, not theorems, and stay apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from auditor.collapse import closed_forms
from auditor.collapse.decoding import estimate_ratio, numbers_of
from auditor.collapse.options import BANDS, Band, ReservoirOptions, Sizing
from auditor.collapse.sizing import Rarest, Reading, Size, credited_tokens, find_rarest, size_stratum
from auditor.collapse.spectrum import discovery
from auditor.collapse.stratum import Stratum
from auditor.records import Estimate

UNSIZED = {"tokens": None, "documents": None, "bytes": None, "human_share": None, "upsampling": None}


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """What the recommendation needs to know of an existing shard.

    strata: tokens per stratum name; empty means that it is spread like the whole corpus
    """

    name: str
    tokens: float
    documents: float
    bytes: float
    fraction: Estimate
    tail_retention: Estimate
    duplicate_fraction: Estimate
    strata: dict[str, float] = field(default_factory=dict)

    def tokens_in(self, stratum: Stratum, corpus_tokens: float) -> float:
        if self.strata:
            return self.strata.get(stratum.name, 0.0)
        return self.tokens * stratum.tokens / corpus_tokens if corpus_tokens else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A stratum that can be sized: its rarest types and its decoding ratio."""

    stratum: Stratum
    rarest: Rarest
    ratio: Estimate
    ratio_source: str


@dataclass(frozen=True, slots=True, eq=False)
class Reservoir:
    """The recommendation and what it rests on; `as_dict` is the `reservoir` of report.json."""

    options: ReservoirOptions
    ready: tuple[Ready, ...]
    unsized: dict[str, str]
    shards: tuple[Shard, ...]

    def band(self, band: Band, sizing: Sizing, *, floor: bool = False) -> dict[str, Any]:
        """One R of report.json, summed over strata; nulls and a reason where it cannot be sized."""
        sizes: dict[str, Size] = {}
        reasons = dict(self.unsized)
        readings = {r.stratum.name: read(r, band, sizing, self.options) for r in self.ready}
        for ready in self.ready:
            name = ready.stratum.name
            reading = replace(readings[name], floor=band.floor) if floor else readings[name]
            size = size_stratum(ready.stratum, ready.rarest, reading, self.options)
            if isinstance(size, Size):
                sizes[name] = size
            else:
                reasons[name] = size
        rows = [_stratum_row(r, sizes[r.stratum.name], self.options) for r in self.ready if r.stratum.name in sizes]
        out = _total(rows, sizes, [r.stratum for r in self.ready], self.options)
        out |= {"regime": str(self.options.regime or band.regime), "sizing": str(sizing)}
        out["per_shard"] = _per_shard(self.shards, self.ready, readings, sizes) if sizes else []
        notes = [f"{name}: {note}" for name, size in sizes.items() for note in size.notes]
        out["reason"] = explain(reasons, bool(sizes))
        return out | {"notes": notes, "strata": rows}

    def as_dict(self) -> dict[str, Any]:
        """The `reservoir` of report.json. The other sizing and the policy floors stand under keys of their own."""
        options = self.options
        other = next(sizing for sizing in Sizing if sizing != options.sizing)
        return {
            "horizon": options.generations,
            "tolerance": options.tolerance,
            **{band.name: self.band(band, options.sizing) for band in BANDS},
            str(other): {band.name: self.band(band, other) for band in BANDS},
            "policy": [
                self.band(band, options.sizing, floor=True)
                | {
                    "label": f"policy floor {band.floor:g}, not derived",
                    "floor": band.floor,
                    "source": band.floor_source,
                }
                for band in BANDS
            ],
            "priorities": priorities(self.ready),
            "perplexity": perplexity_row(options),
            "assumptions": assumptions(self.ready, options),
        }


def recommend(
    strata: Sequence[Stratum], shards: Sequence[Shard], options: ReservoirOptions, *, whole: Ready | None = None
) -> Reservoir:
    """How much human text to acquire: each stratum by itself, with its own spectrum, fraction and decoding ratio.

    Parameters: whole, the corpus: its decoding ratio stands in where a stratum's own cannot be measured, its p_min
        where a stratum's smaller sample only bounds its own
    Strata that cannot be sized are named with the reason; they never count as needing nothing.
    """
    ready, unsized = [], {}
    corpus_tokens = sum(s.tokens for s in strata)
    for stratum in strata:
        rarest = find_rarest(stratum.spectrum, options)
        reason = _obstacle(stratum, rarest)
        if reason or rarest is None:
            unsized[stratum.name] = reason or "its spectrum is not measured"
            continue
        if whole and rarest.bounded and whole.rarest.frequency < rarest.frequency:
            rarest = replace(rarest, frequency=whole.rarest.frequency, types=whole.rarest.types)
        pairs = [(s.fraction, s.tail_retention) for s in shards if s.tokens_in(stratum, corpus_tokens) > s.tokens / 2]
        ready.append(Ready(stratum, rarest, *choose_ratio(stratum, pairs, options, whole)))
    return Reservoir(options, tuple(ready), unsized, tuple(shards))


def choose_ratio(
    stratum: Stratum, pairs: Iterable, options: ReservoirOptions, whole: Ready | None = None
) -> tuple[Estimate, str]:
    """r from the stratum's shards, else from the stratum as a whole, else the corpus', else the stated prior."""
    measured = estimate_ratio(pairs)
    if measured.is_number:
        return measured, "measured over shards"
    measured = estimate_ratio([(stratum.fraction, stratum.tail_retention)])
    if measured.is_number:
        return measured, "measured on the stratum as a whole"
    if whole is not None:
        return whole.ratio, f"the corpus': {whole.ratio_source}"
    low, mid, high = options.ratio_prior
    return Estimate(mid, low, high, method="stated prior"), "stated prior: not measured where the fraction may be 0"


def read(ready: Ready, band: Band, sizing: Sizing, options: ReservoirOptions) -> Reading:
    """The band's end of each interval: favourable, central or adverse."""
    favourable = [band.name for band in BANDS].index(band.name)
    f = numbers_of(ready.stratum.fraction)[favourable]
    r = numbers_of(ready.ratio)[2 - favourable]
    credit = band.credit if options.credit is None else options.credit
    return Reading(min(max(f, 0.0), 1.0), min(max(r, 0.0), 1.0), options.regime or band.regime, credit, sizing)


def priorities(ready: Iterable[Ready]) -> list[dict[str, Any]]:
    """Strata by what the next human token discovers: w_s (1-r_s) f1_s/n_s, Good-Turing's marginal discovery.

    f1/n is moved to the human tokens that the stratum holds, since its spectrum may be of a smaller sample.
    """
    rows = []
    for r in ready:
        held = max(r.stratum.human_tokens, 1.0)
        rate = discovery(r.stratum.spectrum, held) if r.stratum.spectrum else 0.0
        ratio = numbers_of(r.ratio)[1]
        rows.append(
            {
                "stratum": r.stratum.name,
                "kind": r.stratum.kind,
                "priority": r.stratum.weight * (1 - ratio) * rate,
                "new_type_rate": rate,
                "decoding_ratio": ratio,
            }
        )
    return sorted(rows, key=lambda row: (-row["priority"], row["stratum"]))


def perplexity_row(options: ReservoirOptions) -> dict[str, Any]:
    """The perplexity fit, beside the derived share: an observation on two series, not a rule that sizes."""
    share = closed_forms.share_for_perplexity(options.tolerance)
    known = share >= closed_forms.PERPLEXITY_LOWEST_SHARE
    return {
        "tolerance": options.tolerance,
        "human_share": share if known else None,
        "reason": None if known else "the fit holds for a human share of .25 or more",
        "method": "least squares on Zhu et al. 2024",
    }


def assumptions(ready: Sequence[Ready], options: ReservoirOptions) -> dict[str, Any]:
    """What the answer rests on besides the measurements, for the report to print."""
    return {
        "min_occurrences": options.min_occurrences,
        "miss": options.miss,
        "epochs": options.epochs,
        "coverage_share": None if options.rarest_frequency else options.coverage_share,
        "verification_precision": options.verification_precision,
        "credit": {band.name: band.credit if options.credit is None else options.credit for band in BANDS},
        "decoding_ratio": {r.stratum.name: r.ratio.as_dict() | {"source": r.ratio_source} for r in ready},
        "rarest_frequency": {r.stratum.name: r.rarest.frequency for r in ready},
    }


def explain(reasons: dict[str, str], partly: bool) -> str | None:
    """One sentence for what is missing: which strata cannot be sized and why."""
    if not reasons:
        return None if partly else "cannot be sized because there is no stratum"
    named = "; ".join(f"{name}: {reason}" for name, reason in list(reasons.items())[:5])
    more = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    if len(reasons) == 1 and not partly:
        (reason,) = reasons.values()
        return reason if reason.startswith("no finite") else f"cannot be sized because {reason}"
    return f"{'without strata that' if partly else ''} cannot be sized because {named}{more}".strip()


def _obstacle(stratum: Stratum, rarest: Rarest | None) -> str | None:
    fraction = stratum.fraction
    if stratum.tokens <= 0:
        return "it holds no eligible tokens"
    if not fraction.is_number:
        return f"its synthetic fraction is not measured ({fraction.reason})"
    lower, _, upper = numbers_of(fraction)
    if lower <= 0 and upper >= 1:
        return "the interval of its synthetic fraction is [0, 1], which says nothing"
    return None if rarest else "its spectrum is not measured"


def _stratum_row(ready: Ready, size: Size, options: ReservoirOptions) -> dict[str, Any]:
    stratum = ready.stratum
    return {
        "stratum": stratum.name,
        "kind": stratum.kind,
        "tokens": math.ceil(size.tokens),
        "documents": math.ceil(size.tokens * stratum.documents / stratum.tokens),
        "bytes": math.ceil(size.tokens * stratum.bytes / stratum.tokens),
        "human_share": size.human_share,
        "required_share": size.required_share,
        "upsampling": upsampling(size.slots, size.tokens, options),
        "binding_constraint": size.constraint,
    }


def upsampling(slots: float, tokens: float, options: ReservoirOptions) -> float:
    """How often a token of the reservoir is read per generation, at least once."""
    unique = tokens * options.verification_precision
    return max(1.0, slots / unique) if unique > 0 else 1.0


def _total(
    rows: list[dict[str, Any]], sizes: dict[str, Size], strata: Sequence[Stratum], options: ReservoirOptions
) -> dict[str, Any]:
    if not rows:
        return UNSIZED | {"required_share": None, "binding_constraint": None}
    out: dict[str, Any] = {name: sum(row[name] for row in rows) for name in ("tokens", "documents", "bytes")}
    weights = {s.name: s.tokens - s.admitted_tokens for s in strata if s.name in sizes}
    for name in ("human_share", "required_share"):
        out[name] = sum(row[name] * weights[row["stratum"]] for row in rows) / sum(weights.values())
    slots = sum(size.slots for size in sizes.values())
    out["upsampling"] = upsampling(slots, sum(size.tokens for size in sizes.values()), options)
    out["binding_constraint"] = max(rows, key=lambda row: row["tokens"])["binding_constraint"]
    return out


def _per_shard(
    shards: Sequence[Shard], ready: Sequence[Ready], readings: dict[str, Reading], sizes: dict[str, Size]
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
        gaps = {s.name: _gap(s, held[s.name], stratum, readings[stratum.name], size) for s in shards}
        # where text is needed for coverage alone no shard falls short, and the need is shared by size
        weights = gaps if sum(gaps.values()) > 0 else held
        whole = sum(weights.values())
        for name, weight in weights.items() if whole > 0 else ():
            tokens[name] += size.tokens * weight / whole
            documents[name] += size.tokens * weight / whole * stratum.documents / stratum.tokens
    return [{"shard": n, "tokens": math.ceil(tokens[n]), "documents": math.ceil(documents[n])} for n in tokens]


def _gap(shard: Shard, tokens: float, stratum: Stratum, reading: Reading, size: Size) -> float:
    if any(own.name == shard.name and own.passes for own in stratum.declared):
        return 0.0
    fraction = reading.fraction
    if shard.fraction.is_number:
        # the shard's own fraction moves the stratum's reading up or down by as much
        above = numbers_of(shard.fraction)[1] - numbers_of(stratum.fraction)[1]
        fraction = min(max(reading.fraction + above, 0.0), 1.0)
    own = replace(stratum, tokens=tokens, verified_tokens=0.0, declared=())
    credited, _ = credited_tokens(own, replace(reading, fraction=fraction))
    return max(size.required_share * tokens - credited, 0.0)
