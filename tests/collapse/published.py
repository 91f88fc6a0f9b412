"""Published results that the product does not call: reference implementations, each with its figure as a test.

References
    [1] M. Seddik et al., How bad is training on synthetic data?, 2024
    [2] A. T. Suresh et al., Rate of model collapse in recursive training, 2024
    [3] I. Shumailov et al., AI models collapse when trained on recursively generated data, Nature 631, 2024
    [4] M. Gerstgrasser et al., Is model collapse inevitable?, 2024
    [5] Q. Bertrand et al., On the stability of iterative retraining of generative models, 2023
    [6] H. He et al., Golden ratio weighting prevents model collapse, 2025
"""

import math


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
