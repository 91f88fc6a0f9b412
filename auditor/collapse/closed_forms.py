"""What a corpus keeps when models train on the output of models: one function per equation, each with its source.

Categorical resampling is Wright-Fisher drift with immigration. The same letters throughout: `tokens` N drawn in a
generation, `share` m of them human, `ratio` r the decoding bias against the tail (1: none), `heterozygosity`
H = 1 - sum q^2 of the human source, `generations` G.

References
    [1] S. Wright, Evolution in Mendelian populations, Genetics 16, 1931; R. A. Fisher, The genetical theory of
        natural selection, 1930: drift with immigration
    [2] K. B. Athreya, P. E. Ney, Branching processes, 1972, ch. I: survival of a Poisson branching process
    [3] Y. Feng et al., Beyond model collapse: scaling up with synthesized data requires verification, 2024
    [4] X. Zhu et al., How to synthesize text data without model collapse?, 2024, perplexity against synthetic share
    [5] F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28, 1936: Poisson limits by chi-square
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaincinv

# Least squares through the origin on the two published series of [4] at a human share of .25 or more.
PERPLEXITY_SLOPE = 0.179
PERPLEXITY_SLOPE_SE = 0.010
PERPLEXITY_LOWEST_SHARE = 0.25


def line_survival(generations: int, share: float = 0.0, ratio: float = 1.0) -> np.ndarray:
    """Probability a_j that one token still has descendants j generations on, j = 0..G.

    Implements [2] with the decoding bias inside: a_0 = 1, a_{j+1} = 1-exp(-(1-m) r a_j). Without human text or bias
    a_G is about 2/(G+2).
    """
    out = np.empty(generations + 1)
    out[0] = 1.0
    for j in range(generations):
        out[j + 1] = -math.expm1(-(1 - share) * ratio * out[j])
    return out


def tail_hazard(generations: int, share: float, ratio: float = 1.0, start: float = 1.0) -> float:
    """A_G, the chances per human token of a rare type to be present at generation G under fresh human text.

    Implements [2] with immigration: A_G = x_0 a_G + m sum_{j<G} a_j, x_0 = `start` what generation 0 holds of a rare
    type against human text: 1 where it is all human, m+(1-m) r where it is the mix itself.
    """
    lines = line_survival(generations, share, ratio)
    return float(start * lines[-1] + share * lines[:-1].sum())


def presence_fresh(expected: float, generations: int, share: float, ratio: float = 1.0, start: float = 1.0) -> float:
    """P(a type of `expected` = N p occurrences is present at generation G) under fresh human text.

    Implements [2]: 1-exp(-N p A_G).
    """
    return -math.expm1(-expected * tail_hazard(generations, share, ratio, start))


def presence_replay(
    expected: float, generations: int, share: float, ratio: float = 1.0, unique: float = 1.0, start: float = 1.0
) -> float:
    """The same when one reservoir is replayed: the type is in the reservoir, or its line from generation 0 lives.

    Implements [2]: 1-exp(-p[h+(x_0 N-h)a_G]), h = mN tokens of which the part `unique` is not a repeat: repeats never
    count toward coverage.
    """
    line = float(line_survival(generations, share, ratio)[-1])
    return -math.expm1(-expected * (unique * share + max(start - share, 0.0) * line))


def presence_accumulate(expected: float, generations: int, share: float, start: float = 1.0) -> float:
    """The same when nothing is discarded: every human token ever read counts, 1-exp(-N p (x_0+mG))."""
    return -math.expm1(-expected * (start + share * generations))


def presence_accumulate_subsample(
    expected: float, generations: int, share: float, ratio: float = 1.0, start: float = 1.0
) -> float:
    """The same when the pool grows by N tokens a generation and a model trains on N drawn from the pool.

    The pool's count is C_t = C_{t-1} + Poisson((1-m) r S_t) + Poisson(mNp), S_t ~ Binomial(C_{t-1}, 1/t), a branching
    process with immigration, and generation G trains on Binomial(C_G, 1/(G+1)). Its Laplace functional [2] goes
    backward: u_G = -ln(1-1/(G+1)), u_{t-1} = u_t - ln(1-(1-exp(-w))/t), w = (1-m) r (1-exp(-u_t)); the chance to be
    absent is exp(-Np[x_0 (1-exp(-u_0)) + m sum_{t>0} (1-exp(-u_t))]).
    """
    if generations == 0:
        return -math.expm1(-expected * start)
    weight, hazard = -math.log1p(-1 / (generations + 1)), 0.0
    for t in range(generations, 0, -1):
        felt = -math.expm1(-weight)
        hazard += share * felt
        made = (1 - share) * ratio * felt
        weight += made if t == 1 else -math.log1p(math.expm1(-made) / t)
    return -math.expm1(-expected * (hazard - start * math.expm1(-weight)))


def tail_mass(generations: int, share: float, ratio: float, start: float = 1.0) -> float:
    """Expected mass of the tail at generation G against the source when each generation replaces the last.

    Implements x_{t+1} = m+(1-m) r x_t, x_0 = `start`; drift changes the variance of it, not the mean.
    """
    decay = (1 - share) * ratio
    if decay >= 1:
        return start
    limit = share / (1 - decay)
    return limit + (start - limit) * decay**generations


def tail_mass_accumulate(generations: int, share: float, ratio: float, start: float = 1.0) -> float:
    """The same in a pool that grows by N tokens a generation: x_t = [t x_{t-1} + m + (1-m) r x_{t-1}]/(t+1)."""
    mass = start
    for t in range(1, generations + 1):
        mass = ((t + (1 - share) * ratio) * mass + share) / (t + 1)
    return mass


def occurrences(count: int, miss: float) -> float:
    """The expected occurrences lambda_k(e) at which at least k are seen, except with probability e: chi2_{2k,1-e}/2
    ([5]).

    Half a chi-square of 2k degrees is a gamma of shape k.
    """
    return float(gammaincinv(count, 1 - miss))


def selection_threshold(keep_right: float, keep_wrong: float) -> float:
    """The error rate p* below which selected synthetic text helps: 1/(1+psi/phi) ([3]).

    Parameters: keep_right (phi), keep_wrong (psi), the chances that the verifier keeps a right and a wrong text
    """
    return 1.0 / (1.0 + keep_wrong / keep_right)


def share_for_perplexity(tolerance: float) -> float:
    """The human share at which the fit on [4] predicts a rise of `tolerance`; below .25 the fit has no support."""
    return (1 + tolerance) ** (-1 / PERPLEXITY_SLOPE)
