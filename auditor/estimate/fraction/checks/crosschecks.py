"""Other estimators of the same fraction, shown beside the main estimate: no quantifier wins under every kind of
shift."""

from __future__ import annotations

import numpy as np

from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import dkw_band, normal_quantile


def rogan_gladen(flagged_share: float, sensitivity: float, specificity: float) -> float:
    """Prevalence corrected for test error, a = (q + Sp - 1)/(Se + Sp - 1), not clipped; nan when the test says nothing.

    References: Rogan & Gladen 1978, eq. 2 (also known as adjusted classify and count)
    """
    youden = sensitivity + specificity - 1
    return (flagged_share + specificity - 1) / youden if youden > 0 else float("nan")


def lang_reiczigel(
    flagged: tuple[float, float],
    sensitive: tuple[float, float],
    specific: tuple[float, float],
    *,
    level: float = LEVEL,
) -> tuple[float, float, float]:
    """(value, lower, upper) of a prevalence when sensitivity and specificity are themselves estimated.

    flagged, sensitive, specific: (successes, trials) in the sample, the known positives, the known negatives.

    References: Lang & Reiczigel 2014, Confidence limits for prevalence of disease adjusted for estimated sensitivity
    and specificity, Preventive Veterinary Medicine 113, section 2.2
    """
    z = normal_quantile(level)
    n, n1, n0 = flagged[1], sensitive[1], specific[1]
    q = (flagged[0] + z * z / 2) / (n + z * z)
    n += z * z
    se, sp = (sensitive[0] + 1) / (n1 + 2), (specific[0] + 1) / (n0 + 2)
    youden = se + sp - 1
    raw = rogan_gladen(flagged[0] / flagged[1], sensitive[0] / n1, specific[0] / n0)
    if youden <= 0 or not np.isfinite(raw):
        return float(np.clip(np.nan_to_num(raw), 0, 1)), 0.0, 1.0
    p = (q + sp - 1) / youden
    error1, error0 = se * (1 - se) / (n1 + 2), sp * (1 - sp) / (n0 + 2)
    variance = (q * (1 - q) / n + p * p * error1 + (1 - p) ** 2 * error0) / youden**2
    centre = p + 2 * z * z * (p * error1 - (1 - p) * error0)
    half = z * np.sqrt(variance)
    return float(np.clip(raw, 0, 1)), float(np.clip(centre - half, 0, 1)), float(np.clip(centre + half, 0, 1))


def rogan_gladen_estimate(
    target: np.ndarray,
    human: np.ndarray,
    machine: np.ndarray,
    *,
    false_positive_rate: float = 0.02,
    level: float = LEVEL,
) -> Estimate:
    """Rogan-Gladen with the Lang-Reiczigel interval from histograms (bins,), at a threshold of the human anchors.

    Assumes: the machine anchors score like the corpus' machine text, which they rarely do: a check, not the figure
    """
    n, n0, n1 = float(target.sum()), float(human.sum()), float(machine.sum())
    if min(n, n0, n1) < 1:
        return Estimate.not_measured("needs documents, human and machine anchors", method="rogan_gladen", level=level)
    above = np.cumsum(human[::-1])[::-1]
    at = min(int(np.argmax(above <= max(false_positive_rate * n0, 1.0))), len(above) - 1)
    counts = (target[at:].sum(), n), (machine[at:].sum(), n1), (human[:at].sum(), n0)
    value, lower, upper = lang_reiczigel(*counts, level=level)
    value = float(np.clip(value, lower, upper))
    out = Estimate(value, lower, upper, level, "rogan_gladen", int(n))
    if counts[1][0] / n1 + counts[2][0] / n0 <= 1.05:
        return out.but(Status.INCONCLUSIVE, "the threshold does not separate the anchors")
    return out


def generator_free_bound(target: np.ndarray, human: np.ndarray, *, level: float = LEVEL) -> Estimate:
    """Lower bound of the share of documents that the human density cannot explain, whatever generated them.

    sup_t [S(t) - S0(t)]/[1 - S0(t)], S the share above score t, each with a one-sided DKW band, half the error each.
    The upper end is 1: text that scores like human text is not seen. target, human (bins,) histograms.

    References: Blanchard, Lee & Scott 2010, theorem 16; Massart 1990
    """
    n, m = float(target.sum()), float(human.sum())
    if n < 1 or m < 1:
        return Estimate.not_measured("needs documents and human anchors", method="generator_free", level=level)
    s, s0 = np.cumsum(target[::-1])[::-1] / n, np.cumsum(human[::-1])[::-1] / m
    half = 1 - (1 - level) / 2
    low = s - dkw_band(n, level=half, sides=1)
    high = np.minimum(s0 + dkw_band(m, level=half, sides=1), 1.0)
    usable = high < 0.95
    lower = float(np.max((low[usable] - high[usable]) / (1 - high[usable]), initial=0.0))
    value = float(np.max(np.where(s0 < 0.9, (s - s0) / np.maximum(1 - s0, 0.1), 0.0), initial=0.0))
    return Estimate(max(lower, value), lower, 1.0, level, "generator_free", int(n))


def human_side_estimate(target: np.ndarray, human: np.ndarray, *, level: float = LEVEL) -> Estimate:
    """Fraction from the human side alone: a = 1 - F(t)/H(t) at the low score t where its interval is narrowest.

    No machine anchor: below t machine text is taken to be absent, so a is low by the share that is there. The
    threshold minimises the upper confidence limit of F(t)/H(t) over human quantiles of 20-60%, as best-bin estimation.

    References: Garg et al. 2021, algorithm 1 (BBE); Scott 2015, section 3
    """
    n, m = float(target.sum()), float(human.sum())
    if n < 20 or m < 20:
        return Estimate.not_measured("needs 20 documents and 20 human anchors", method="human_side", level=level)
    below, below_human = np.cumsum(target) / n, np.cumsum(human) / m
    usable = (below_human >= 0.2) & (below_human <= 0.6)
    if not usable.any():
        return Estimate.not_measured("the scores have too few values", method="human_side", level=level)
    f, h = below[usable], below_human[usable]
    ratio = f / h
    z = normal_quantile(level)
    error = ratio * np.sqrt((1 - f) / (np.maximum(f, 1 / n) * n) + (1 - h) / (h * m))
    at = int(np.argmin(ratio + z * error))
    ends = np.clip([1 - ratio[at], 1 - ratio[at] - z * error[at], 1 - ratio[at] + z * error[at]], 0, 1)
    return Estimate(float(ends[0]), float(ends[1]), float(ends[2]), level, "human_side", int(n))
