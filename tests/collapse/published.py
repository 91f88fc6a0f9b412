"""Published results that the product does not call: reference implementations, each with its figure as a test.

References
    [1] M. Seddik et al., How bad is training on synthetic data?, 2024
    [2] A. T. Suresh et al., Rate of model collapse in recursive training, 2024
    [3] I. Shumailov et al., AI models collapse when trained on recursively generated data, Nature 631, 2024
    [4] M. Gerstgrasser et al., Is model collapse inevitable?, 2024
    [5] Q. Bertrand et al., On the stability of iterative retraining of generative models, 2023
    [6] H. He et al., Golden ratio weighting prevents model collapse, 2025
    [7] S. Wright, Evolution in Mendelian populations, Genetics 16, 1931; R. A. Fisher, The genetical theory of
        natural selection, 1930: drift with immigration
    [8] K. B. Athreya, P. E. Ney, Branching processes, 1972, ch. I: survival of a Poisson branching process
    [9] X. Zhu et al., How to synthesize text data without model collapse?, 2024, perplexity against synthetic share
    [10] F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28, 1936: Poisson limits by chi-square
"""

import math

import numpy as np

from auditor.collapse.closed_forms import PERPLEXITY_SLOPE, occurrences


def concentration(samples: int, generations: int, start: float) -> float:
    """[1] Expected sum of squared frequencies without real text: 1-(1-1/n)^m(1-S0)."""
    return 1 - (1 - 1 / samples) ** generations * (1 - start)


def total_collapse_bounds(samples: int, start: float) -> tuple[float, float]:
    """[1] Mean generations to a single type lie between 1+n(1-S0) and 1+n(n-1)(1-S0).

    From 1/n <= 1-S <= 1-1/n while two types live, and P(T>0) = 1.
    """
    return 1 + samples * (1 - start), 1 + samples * (samples - 1) * (1 - start)


def concentration_replay(real: int, synthetic: int, generations: int, start: float) -> float:
    """[1] S after m + 1 generations, the same N real samples beside n synthetic ones in each but the first.

    S_{m+1} = (1/N)[1+2a-(1-1/N)a b^m]/D + (1-1/N)S0[1+a+(a/N)b^m]/D, a = n/(N+n), D = 1+(1+1/N)a, with
    b = a^2(1-1/n) = a[(1+1/N)a - 1/N], which follows from the recursion (the printed version has it otherwise).
    """
    a = synthetic / (synthetic + real)
    power = (a * ((1 + 1 / real) * a - 1 / real)) ** (generations - 1)
    scale = 1 + (1 + 1 / real) * a
    inner = 1 / real * (1 + 2 * a - (1 - 1 / real) * a * power)
    return (inner + (1 - 1 / real) * start * (1 + a + a / real * power)) / scale


def alive_bound(count: int, generations: int) -> float:
    """[2] A type seen l times is alive after k generations with at least this chance: 1-exp(-l/k)."""
    return 1 - math.exp(-count / generations)


def loss_in_one_round(samples: int, frequency: float) -> float:
    """[3] A type is not drawn: (1-q)^M."""
    return (1 - frequency) ** samples


def gaussian_variance(sigma2: float, generations: int, samples: int) -> float:
    """[3] Variance of a draw after n refits of M samples: s^2(1+n/M)."""
    return sigma2 * (1 + generations / samples)


def gaussian_distance(sigma2: float, generations: int, samples: int) -> float:
    """[3] Expected squared Wasserstein-2 distance to the source: 3/2 s^2 sum 1/M_i, generations 0..n."""
    return 1.5 * sigma2 * (generations + 1) / samples


def regression_error(sigma2: float, dimension: int, samples: int, generations: int) -> tuple[float, float]:
    """[4] Test error of linear models: replace s^2 d/(T-d-1) n, accumulate s^2 d/(T-d-1) sum 1/i^2."""
    unit = sigma2 * dimension / (samples - dimension - 1)
    return unit * generations, unit * sum(1 / i**2 for i in range(1, generations + 1))


def stable_human_share(smoothness: float, error: float, curvature: float) -> float:
    """[5] Retraining is stable while lambda(1+L e/a) < 1/2, lambda = synthetic per real: m = 1/(1+lambda)."""
    return 1 / (1 + 1 / (2 * (1 + smoothness * error / curvature)))


def golden_weight(ratio: float) -> float:
    """[6] The weight of real text that minimises the steady variance: (sqrt(k^2+4k)-k)/2, k real per synthetic."""
    return (math.sqrt(ratio**2 + 4 * ratio) - ratio) / 2


def heterozygosity_fresh(generations: int, tokens: float, share: float, heterozygosity: float) -> np.ndarray:
    """Expected H in generations 0..G when every generation gets fresh human text and replaces the last.

    Implements [7]: H_t = H*[1-(1-m)^2 - m/N] + H_{t-1}[(1-m)^2 - (1-m)/N], generation 0 drawn from the source.

    Returns: (G + 1,) float
    """
    keep = (1 - share) ** 2 - (1 - share) / tokens
    inflow = heterozygosity * (1 - (1 - share) ** 2 - share / tokens)
    out = np.empty(generations + 1)
    out[0] = heterozygosity * (1 - 1 / tokens)
    for t in range(generations):
        out[t + 1] = inflow + keep * out[t]
    return out


def steady_loss_fresh(tokens: float, share: float) -> float:
    """The share of H lost for ever under fresh human text: the fixed point of `heterozygosity_fresh`.

    Implements [7]: 1 - H/H* = 1/(1-m+N m(2-m)). On a large corpus it is next to nothing, which is why nothing is
    sized from it.
    """
    return 1.0 / (1 - share + tokens * share * (2 - share))


def heterozygosity_replay(generations: int, tokens: float, share: float, heterozygosity: float) -> np.ndarray:
    """Expected H in generations 0..G when one reservoir of h = mN human tokens is replayed in every generation.

    Implements [7]: H_t = m^2 Hh + 2m(1-m)[c Hh + (1-c) H*] + H_{t-1}[(1-m)^2-(1-m)/N], c = 1-(1-m)^t,
    Hh = (1-1/h)H*; generation 0 is all human and contains the reservoir.

    Returns: (G + 1,) float
    """
    reservoir = heterozygosity * (1 - 1 / (share * tokens)) if share > 0 else 0.0
    out = np.empty(generations + 1)
    out[0] = heterozygosity * (1 - 1 / tokens)
    for t in range(1, generations + 1):
        common = 1 - (1 - share) ** t
        mixed = common * reservoir + (1 - common) * heterozygosity
        out[t] = share**2 * reservoir + 2 * share * (1 - share) * mixed
        out[t] += out[t - 1] * ((1 - share) ** 2 - (1 - share) / tokens)
    return out


def heterozygosity_accumulate(generations: int, tokens: float, heterozygosity: float) -> np.ndarray:
    """Expected H in generations 0..G when N new synthetic tokens join the pool in every generation.

    Implements [7]: H_t = H_{t-1}(1-s/N_t^2) with s = N, N_t = (t+1)N. The loss tends to pi^2/(6N).
    """
    t = np.arange(generations + 1)
    return heterozygosity * np.cumprod(1 - 1 / (tokens * (t + 1.0) ** 2))


def heterozygosity_replaced(generations: int, tokens: float, heterozygosity: float) -> np.ndarray:
    """Expected H in generations 0..G with no human text at all: H*(1-1/N)^(t+1), a loss near (G+1)/N ([7])."""
    return heterozygosity * (1 - 1 / tokens) ** np.arange(1, generations + 2)


def variance_inflation(share: float, *, replay: bool = False) -> float:
    """Steady variance of a frequency against that of N human samples: the effect of the human share alone.

    Implements [7]: fresh human text 1/(m(2-m)); replayed (3-2m)/(m(2-m)).
    """
    return (3 - 2 * share if replay else 1.0) / (share * (2 - share))


def share_for_variance(tolerance: float) -> float:
    """The human share that keeps the variance within 1 + tolerance (fresh text only): m >= 1-sqrt(t/(1+t))."""
    return 1 - math.sqrt(tolerance / (1 + tolerance))


def tail_hazard_limit(share: float, ratio: float = 1.0) -> float:
    """A_G as G grows: m sum_j a_j, 0 without human text."""
    total, line = 0.0, 1.0
    for _ in range(1_000_000 if share > 0 else 0):
        total += line
        line = -math.expm1(-(1 - share) * ratio * line)
        if line < 1e-13:
            break
    return share * total


def share_for_decoding(ratio: float, tolerance: float) -> float:
    """The human share at which the tail's mass settles at a loss of at most d.

    Implements m_req = (1-d)(1-r)/(1-(1-d)r): the fixed point of `tail_mass`, solved for m.
    """
    if ratio >= 1:
        return 0.0
    return (1 - tolerance) * (1 - ratio) / (1 - (1 - tolerance) * ratio)


def reservoir_for_occurrences(frequency: float, count: int, miss: float) -> float:
    """Human tokens in which a type of that frequency occurs at least `count` times but for a chance `miss`.

    Implements R = lambda_k(e)/p_min ([10]); with a document incidence for the frequency it is documents.
    """
    return occurrences(count, miss) / frequency


def perplexity_rise(share: float) -> float:
    """Relative rise of perplexity at a human share of .25 or more, by the fit on [9]: m^-.179 - 1."""
    return share**-PERPLEXITY_SLOPE - 1
