"""The field's founding demonstrations, small and seeded: early collapse takes the tail, late collapse the rest.

Each returns one row per generation with the quantities that show it: the first generations lose what is rare while
the bulk looks well ('early'), the last have lost variety as a whole ('late').

References
    [1] I. Shumailov et al., AI models collapse when trained on recursively generated data, Nature 631, 2024
    [2] S. Wright, Evolution in Mendelian populations, Genetics 16, 1931: fixation
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.stats import norm

START = "\x02"
STOP = "\x03"


def gaussian(samples: int, generations: int, chains: int, rng: np.random.Generator) -> pl.DataFrame:
    """A normal distribution fitted to its own samples ([1] section 'Theoretical intuition').

    Returns: generation, variance (mean over chains), median_variance, tail (mass beyond two source deviations,
    median over chains), drift (mean squared distance of the mean)
    """
    mean, deviation = np.zeros(chains), np.ones(chains)
    rows = []
    for generation in range(generations + 1):
        drawn = rng.normal(mean, deviation, (samples, chains))
        tail = float(np.median(norm.sf(2, mean, deviation) + norm.cdf(-2, mean, deviation)))
        variance = deviation**2
        rows.append((generation, float(variance.mean()), float(np.median(variance)), tail, float((mean**2).mean())))
        mean, deviation = drawn.mean(axis=0), drawn.std(axis=0, ddof=1)
    return pl.DataFrame(rows, ["generation", "variance", "median_variance", "tail", "drift"], orient="row")


def gaussian_mixture(samples: int, generations: int, rng: np.random.Generator, *, components: int = 3) -> pl.DataFrame:
    """A mixture of normals, one component rare, fitted to its own samples by scikit-learn ([1]).

    Returns: generation, rare (mass near the rare component), spread (trace of the covariance), score (mean
    log-likelihood of fresh source text under the model)
    """
    from sklearn.mixture import GaussianMixture

    weights = np.array([0.58, 0.38, 0.04])
    centers = np.array([[-3.0, 0.0], [3.0, 0.0], [0.0, 6.0]])

    def source(count: int) -> np.ndarray:
        return centers[rng.choice(3, count, p=weights)] + rng.normal(size=(count, 2))

    drawn, fresh, rows = source(samples), source(4000), []
    for generation in range(generations + 1):
        # from one random start, as a new model begins: a rare component is found or it is lost
        seed = int(rng.integers(2**31))
        model = GaussianMixture(components, random_state=seed, reg_covar=1e-4).fit(drawn)
        rare = float((np.linalg.norm(drawn - centers[2], axis=1) < 2.5).mean())
        rows.append((generation, rare, float(np.trace(np.cov(drawn.T))), float(model.score(fresh))))
        drawn, _ = model.sample(samples)
    return pl.DataFrame(rows, ["generation", "rare", "spread", "score"], orient="row")


def ngram_model(
    documents: Sequence[str], generations: int, rng: np.random.Generator, *, order: int = 2, human_share: float = 0.0
) -> pl.DataFrame:
    """An n-gram language model of words trained on what the last one wrote, with a share of the documents replayed.

    Returns: generation, words and pairs (different ones), rare (share of the source's words seen once or twice that
    are still there), entropy (bits per word, unigram)
    """
    human = [text.split() for text in documents]
    source = Counter(word for words in human for word in words)
    once = {word for word, count in source.items() if count <= 2}
    kept = round(human_share * len(human))
    current, rows = human, []
    for generation in range(generations + 1):
        counts = Counter(word for words in current for word in words)
        pairs = {pair for words in current for pair in pairwise(words)}
        frequency = np.array(list(counts.values()), float) / max(sum(counts.values()), 1)
        entropy = float(-(frequency * np.log2(frequency)).sum())
        rows.append((generation, len(counts), len(pairs), len(once & counts.keys()) / max(len(once), 1), entropy))
        model = _successors(current, order)
        written = [_write(model, order, max(map(len, human)), rng) for _ in range(len(human) - kept)]
        current = human[:kept] + written
    return pl.DataFrame(rows, ["generation", "words", "pairs", "rare", "entropy"], orient="row")


def minority_class(
    samples: int, generations: int, chains: int, rng: np.random.Generator, *, share: float = 0.1
) -> pl.DataFrame:
    """A 90/10 class balance learned from its own draws: the mean stays, yet each chain ends at all or nothing ([2]).

    Returns: generation, mean (of the minority's share), alive (chains in which it still occurs), heterozygosity
    """
    frequency, rows = np.full(chains, share), []
    for generation in range(generations + 1):
        alive = float((frequency > 0).mean())
        heterozygosity = float((2 * frequency * (1 - frequency)).mean())
        rows.append((generation, float(frequency.mean()), alive, heterozygosity))
        frequency = rng.binomial(samples, frequency) / samples
    return pl.DataFrame(rows, ["generation", "mean", "alive", "heterozygosity"], orient="row")


def _successors(documents: Sequence[list[str]], order: int) -> dict[tuple[str, ...], tuple[list[str], np.ndarray]]:
    following: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for words in documents:
        padded = [START] * (order - 1) + words + [STOP]
        for i in range(order - 1, len(padded)):
            following[tuple(padded[i - order + 1 : i])][padded[i]] += 1
    return {
        context: (list(counts), np.cumsum(np.fromiter(counts.values(), float)) / counts.total())
        for context, counts in following.items()
    }


def _write(
    model: dict[tuple[str, ...], tuple[list[str], np.ndarray]], order: int, longest: int, rng: np.random.Generator
) -> list[str]:
    context: tuple[str, ...] = (START,) * (order - 1)
    out: list[str] = []
    while len(out) < longest:
        words, upto = model[context]
        word = words[min(int(np.searchsorted(upto, rng.random(), side="right")), len(words) - 1)]
        if word == STOP:
            break
        out.append(word)
        context = (*context, word)[1:] if order > 1 else ()
    return out
