"""Intervals: for a proportion, for a distribution function, from draws. One published equation, one function.

Quantiles come from scipy.special: scipy.stats calls the same functions and takes half a second to import.
"""

from __future__ import annotations

import numpy as np
from scipy import special

NEXT_TO = 0.5  # an interval's end counts as next to 0 or 1 within this part of the spread of a quarter of the draws


def normal_quantile(level: float) -> float:
    """z of a two-sided normal interval: 1.96 at level .95."""
    return float(special.ndtri((1 + level) / 2))


def student_quantile(level: float, freedom: float) -> float:
    """t of a two-sided interval with so many degrees of freedom: 12.7 at level .95 with one."""
    return float(special.stdtrit(freedom, (1 + level) / 2))


def wilson(successes: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion; (0, 1) when n is 0.

    References: Wilson 1927, eq. 8; Brown, Cai & DasGupta 2001, eq. 4
    """
    if n <= 0:
        return 0.0, 1.0
    z = normal_quantile(level)
    centre = (successes + z * z / 2) / (n + z * z)
    half = z * np.sqrt(successes * (n - successes) / n + z * z / 4) / (n + z * z)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def finite_proportion(successes: int, n: int, population: int, *, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of the proportion in a finite population of which n were drawn without replacement.

    Inverts the hypergeometric tails: all numbers K of the population that do not make the sample improbable. A full
    count gives the value itself.

    Raises: ValueError when n > population
    References: Buonaccorsi 1987, eq. 2
    """
    from scipy.stats import hypergeom  # scipy.special has no function for it; imported late, see above

    if n > population:
        raise ValueError(f"a sample of {n} from a population of {population}")
    if n == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    candidates = np.arange(successes, population - (n - successes) + 1)
    at_least = hypergeom.sf(successes - 1, population, candidates, n)
    at_most = hypergeom.cdf(successes, population, candidates, n)
    kept = candidates[(at_least > tail) & (at_most > tail)]
    return float(kept[0] / population), float(kept[-1] / population)


def dkw_band(n: float, *, level: float = 0.95, sides: int = 2) -> float:
    """Half-width of a uniform band around an empirical distribution function of n independent values.

    sides: 2 for |F_n - F|, 1 for F_n - F alone (level >= .5).

    References: Massart 1990, corollary 1; Dvoretzky, Kiefer & Wolfowitz 1956
    """
    return 1.0 if n <= 0 else min(1.0, float(np.sqrt(np.log(sides / (1 - level)) / (2 * n))))


def shortest_interval(draws: np.ndarray, *, level: float = 0.95) -> tuple[float, float]:
    """Shortest interval that holds `level` of the draws (n,) of a fraction; touches 0 or 1 where the draws pile up.

    An equal-tailed interval of draws in [0, 1] never contains 0. This one does, as soon as its lower end lies among
    the smallest half percent of the draws and next to 0 as that end of the draws goes, so a clean shard is covered
    (Box & Tiao 1973, section 2.8).
    """
    ordered = np.sort(np.asarray(draws, float))
    n = len(ordered)
    held = min(n, int(np.ceil(level * n)))
    widths = ordered[held - 1 :] - ordered[: n - held + 1]
    start = int(np.argmin(widths))
    lower, upper = ordered[start], ordered[start + held - 1]
    edge = max(1, n // 200)
    if start < edge and upper < 1:
        lower = 0.0 if lower < NEXT_TO * (ordered[n // 4] - lower) else lower
    if start + held > n - edge and lower > 0:
        upper = 1.0 if 1 - upper < NEXT_TO * (upper - ordered[n - 1 - n // 4]) else upper
    return float(lower), float(upper)
