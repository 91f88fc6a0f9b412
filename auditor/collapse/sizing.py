"""How much verified human text one stratum needs: METHODS' rules as a number of tokens, with the rule that binds.

m_req     the least human share that keeps both the presence of the types at p_min and the tail's mass
H         human tokens missing from that share; appended text enlarges the corpus as it fills the gap
R_unique  max(lambda_k(e)/p_min, H/epochs)/v: what must be different text, since repeats never count as coverage
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import betaincinv, ndtri

from auditor.collapse import closed_forms
from auditor.collapse.options import Regime, ReservoirOptions, Sizing
from auditor.collapse.spectrum import Spectrum, clumping, estimate_frequencies, rarest_covered
from auditor.collapse.stratum import Stratum

NO_FINITE = "no finite reservoir: the required human share is 1 and appended text never displaces what is there"
LARGER = "the reservoir is larger than the stratum: one generation cannot read it within this budget"

BOUNDED = (
    "the rarest types that must live stand less than once in the text that was measured: their frequency rests on "
    "an estimate of the unseen that errs upward (Chao), so the figure is rather too low than too high"
)


@dataclass(frozen=True, slots=True)
class Rarest:
    """The types that must live: frequency p_min, how many are up to twice as frequent, tokens per unit's incidence.

    Where nothing is known of their number it is taken to be so large that chance plays no part. unit: what clumping
    counts in; bounded: p_min is below one occurrence in the sample, a bound more than an estimate
    """

    frequency: float
    types: float = 1e9
    clumping: float = 1.0
    unit: str = "documents"
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a stratum: the fraction and r taken for true, the regime, the credit, a floor if any."""

    fraction: float
    ratio: float
    regime: Regime
    credit: float
    sizing: Sizing
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Size:
    """The answer for one stratum: tokens are unique human text still to acquire, slots their places in training."""

    tokens: float
    slots: float
    human_share: float
    required_share: float
    constraint: str
    notes: tuple[str, ...] = ()


def find_rarest(spectrum: Spectrum | None, options: ReservoirOptions) -> Rarest | None:
    """p_min, from the spectrum and the share of human tokens to cover, or as the user names it; else None."""
    if spectrum is None or spectrum.tokens <= 0:
        return Rarest(options.rarest_frequency) if options.rarest_frequency else None
    frequencies = estimate_frequencies(spectrum)
    chosen = rarest_covered(frequencies, options.coverage_share)
    if options.rarest_frequency:
        chosen = int(abs(frequencies.probability - options.rarest_frequency).argmin())
    frequency = options.rarest_frequency or float(frequencies.probability[chosen])
    # where it counts, in the reservoir, these types stand about lambda times; a rare word clumps no less than they do
    wanted = closed_forms.occurrences(options.min_occurrences, options.miss)
    clumped = clumping(spectrum, max(float(frequencies.sample[chosen]), wanted))
    alike = (frequencies.probability >= frequency * (1 - 1e-9)) & (frequencies.probability <= 2 * frequency)
    types = max(float(frequencies.types[alike].sum()), 1.0)
    bounded = not options.rarest_frequency and frequency * spectrum.tokens < 1
    return Rarest(frequency, types, clumped, spectrum.unit, bounded)


def retained_target(types: float, options: ReservoirOptions) -> float:
    """The chance of each of K types at which 1-d of them are kept but for a chance e.

    Implements the binomial upper limit: the beta quantile 1-e at (k, K-k+1), k = (1-d)K rounded up.
    """
    kept = math.ceil((1 - options.tolerance) * types)
    return float(betaincinv(kept, max(types - kept, 0) + 1, 1 - options.miss))


def mass_target(types: float, options: ReservoirOptions) -> float:
    """The expected mass at which the realised one stays above 1-d but for a chance e.

    The reservoir is itself a sample: K types at p_min with at least lambda_k(e) expected occurrences each carry a
    mass whose relative standard deviation is 1/sqrt(K lambda).
    """
    spread = 1 / math.sqrt(types * closed_forms.occurrences(options.min_occurrences, options.miss))
    return min((1 - options.tolerance) * (1 + float(-ndtri(options.miss)) * spread), 1.0)


def required_share(expected: float, types: float, reading: Reading, options: ReservoirOptions) -> tuple[float, str]:
    """m_req: the least human share that keeps presence and mass, and which of the two asks for more.

    Presence is the joint rule of drift and decoding at N p_min = `expected`, against what generation 0 holds; mass
    is the expected mass of the tail at the horizon. Under 'replay' a repeated text covers nothing new.

    Returns: (share, constraint)
    """
    target = retained_target(types, options)
    wanted = -target * math.expm1(-expected)
    present = _least(lambda m: _presence(expected, m, reading, options), wanted)
    replaces = reading.regime in (Regime.REPLACE_FRESH, Regime.REPLACE_REPLAY)
    mass_of = closed_forms.tail_mass if replaces else closed_forms.tail_mass_accumulate
    mass = _least(lambda m: mass_of(options.generations, m, reading.ratio), mass_target(types, options))
    return max(
        (mass, "tail mass"), (present, "tail presence"), (reading.floor, "policy floor"), key=lambda need: need[0]
    )


def size_stratum(stratum: Stratum, rarest: Rarest, reading: Reading, options: ReservoirOptions) -> Size | str:
    """R_unique, or the reason why there is none.

    Admitted synthetic text is no contamination: it leaves both the fraction and the budget.
    """
    budget = stratum.tokens - stratum.admitted_tokens
    if budget <= 0:
        return "all of its tokens are admitted synthetic text"
    m, constraint = required_share(budget * rarest.frequency, rarest.types, reading, options)
    credited, verified = credited_tokens(stratum, reading)
    appended = reading.sizing == Sizing.APPENDED
    missing = max(0.0, m * budget - credited)
    if appended and missing > 0:
        if m >= 1:
            return NO_FINITE
        missing /= 1 - m
    covering = _covered(rarest.types, options) / rarest.frequency
    needs = {
        constraint: missing / options.epochs,
        "coverage": max(covering - verified, 0.0),
        f"coverage in {rarest.unit}": max(covering * rarest.clumping - verified, 0.0),
    }
    binding = max(needs, key=lambda name: needs[name])
    unique = needs[binding]
    slots = max(missing, unique)
    share = (credited + slots) / (budget + slots if appended else budget)
    notes: tuple[str, ...] = (LARGER,) if not appended and slots > budget else ()
    notes += (BOUNDED,) if rarest.bounded and binding.startswith("coverage") else ()
    tokens = unique / options.verification_precision
    return Size(tokens, slots, min(share, 1.0), m, binding if unique > 0 else "none", notes)


def credited_tokens(stratum: Stratum, reading: Reading) -> tuple[float, float]:
    """h0: the human text of a stratum that counts, verified text in full and the rest by its credit; the verified."""
    budget = stratum.tokens - stratum.admitted_tokens
    human = min(stratum.tokens * (1 - reading.fraction), budget)
    verified = min(stratum.verified_tokens, budget)
    return verified + reading.credit * max(human - verified, 0.0), verified


def _covered(types: float, options: ReservoirOptions) -> float:
    """Expected occurrences in the reservoir: k of them surely, and enough that the target share is there at all."""
    target = min(retained_target(types, options), 1 - 1e-12)
    return max(closed_forms.occurrences(options.min_occurrences, options.miss), -math.log1p(-target))


def _presence(expected: float, share: float, reading: Reading, options: ReservoirOptions) -> float:
    generations, ratio = options.generations, reading.ratio
    if reading.regime == Regime.REPLACE_FRESH:
        return closed_forms.presence_fresh(expected, generations, share, ratio)
    if reading.regime == Regime.ACCUMULATE:
        return closed_forms.presence_accumulate(expected, generations, share)
    if reading.regime == Regime.ACCUMULATE_SUBSAMPLE:
        return closed_forms.presence_accumulate_subsample(expected, generations, share, ratio)
    # the reservoir holds lambda_k(e)/p_min different tokens whatever the share, as far as its slots go
    slots = max(share * expected, 1e-300)
    covered = closed_forms.occurrences(options.min_occurrences, options.miss)
    unique = max(1 / options.epochs, min(1.0, covered / slots))
    return closed_forms.presence_replay(expected, generations, share, ratio, unique)


def _least(rule: Callable[[float], float], target: float) -> float:
    """The smallest share at which a rising rule reaches its target; 1 where only human text alone does."""
    if rule(0.0) >= target:
        return 0.0
    if rule(1.0) <= target:
        return 1.0
    return float(brentq(lambda m: rule(m) - target, 0.0, 1.0, xtol=1e-10))
