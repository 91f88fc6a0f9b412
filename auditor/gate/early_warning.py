"""Early warning over audits: a control chart for short series whose mean and spread are not known in advance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtri, stdtr

from auditor import streams

ALLOWANCE = 0.5  # half the shift to detect, in standard deviations: a shift of one
HORIZON = 24  # audits over which the false-alarm rate is stated, two years of monthly ones
FALSE_ALARMS = 0.05
SIMULATED = 400_000
FIRST = 3  # the first audit that can be judged: two before it give a spread


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A one-sided CUSUM: score (n,) of each audit, nan where none can be given; alarm: position of the first, or None;
    since: where the change began, as the chart sees it; limit: what the score is compared with."""

    score: np.ndarray
    alarm: int | None
    since: int | None
    limit: float
    rate: float
    horizon: int


def early_warning(values: np.ndarray, *, upward: bool = True, rate: float = FALSE_ALARMS) -> Chart:
    """Chart a series (n,) of audits in order of time; values that are nan are passed over.

    Each value is compared with the mean and spread of those before it, which gives independent standard normal scores
    while nothing changes (self-starting); S <- max(0, S + U - k) then accumulates shifts in one direction. The limit is
    exceeded at any time within the horizon by a share `rate` of stable series.

    References: Hawkins 1987, eqs. 2-4 (self-starting CUSUM); Page 1954 (CUSUM and the start of the change)
    """
    values = np.asarray(values, float)
    horizon = max(HORIZON, len(values))
    limit = alarm_limit(horizon, rate)
    known = np.flatnonzero(np.isfinite(values))
    u = self_started(values[known] if upward else -values[known])
    score, total, start = np.full(len(values), np.nan), 0.0, None
    alarm, since = None, None
    for place, step in zip(known, u, strict=True):
        if not np.isfinite(step):
            continue
        if total == 0:
            start = int(place)
        total = max(0.0, total + step - ALLOWANCE)
        score[place] = total
        if total > limit and alarm is None:
            alarm, since = int(place), start
    return Chart(score, alarm, since, limit, rate, horizon)


def self_started(values: np.ndarray) -> np.ndarray:
    """Scores (n,): standard normal and independent while the series is stable and normal; nan for the first two.

    U_n = Phi^-1( T_{n-2}( sqrt((n-1)/n) (x_n - mean_{n-1}) / s_{n-1} ) )

    References: Hawkins 1987, eq. 3
    """
    out = np.full(len(values), np.nan)
    for n in range(FIRST, len(values) + 1):
        before = values[: n - 1]
        spread = before.std(ddof=1)
        distance = values[n - 1] - before.mean()
        if spread == 0:  # equal to the last digit: a census of an unchanged corpus
            out[n - 1] = 0.0 if distance == 0 else np.sign(distance) * 8.0
            continue
        t = np.sqrt((n - 1) / n) * distance / spread
        # The smaller tail keeps its digits; 8 standard deviations are far enough.
        out[n - 1] = np.clip(-np.sign(t) * ndtri(stdtr(n - 2, -abs(t))), -8, 8)
    return out


@cache
def alarm_limit(horizon: int, rate: float, allowance: float = ALLOWANCE) -> float:
    """The limit that the highest CUSUM of `horizon` audits exceeds with at most chance `rate`.

    From simulated stable series; two standard errors of the simulation lie on the safe side.
    """
    rng = streams.rng(horizon, "alarm limit")
    total, highest = np.zeros(SIMULATED), np.zeros(SIMULATED)
    for _ in range(max(horizon - FIRST + 1, 1)):
        total = np.maximum(0, total + rng.normal(size=SIMULATED) - allowance)
        np.maximum(highest, total, out=highest)
    return float(np.quantile(highest, 1 - rate + 2 * np.sqrt(rate * (1 - rate) / SIMULATED)))
