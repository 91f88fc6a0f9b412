"""How the reservoir responds to what was measured and to what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from auditor.collapse.decoding import numbers_of
from auditor.collapse.options import BANDS, ReservoirOptions
from auditor.collapse.reservoir import recommend
from auditor.collapse.stratum import Shard, Stratum
from auditor.collapse.totals import Ready
from auditor.records import Estimate

TOLERANCES = (0.02, 0.05, 0.1, 0.2, 0.3)
HORIZONS = (1, 3, 10, 30, 100)
FRACTIONS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
PRECISIONS = (0.8, 0.9, 0.95, 1.0)
WIDTHS = (2.0, 1.0, 0.5, 0.0)
SCHEMA = {
    "varied": pl.String,
    "setting": pl.Float64,
    "band": pl.String,
    "tokens": pl.Int64,
    "human_share": pl.Float64,
    "required_share": pl.Float64,
    "binding_constraint": pl.String,
    "reason": pl.String,
}
FIGURES = tuple(SCHEMA)[3:]  # of what a band asks for

Case = tuple[str, float, list[Stratum], ReservoirOptions]


def sensitivity(
    strata: Sequence[Stratum], shards: Sequence[Shard], options: ReservoirOptions, *, whole: Ready | None = None
) -> pl.DataFrame:
    """The reservoir with one thing changed at a time, everything else as measured and chosen.

    fraction: the strata's value, the width of the interval kept; width: the interval times that factor, which says
    what a narrower estimate would change; tolerance, horizon, verification_precision: the option

    Returns: varied, setting, band, tokens, human_share, required_share, binding_constraint, reason
    """
    rows = []
    for varied, setting, changed, chosen in _cases(list(strata), options):
        reservoir = recommend(changed, shards, chosen, whole=whole)
        for band in BANDS:
            need = reservoir.band(band, chosen.sizing)
            rows.append((varied, float(setting), band.name, *(getattr(need, name) for name in FIGURES)))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def narrower(table: pl.DataFrame) -> str:
    """What a narrower estimate of the fraction would change, in a sentence."""
    rows = table.filter(pl.col("varied") == "width").drop_nulls("tokens")
    said = []
    for band in ("optimistic", "pessimistic"):
        own = {row["setting"]: row for row in rows.filter(pl.col("band") == band).to_dicts()}
        if not {1.0, 0.5, 0.0} <= own.keys():
            return "nothing can be said: the reservoir cannot be sized"
        tokens, shares = ([own[width][key] for width in (1.0, 0.5, 0.0)] for key in ("tokens", "required_share"))
        if max(tokens) - min(tokens) > 0.005 * max(tokens):
            said.append(f"the {band} figure from {tokens[0]:,} to {tokens[1]:,} tokens (to {tokens[2]:,} if exact)")
        elif max(shares) - min(shares) > 0.005:
            said.append(f"the human share of the {band} band from {shares[0]:.3f} to {shares[1]:.3f}, its tokens not")
    if not said:
        needed = rows.filter(pl.col("tokens") > 0).height
        why = "what is needed does not depend on it here" if needed else "no band asks for further human text"
        return f"An interval of the synthetic fraction half as wide would change nothing: {why}."
    return "An interval of the synthetic fraction half as wide would move " + " and ".join(said) + "."


def _cases(strata: list[Stratum], options: ReservoirOptions) -> Iterator[Case]:
    for fraction in FRACTIONS:
        yield "fraction", fraction, [_at(s, fraction, 1.0) for s in strata], options
    for width in WIDTHS:
        yield "width", width, [_at(s, None, width) for s in strata], options
    for tolerance in sorted({*TOLERANCES, options.tolerance}):
        yield "tolerance", tolerance, strata, replace(options, tolerance=tolerance)
    for horizon in sorted({*HORIZONS, options.generations}):
        yield "horizon", horizon, strata, replace(options, generations=horizon)
    for precision in sorted({*PRECISIONS, options.verification_precision}):
        yield "verification_precision", precision, strata, replace(options, verification_precision=precision)


def _at(stratum: Stratum, fraction: float | None, width: float) -> Stratum:
    """A stratum with its fraction moved and its interval scaled; one that was not measured stays so."""
    if not stratum.fraction.is_number:
        return stratum
    lower, value, upper = numbers_of(stratum.fraction)
    middle = value if fraction is None else fraction
    low, high = (max(middle - width * (value - lower), 0.0), min(middle + width * (upper - value), 1.0))
    changed = Estimate(middle, low, high, stratum.fraction.level, "assumed", stratum.fraction.n)
    return replace(stratum, fraction=changed)
