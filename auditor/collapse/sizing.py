"""How much human text one stratum still needs: METHODS' rules as a number of tokens, with the rule that binds.

kept      the types that the stratum's own human text holds at least k times
m_req     the least human share of each generation's mix that keeps their presence and the tail's mass
H         human tokens missing from that share; appended text enlarges the corpus as it fills the gap
acquire   H/epochs; with coverage asked for, at least what lambda_k(e)/p_min exceeds the human text held by
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from scipy.optimize import brentq
from scipy.special import betaincinv, ndtri

from auditor.collapse import closed_forms
from auditor.collapse.options import Regime, ReservoirOptions, Sizing
from auditor.collapse.spectrum import (
    Frequencies,
    Spectrum,
    clumping,
    design_effect,
    estimate_frequencies,
    rarest_covered,
)
from auditor.collapse.stratum import Stratum

NO_FINITE = (
    "no finite reservoir: text that is appended never displaces what is there, and the human share that is required "
    "is not below the share of the acquired text that is truly human"
)
TOO_IMPRECISE = (
    "no finite reservoir: even if acquired text took the place of all machine-written text, too little of it is truly "
    "human for the share that is required"
)
LARGER = "the reservoir is larger than the stratum: one generation cannot read it within this budget"
BOUNDED = (
    "the rarest types that must live stand less than once in the text that was measured: their frequency rests on "
    "an estimate of the unseen that errs upward (Chao), so the figure is rather too low than too high"
)
MANY = 1e9  # types, assumed where their number is unknown: enough that chance does not matter


@dataclass(frozen=True, slots=True)
class Rarest:
    """Types at a frequency p_min: how many are up to twice as frequent, tokens per unit's incidence.

    unit: what clumping counts in; bounded: p_min is below one occurrence in the sample, a bound more than an estimate
    """

    frequency: float
    types: float = MANY
    clumping: float = 1.0
    unit: str = "documents"
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a stratum: the fraction and r taken as true, the regime, a floor if any."""

    fraction: float
    ratio: float
    regime: Regime
    sizing: Sizing
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Size:
    """The answer for one stratum: tokens are unique human text still to acquire, slots their places in training.

    held: tokens of human text that the stratum holds by this reading
    """

    tokens: float
    slots: float
    held: float
    human_share: float
    required_share: float
    constraint: str
    notes: tuple[str, ...] = ()


def types_to_keep(frequencies: Frequencies | None, tokens: float, options: ReservoirOptions) -> tuple[float, float]:
    """How many types are about as rare as the rarest to be kept, those that `tokens` of text hold k to 2k times, and
    the share of text that they are; enough that chance does not matter where that is unknown."""
    if frequencies is None or tokens <= 0:
        return MANY, MANY
    rarest = options.min_occurrences / tokens
    alike = (frequencies.probability >= rarest * (1 - 1e-9)) & (frequencies.probability <= 2 * rarest)
    if not alike.any():
        return MANY, MANY
    return max(float(frequencies.types[alike].sum()), 1.0), float(frequencies.mass[alike].sum())


def find_covered(spectrum: Spectrum | None, share: float | None, options: ReservoirOptions) -> Rarest | None:
    """p_min above which types carry that share of the tokens, or the frequency that the user names; else None."""
    if spectrum is None or spectrum.tokens <= 0:
        return Rarest(options.rarest_frequency) if options.rarest_frequency else None
    frequencies = estimate_frequencies(spectrum)
    if options.rarest_frequency:
        chosen = int(abs(frequencies.probability - options.rarest_frequency).argmin())
    elif share is not None:
        chosen = rarest_covered(frequencies, share)
    else:
        return None
    frequency = options.rarest_frequency or float(frequencies.probability[chosen])
    # in the reservoir, where it counts, these types occur about lambda times; a rare word clumps no less than they do
    wanted = closed_forms.occurrences(options.min_occurrences, options.miss)
    clumped = clumping(spectrum, max(float(frequencies.sample[chosen]), wanted))
    alike = (frequencies.probability >= frequency * (1 - 1e-9)) & (frequencies.probability <= 2 * frequency)
    types = max(float(frequencies.types[alike].sum()), 1.0)
    bounded = not options.rarest_frequency and frequency * spectrum.tokens < 1
    return Rarest(frequency, types, clumped, spectrum.unit, bounded)


def retained_target(types: float, options: ReservoirOptions) -> float:
    """The probability for each of K types at which 1-d of them are kept, except with probability e.

    Implements the binomial upper limit: the beta quantile 1-e at (k, K-k+1), k = (1-d)K rounded up.
    """
    kept = math.ceil((1 - options.tolerance) * types)
    return float(betaincinv(kept, max(types - kept, 0) + 1, 1 - options.miss))


def mass_target(tokens: float, options: ReservoirOptions, weight: float = 1.0, drawn: float = math.inf) -> float:
    """The expected mass at which the realised one stays above 1-d, except with probability e.

    Human text is itself a sample: `tokens` occurrences of the types to keep in it have a relative standard deviation of
    1/sqrt(tokens), and the mass at the horizon comes from it with a `weight`, the rest from the machine-written text
    of generation 0. So is what the last generation reads, with `drawn` occurrences that are drawn anew. At most 1,
    which all-human text has.
    """
    spread = math.sqrt((weight**2 / tokens if tokens > 0 else 0.0) + 1 / drawn)
    return min((1 - options.tolerance) * (1 + float(-ndtri(options.miss)) * spread), 1.0)


@dataclass(frozen=True, slots=True)
class Rare:
    """The rarest types to keep: how many, how often each occurs in the budget, and the human text that holds them.

    types: as rare as the rarest to be kept, up to twice as frequent; share: of human text, all of them, as many as are
    independent; expected: N p_min, occurrences of each in the whole budget; held, budget: tokens of human text there,
    and of all text
    """

    types: float
    share: float
    expected: float
    held: float
    budget: float

    def unique(self, share: float, epochs: float) -> float:
        """Occurrences of all of them in the human text of a mix, repeats left out: what is held is read once, what is
        acquired `epochs` times."""
        wanted = share * self.budget
        return self.share * (min(wanted, self.held) + max(wanted - self.held, 0.0) / epochs)


def required_share(rare: Rare, reading: Reading, options: ReservoirOptions) -> tuple[float, str]:
    """m_req: the least human share that keeps presence and mass, and which of the two asks for more.

    Generation 0 is the mix itself, m of it human and the rest machine-written text of the tail ratio r. Presence is the
    joint rule of drift and decoding at N p_min; mass is the expected mass of the tail at the horizon, against what the
    human text of that mix, being a sample, has to reach.

    Returns: (share, constraint)
    """
    wanted = -retained_target(rare.types, options) * math.expm1(-rare.expected)
    present = _least(lambda m: _presence(rare.expected, m, reading, options) - wanted)
    replaces = reading.regime in (Regime.REPLACE_FRESH, Regime.REPLACE_REPLAY)
    mass_of = closed_forms.tail_mass if replaces else closed_forms.tail_mass_accumulate

    def surplus(share: float) -> float:
        mass = mass_of(options.generations, share, reading.ratio, _start(share, reading))
        human = mass_of(options.generations, share, reading.ratio, share)  # the part of it that human text brought in
        weight = human / mass if mass > 0 else 1.0
        drawn = rare.share * rare.budget / max(1 - share if replaces else 1.0, 1e-12)
        return mass - mass_target(rare.unique(share, options.epochs), options, weight, drawn)

    mass = _least(surplus)
    return max(
        (mass, "tail mass"), (present, "tail presence"), (reading.floor, "policy floor"), key=lambda need: need[0]
    )


def size_stratum(
    stratum: Stratum,
    frequencies: Frequencies | None,
    covered: Rarest | None,
    reading: Reading,
    options: ReservoirOptions,
) -> Size | str:
    """What is still to acquire, or the reason why no figure can be given.

    Credited synthetic text is not contamination: it is taken out of both the fraction and the budget. Acquired text of
    which only a part is human takes the place of machine-written text, or is appended, as a whole.

    Parameters: covered, the types that must occur k times where coverage was asked for
    """
    budget = stratum.tokens - stratum.admitted_tokens(options.generations)
    if budget <= 0:
        return "all of its tokens are admitted synthetic text"
    held = human_tokens(stratum, reading, options)
    precision = options.verification_precision
    rare = _rare(frequencies, held, budget, options)
    if stratum.spectrum is not None and rare.types != MANY:
        # occurrences come in clumps and in documents, so that fewer of them are independent of one another
        rarest = max(rare.expected / budget * stratum.spectrum.tokens, 1.0)
        together = max(clumping(stratum.spectrum, rarest), design_effect(stratum.spectrum, rarest))
        rare = replace(rare, share=rare.share / together)
    m, constraint = required_share(rare, reading, options)
    missing = max(0.0, m * budget - held)
    appended = reading.sizing == Sizing.APPENDED
    if appended and missing > 0 and precision <= m:
        return NO_FINITE
    places = missing / (precision - m) if appended and missing > 0 else missing / precision
    if not appended and places > (budget - held) * (1 + 1e-9):
        return TOO_IMPRECISE
    needs = {constraint: places / options.epochs}
    if covered is not None:
        needs |= _coverage_needs(covered, held, options)
    binding = max(needs, key=lambda name: needs[name])
    tokens = needs[binding]
    slots = max(places, tokens)
    share = (held + slots * precision) / (budget + slots if appended else budget)
    notes: tuple[str, ...] = (LARGER,) if not appended and slots > budget else ()
    notes += (BOUNDED,) if covered is not None and covered.bounded and binding.startswith("coverage") else ()
    return Size(tokens, slots, held, min(share, 1.0), m, binding if tokens > 0 else "none", notes)


def human_tokens(stratum: Stratum, reading: Reading, options: ReservoirOptions) -> float:
    """The human text that a stratum holds by this reading: at least what was verified, at most what is not admitted."""
    budget = stratum.tokens - stratum.admitted_tokens(options.generations)
    return min(max(stratum.tokens * (1 - reading.fraction), stratum.verified_tokens), budget)


def covering_tokens(covered: Rarest, options: ReservoirOptions) -> float:
    """Human tokens in which the types at p_min occur k times, before clumping: lambda_k(e)/p_min."""
    target = min(retained_target(covered.types, options), 1 - 1e-12)
    # surely k of them, and enough for the target share of the types to be present at all
    wanted = max(closed_forms.occurrences(options.min_occurrences, options.miss), -math.log1p(-target))
    return wanted / covered.frequency


def _coverage_needs(covered: Rarest, held: float, options: ReservoirOptions) -> dict[str, float]:
    plain, precision = covering_tokens(covered, options), options.verification_precision
    return {
        "coverage": max(plain - held, 0.0) / precision,
        f"coverage in {covered.unit}": max(plain * covered.clumping - held, 0.0) / precision,
    }


def _start(share: float, reading: Reading) -> float:
    return share + (1 - share) * reading.ratio


def _presence(expected: float, share: float, reading: Reading, options: ReservoirOptions) -> float:
    generations, ratio, start = options.generations, reading.ratio, _start(share, reading)
    if reading.regime == Regime.REPLACE_FRESH:
        return closed_forms.presence_fresh(expected, generations, share, ratio, start)
    if reading.regime == Regime.ACCUMULATE:
        return closed_forms.presence_accumulate(expected, generations, share, start)
    if reading.regime == Regime.ACCUMULATE_SUBSAMPLE:
        return closed_forms.presence_accumulate_subsample(expected, generations, share, ratio, start)
    # what is replayed is the human text that holds these types, read once a generation
    return closed_forms.presence_replay(expected, generations, share, ratio, 1.0, start)


def _rare(frequencies: Frequencies | None, held: float, budget: float, options: ReservoirOptions) -> Rare:
    """The rarest types that the human text holds k times; where there is none of them, that the whole budget would."""
    k = options.min_occurrences
    for tokens in (held, budget):
        types, share = types_to_keep(frequencies, tokens, options)
        if types != MANY:
            return Rare(types, share, k * budget / tokens, held, budget)
    return Rare(MANY, MANY, k * budget / max(held, 1.0), held, budget)


def _least(surplus: Callable[[float], float]) -> float:
    """The smallest share that satisfies an increasing rule; 1 if only human text alone is enough."""
    if surplus(0.0) >= 0:
        return 0.0
    if surplus(1.0) <= 0:
        return 1.0
    return float(brentq(surplus, 0.0, 1.0, xtol=1e-10))
