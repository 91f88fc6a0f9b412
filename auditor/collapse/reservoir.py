"""The recommendation: what each stratum holds and still needs, in three bands and two sizings, added up.

The sources of each rule are named in `closed_forms` and `sizing`; the bands' floors are policy, not theorems, and stay
apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from auditor.collapse.advice import Advice, Floor, assumptions, perplexity, priorities
from auditor.collapse.coverage import coverage_curve, reached_coverage
from auditor.collapse.decoding import estimate_ratio, numbers_of
from auditor.collapse.keep import Kept, keep_shards, kept_tokens
from auditor.collapse.options import BANDS, Band, ReservoirOptions, Sizing
from auditor.collapse.sizing import Reading, Size, find_covered, size_stratum
from auditor.collapse.spectrum import estimate_frequencies
from auditor.collapse.stratum import Shard, Stratum
from auditor.collapse.totals import Need, Ready, add_up, per_shard, stratum_need
from auditor.records import Estimate, Json, Status, plain


@dataclass(frozen=True, slots=True, eq=False)
class Reservoir:
    """The recommendation and what it rests on; unsized: why a stratum cannot be sized, by its name."""

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

    def band(self, band: Band, sizing: Sizing, *, floor: bool = False) -> Need:
        """What a band asks for, summed over strata; floor: with its policy floor on the human share."""
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
        need = Need(
            regime=self.options.regime or band.regime,
            sizing=sizing,
            per_shard=per_shard(self.shards, self.ready, readings, sizes, self.options) if sizes else (),
            reason=explain(reasons, bool(sizes)),
            notes=tuple(f"{name}: {note}" for name, size in sizes.items() for note in size.notes),
            strata=tuple(stratum_need(r, sizes[r.stratum.name]) for r in self.ready if r.stratum.name in sizes),
        )
        return add_up(need, sizes, [r.stratum for r in self.ready], self.options)

    def advise(self) -> Advice:
        """What to keep and what to acquire in every band, with everything it depends on."""
        options = self.options
        other = next(sizing for sizing in Sizing if sizing != options.sizing)
        strata = [r.stratum for r in self.ready]
        return Advice(
            options,
            Kept(kept_tokens(strata, options, self.unsized), *keep_shards(self.shards)),
            coverage_curve(strata, options),
            reached_coverage(strata, options),
            {band.name: self.band(band, options.sizing) for band in BANDS},
            other,
            {band.name: self.band(band, other) for band in BANDS},
            tuple(Floor.of(band, self.band(band, options.sizing, floor=True)) for band in BANDS),
            priorities(self.ready),
            perplexity(options),
            assumptions(self.ready, options),
        )

    def as_dict(self) -> Json:
        """The advice as JSON, in the names of `reservoir` in report.json."""
        return plain(self.advise())


def recommend(
    strata: Sequence[Stratum], shards: Sequence[Shard], options: ReservoirOptions, *, whole: Ready | None = None
) -> Reservoir:
    """What to keep and how much human text to acquire: each stratum by its own spectrum, fraction and decoding ratio.

    Parameters: whole, the corpus: its decoding ratio and frequencies are used where a stratum's own are not measured,
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


def explain(reasons: dict[str, str], partly: bool) -> str | None:
    """One sentence on what is missing: which strata cannot be sized, and why."""
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
