"""The recommendation: what each stratum holds and still needs, in three bands and two sizings, added up.

Sources of each rule stand in `closed_forms` and `sizing`; the bands' floors are policy, not theorems, and stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditor.collapse import closed_forms
from auditor.collapse.coverage import coverage_curve, reached_coverage
from auditor.collapse.decoding import estimate_ratio, numbers_of
from auditor.collapse.keep import keep_shards, kept_tokens
from auditor.collapse.options import BANDS, Band, ReservoirOptions, Sizing
from auditor.collapse.sizing import Reading, Size, find_covered, size_stratum
from auditor.collapse.spectrum import discovery, estimate_frequencies
from auditor.collapse.stratum import Shard, Stratum
from auditor.collapse.totals import Ready, per_shard, stratum_row, total
from auditor.records import Estimate, Status


@dataclass(frozen=True, slots=True, eq=False)
class Reservoir:
    """The recommendation and what it rests on; `as_dict` is the `reservoir` of report.json."""

    options: ReservoirOptions
    ready: tuple[Ready, ...]
    unsized: dict[str, str]
    shards: tuple[Shard, ...]

    @property
    def doubt(self) -> str | None:
        """Why the fraction behind the figures is inconclusive, where it is."""
        reasons = {
            r.stratum.fraction.reason for r in self.ready if r.stratum.fraction.status == Status.INCONCLUSIVE
        } - {None}
        return "; ".join(sorted(str(reason) for reason in reasons)) or None

    def band(self, band: Band, sizing: Sizing, *, floor: bool = False) -> dict[str, Any]:
        """One R of report.json, summed over strata; nulls and a reason where it cannot be sized."""
        sizes: dict[str, Size] = {}
        reasons = dict(self.unsized)
        readings = {r.stratum.name: read(r, band, sizing, self.options) for r in self.ready}
        for ready in self.ready:
            name = ready.stratum.name
            reading = replace(readings[name], floor=band.floor) if floor else readings[name]
            size = size_stratum(ready.stratum, ready.frequencies, ready.covered, reading, self.options)
            if isinstance(size, Size):
                sizes[name] = size
            else:
                reasons[name] = size
        rows = [stratum_row(r, sizes[r.stratum.name], self.options) for r in self.ready if r.stratum.name in sizes]
        out = total(rows, sizes, [r.stratum for r in self.ready], self.options)
        out |= {"regime": str(self.options.regime or band.regime), "sizing": str(sizing)}
        out["per_shard"] = per_shard(self.shards, self.ready, readings, sizes, self.options) if sizes else []
        notes = [f"{name}: {note}" for name, size in sizes.items() for note in size.notes]
        out["reason"] = explain(reasons, bool(sizes))
        return out | {"notes": notes, "strata": rows}

    def as_dict(self) -> dict[str, Any]:
        """The `reservoir` of report.json. The other sizing and the policy floors stand under keys of their own."""
        options = self.options
        other = next(sizing for sizing in Sizing if sizing != options.sizing)
        bands = {band.name: self.band(band, options.sizing) for band in BANDS}
        strata = [r.stratum for r in self.ready]
        shards, left_out = keep_shards(self.shards)
        return {
            "horizon": options.generations,
            "tolerance": options.tolerance,
            "keep": {
                "tokens": kept_tokens(strata, options, self.unsized).as_dict(),
                "shards": shards,
                "kinds": [],
                "left_out": left_out,
            },
            "acquire": bands,
            "coverage": coverage_curve(strata, options),
            "coverage_reached": reached_coverage(strata, options),
            **bands,
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
    """What to keep and how much human text to acquire: each stratum by its own spectrum, fraction and decoding ratio.

    Parameters: whole, the corpus: its decoding ratio and frequencies stand in where a stratum's own are not measured,
        its p_min where a stratum's smaller sample only bounds its own
    Strata that cannot be sized are named with the reason; they never count as needing nothing.
    """
    ready, unsized = [], {}
    corpus_tokens = sum(s.tokens for s in strata)
    for stratum in strata:
        reason = _obstacle(stratum, options)
        if reason:
            unsized[stratum.name] = reason
            continue
        frequencies = None
        if stratum.spectrum is not None and stratum.spectrum.tokens > 0:
            frequencies = estimate_frequencies(stratum.spectrum)
        elif whole is not None:
            frequencies = whole.frequencies
        covered = find_covered(stratum.spectrum, options.coverage_share, options) if options.asks_coverage else None
        if covered and whole and whole.covered and covered.bounded and whole.covered.frequency < covered.frequency:
            covered = replace(covered, frequency=whole.covered.frequency, types=whole.covered.types)
        pairs = [(s.fraction, s.tail_retention) for s in shards if s.tokens_in(stratum, corpus_tokens) > s.tokens / 2]
        ready.append(Ready(stratum, frequencies, covered, *choose_ratio(stratum, pairs, options, whole)))
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
    r = numbers_of(ready.ratio)[2 - favourable]
    credit = band.credit if options.credit is None else options.credit
    fraction = min(max(_believed(ready.stratum.fraction, credit), 0.0), 1.0)
    return Reading(fraction, min(max(r, 0.0), 1.0), options.regime or band.regime, sizing)


def _believed(fraction: Estimate, credit: float) -> float:
    """The fraction at a credit: its upper end at 0, its value at .5, its lower end at 1, straight lines between."""
    lower, value, upper = numbers_of(fraction)
    if credit >= 0.5:
        return value + (lower - value) * (2 * credit - 1)
    return upper + (value - upper) * 2 * credit


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
        "rarest_frequency": {r.stratum.name: rarest_kept(r.stratum, options) for r in ready},
    }


def rarest_kept(stratum: Stratum, options: ReservoirOptions) -> float | None:
    """The frequency of the rarest types that are to be kept; None where the stratum holds no human text."""
    return options.min_occurrences / stratum.human_tokens if stratum.human_tokens >= 1 else None


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


def _obstacle(stratum: Stratum, options: ReservoirOptions) -> str | None:
    fraction = stratum.fraction
    if stratum.tokens <= 0:
        return "it holds no eligible tokens"
    if not fraction.is_number:
        return f"its synthetic fraction is not measured ({fraction.reason})"
    lower, _, upper = numbers_of(fraction)
    if lower <= 0 and upper >= 1:
        return "the interval of its synthetic fraction is [0, 1], which says nothing"
    if options.asks_coverage and find_covered(stratum.spectrum, options.coverage_share, options) is None:
        return "its spectrum is not measured, and coverage was asked for"
    return None
