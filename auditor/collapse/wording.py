"""The recommendation in plain words: the sentence to act on, what each band assumes, what was measured and chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from auditor.collapse.keep import Kept
from auditor.collapse.options import BANDS, Regime
from auditor.collapse.reservoir import Reservoir
from auditor.collapse.totals import Need
from auditor.records import Estimate, Status

REGIMES = {
    Regime.REPLACE_FRESH: "each generation replaces the last and reads new human text",
    Regime.REPLACE_REPLAY: "each generation replaces the last and reads the same human text again",
    Regime.ACCUMULATE: "all text of all generations is kept and read",
    Regime.ACCUMULATE_SUBSAMPLE: "all text is kept, and each generation reads a sample of it as large as the corpus",
}
ENDS = {1.0: "at the lower end of its interval", 0.5: "as estimated", 0.0: "at the upper end of its interval"}
TAIL = {
    "optimistic": "machine-written text thins the tail as little as the data allow",
    "central": "machine-written text thins the tail as estimated",
    "pessimistic": "machine-written text thins the tail as much as the data allow",
}
MOST_NAMED = 2
UNIT = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def answer(reservoir: Reservoir, keep: Kept, bands: Mapping[str, Need], kinds: Sequence[str] = ()) -> str:
    """The sentence that a data lead acts on, and what it rests on where that is not plain.

    Parameters: bands, what each asks for, by name; kinds, the kinds of text that most of it should be
    """
    low, central, high = (bands[band.name] for band in BANDS)
    if central.tokens is None:
        return f"No figure can be given: {central.reason}."
    doubt = reservoir.doubt
    one = keep.tokens.status == Status.MEASURED and doubt is None
    kept, added = _kept(keep.tokens, len(keep.shards), one), _added(low.tokens, central.tokens, high.tokens, one)
    if kinds and added.startswith("add "):
        added += f", most of it {' and '.join(kinds[:MOST_NAMED])}"
    most = high.required_share or central.required_share
    share = central.required_share if one else most
    said = [f"{kept}{', and ' if kept.startswith('Keep') and added.startswith('add ') else '; '}{added}"]
    tail = f"keeps {1 - reservoir.options.tolerance:.0%} of its share over {reservoir.options.generations} generation"
    tail += "s" if reservoir.options.generations != 1 else ""
    if most:
        least = _percent(share or most)
        said.append(f"The tail of rare words then {tail} if each generation mixes at least {least} human text")
    else:
        said.append(f"As far as could be measured, the tail of rare words {tail} whatever the share of human text")
    if one and most and not share:
        said.append(
            f"The {_percent(most)} is a precaution for adverse assumptions: no loss of the tail was measured here"
        )
    if not one and doubt:
        said.append(f"These are ranges because the machine-written share is inconclusive: {doubt}")
    return " ".join(f"{sentence}." for sentence in said)


def spoken(number: float | None) -> str:
    """A count in words that are read aloud: 9.1 million, 12,300."""
    value = number or 0.0
    for size, unit in UNIT:
        if value >= 0.9995 * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:,.0f}"


def span(lower: float | None, upper: float | None) -> str:
    """An interval in the unit of its upper end: 7.7-10.2 million; one number where both ends read alike."""
    low, high = lower or 0.0, upper or 0.0
    for size, unit in UNIT:
        if high >= 0.9995 * size:
            ends = [f"{end / size:.3g}" for end in (low, high)]
            return f"{ends[0]}-{ends[1]} {unit}" if ends[0] != ends[1] else f"{ends[0]} {unit}"
    return f"{low:,.0f}-{high:,.0f}" if round(low) != round(high) else f"{high:,.0f}"


def explain_band(name: str, reservoir: Reservoir) -> str:
    """What a band assumes, in a sentence."""
    band = next(band for band in BANDS if band.name == name)
    options = reservoir.options
    credit = band.credit if options.credit is None else options.credit
    end = ENDS.get(credit, f"so that {credit:.0%} of the text that may be human or not counts as human")
    regime = REGIMES[options.regime or band.regime]
    return f"{regime[0].upper()}{regime[1:]}; the machine-written share is taken {end}; {TAIL[name]}"


def explain_choices(reservoir: Reservoir) -> str:
    """Assumptions and policy as sentences for the report; its figures are in `assumptions`."""
    o = reservoir.options
    sources = {r.ratio_source for r in reservoir.ready}
    covered = (
        f"Coverage was asked for: words of frequency {o.rarest_frequency:.3g} must occur {o.min_occurrences} times."
        if o.rarest_frequency
        else f"Coverage was asked for: words that carry {o.coverage_share:.1%} of human text must occur "
        f"{o.min_occurrences} times."
        if o.coverage_share
        else "Coverage was not asked for: it is shown as a curve and does not change the amounts."
    )
    return " ".join(
        [
            "Measured: the synthetic fraction, the spectrum of words, tail retention.",
            "Collapse here means loss of the tail: of rare words and of their share of the text.",
            f"The words to keep are those that occur at least {o.min_occurrences} times in the corpus' own human text.",
            f"Chosen, not measured: a horizon of {o.generations} generations; a loss of at most {o.tolerance:.0%} of "
            f"the tail, exceeded with a chance of at most {o.miss:.0%}; acquired text is read at most {o.epochs:g} "
            f"times a generation; {o.verification_precision:.0%} of it is taken to be human.",
            covered,
            *(f"Share of the tail that generated text keeps: {source}." for source in sorted(sources)),
            *(f"{band.name.capitalize()}: {explain_band(band.name, reservoir)}." for band in BANDS),
            "The floors on the human share are policy, taken from single published experiments; the derived figures do "
            "not use them. No universal percentage of human text is known, and none is claimed.",
        ]
    )


def _kept(held: Estimate, shards: int, one: bool) -> str:
    place = f" of {'this shard' if shards == 1 else f'these {shards:,} shards'}" if shards else ""
    if not held.value or held.value < 0.5:
        return "The corpus holds no human text to keep"
    inside = _with_interval(held.value, held.lower, held.upper) if one else span(held.lower, held.upper)
    return f"Keep the {inside} human tokens{place}"


def _added(low: float | None, central: float, high: float | None, one: bool) -> str:
    """What to add; where the adverse band has no finite answer, that too."""
    ends = [end for end in (low, central, high) if end is not None]
    endless = "; under adverse assumptions no finite amount is enough" if high is None else ""
    if not max(ends):
        return f"no further human text is needed{endless}"
    if not one:
        return f"add {span(min(ends), max(ends))} tokens of verified human text{endless}"
    if not central:
        more = f"and up to {spoken(max(ends))} tokens of it under adverse ones"
        return f"no further human text is needed under central assumptions, {more}{endless}"
    if high is None:
        return f"add {spoken(central)} ({spoken(low)} or more) tokens of verified human text{endless}"
    return f"add {_with_interval(central, min(ends), max(ends))} tokens of verified human text"


def _with_interval(value: float, lower: float | None, upper: float | None) -> str:
    """A figure and its interval: 9.1 million (7.7-10.2); the interval has a unit of its own where that differs."""
    figure, interval = spoken(value), span(lower, upper)
    unit = figure.partition(" ")[2]
    return f"{figure} ({interval.removesuffix(f' {unit}') if unit else interval})"


def _percent(share: float | None) -> str:
    """Rounded up, since it is a minimum: never 0% unless it is."""
    return f"{math.ceil(100 * (share or 0.0) - 1e-9)}%"
