"""The recommendation in plain words: the sentence to act on, what each band assumes, what was measured and chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from auditor.collapse.options import BANDS, Regime
from auditor.collapse.reservoir import Reservoir
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


def answer(reservoir: Reservoir, keep: Mapping[str, Any], bands: Mapping[str, Any], kinds: Sequence[str] = ()) -> str:
    """The sentence that a data lead acts on.

    Parameters: keep, `keep` of report.json; bands, its `acquire`; kinds, the kinds of text most of it should be
    """
    low, central, high = (bands[band.name] for band in BANDS)
    if central["tokens"] is None:
        return f"No figure can be given: {central['reason']}."
    tokens = keep["tokens"]
    held = tokens if isinstance(tokens, Estimate) else Estimate(**{k: tokens[k] for k in Estimate.__slots__})
    doubt = reservoir.doubt
    one = held.status == Status.MEASURED and doubt is None
    shards = len(keep["shards"])
    place = f" of {'this shard' if shards == 1 else f'these {shards:,} shards'}" if shards else ""
    if not held.value or held.value < 0.5:
        kept = "The corpus holds no human text to keep"
    else:
        inside = f"{spoken(held.value)} ({span(held.lower, held.upper)})" if one else span(held.lower, held.upper)
        kept = f"Keep the {inside} human tokens{place}"
    added = _added(low["tokens"], central["tokens"], high["tokens"], one)
    if kinds and (central["tokens"] or high["tokens"]):
        added += f", most of it {' and '.join(kinds[:MOST_NAMED])}"
    share = central["required_share"] if one else (high["required_share"] or central["required_share"])
    end = (
        f"; then the tail keeps {1 - reservoir.options.tolerance:.0%} over {reservoir.options.generations} generations "
        f"if each generation mixes {_mixed(share, high['required_share'])} human text"
    )
    why = f". A single figure cannot be given: {doubt}" if not one and doubt else ""
    link = "; " if added.startswith("no ") or kept.startswith("The") else ", and "
    return f"{kept}{link}{added}{end}{why}."


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
    end = ENDS.get(credit, f"read with a credit of {credit:.2g} for text that may be human or not")
    regime = REGIMES[options.regime or band.regime]
    return f"{regime[0].upper()}{regime[1:]}; the machine-written share stands {end}; {TAIL[name]}"


def explain_choices(reservoir: Reservoir) -> str:
    """Assumptions and policy as sentences for the report; its figures stand in `assumptions`."""
    o = reservoir.options
    sources = {r.ratio_source for r in reservoir.ready}
    covered = (
        f"Coverage was asked for: words of frequency {o.rarest_frequency:.3g} must stand {o.min_occurrences} times."
        if o.rarest_frequency
        else f"Coverage was asked for: words that carry {o.coverage_share:.1%} of human text must stand "
        f"{o.min_occurrences} times."
        if o.coverage_share
        else "Coverage is shown as a curve and sizes nothing, since it was not asked for."
    )
    return " ".join(
        [
            "Measured: the synthetic fraction, the spectrum of words, tail retention.",
            "Collapse means here the loss of the tail: of rare words and of their share of the text.",
            f"To be kept are the words that stand at least {o.min_occurrences} times in the corpus' own human text.",
            f"Chosen, not measured: {o.generations} generations ahead, at most {o.tolerance:.0%} of the tail lost but "
            f"for a chance of {o.miss:.0%}, acquired text read at most {o.epochs:g} times, "
            f"{o.verification_precision:.0%} of it truly human.",
            covered,
            *(f"How much of the tail generated text keeps: {source}." for source in sorted(sources)),
            *(f"{band.name.capitalize()}: {explain_band(band.name, reservoir)}." for band in BANDS),
            "The floors on the human share are policy, taken from single published experiments; the derived figures do "
            "not use them. No universal percentage of human text is known, and none is claimed.",
        ]
    )


def _added(low: float | None, central: float, high: float | None, one: bool) -> str:
    ends = [end for end in (low, central, high) if end is not None]
    open_end = ", or without a finite limit under the harshest assumptions" if high is None else ""
    if not max(ends):
        return f"no further human text is needed{open_end}"
    if not one:
        return f"add {span(min(ends), max(ends))} tokens of verified human text{open_end}"
    if not central:
        return f"add none, or up to {spoken(max(ends))} tokens of verified human text under harsh assumptions{open_end}"
    return f"add {spoken(central)} tokens ({span(min(ends), max(ends))}) of verified human text{open_end}"


def _mixed(share: float | None, most: float | None) -> str:
    """The share of human text in words; where the tail was seen to lose nothing, what adverse assumptions ask for."""
    if not share and most:
        return f"at least {_percent(most)} (under adverse assumptions; no loss of the tail was seen here)"
    return f"at least {_percent(share)}"


def _percent(share: float | None) -> str:
    """Rounded up, since it is a least share: never 0% that isn't."""
    return f"{math.ceil(100 * (share or 0.0) - 1e-9)}%"
