"""What the recommendation rests on, in plain words: what was measured, what was chosen, what is policy."""

from __future__ import annotations

from auditor.collapse.options import BANDS
from auditor.collapse.reservoir import Reservoir


def explain_choices(reservoir: Reservoir) -> str:
    """Assumptions and policy as sentences for the report; its figures stand in `assumptions`."""
    o = reservoir.options
    rarest = (
        f"of frequency {o.rarest_frequency:.3g}"
        if o.rarest_frequency
        else (f"that stand among those carrying {o.coverage_share:.1%} of human words")
    )
    credit = ", ".join(f"{(band.credit if o.credit is None else o.credit):.0%} ({band.name})" for band in BANDS)
    kept = {r.ratio_source for r in reservoir.ready}
    return " ".join(
        [
            "Measured: the synthetic fraction, the spectrum of words, tail retention.",
            f"Chosen, not measured: {o.generations} generations ahead, at most {o.tolerance:.0%} of the tail lost, "
            f"the rarest words {rarest} found at least {o.min_occurrences} times in the reservoir but for a chance of "
            f"{o.miss:.0%}, each text read at most {o.epochs:g} times, {o.verification_precision:.0%} of the reservoir "
            f"truly human, and so much credit for text that scores as human but was not verified: {credit}.",
            *(f"How much of the tail generated text keeps: {source}." for source in sorted(kept)),
            "The floors on the human share are policy, taken from single published experiments; the derived figures do "
            "not use them. No universal percentage of human text is known, and none is claimed.",
        ]
    )
