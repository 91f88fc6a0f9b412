"""What a language model finds surprising in a text, as figures; plain functions of its next-token log-probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

NAMES = (
    "log_perplexity",  # mean surprisal, nats a token
    "log_rank",  # mean log of the rank (from 1) of the actual token
    "log_rank_ratio",  # LRR: mean surprisal / mean log rank
    "entropy",  # mean entropy of the prediction
    "curvature",  # Fast-DetectGPT
    "spread",  # standard deviation of surprisal
    "burstiness",  # (spread - mean) / (spread + mean)
    "unevenness",  # standard deviation of mean surprisal over stretches of 16 tokens
    "roughness",  # mean step between neighbouring surprisals, over their spread
    "first",  # share of tokens that were the model's first choice
    "far",  # share of tokens beyond its hundred first choices
)
STRETCH = 16
FAR = 100
IMPOSSIBLE = -1e4  # log-probability of a token that a model rules out: 0 times infinity is not a number
FEWEST = 16  # predictions, below which the figures are NaN
Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def token_columns(logits: Any, tokens: Any) -> Columns:
    """Per prediction (t,): surprisal, rank from 1, entropy, and variance of the log-probability, of one text.

    Parameters: logits (t, v) tensor, predictions of tokens (t,); Fast-DetectGPT's mean of the log-probability under
    the model is minus the entropy
    """
    import torch

    log_p = torch.log_softmax(logits.float(), -1).clamp_(min=IMPOSSIBLE)
    came = log_p.gather(-1, tokens[:, None])
    rank = (log_p > came).sum(-1) + 1
    weighed = log_p.exp().mul_(log_p)  # in place: these passes over the vocabulary cost as much as a layer
    mean = weighed.sum(-1)
    variance = torch.linalg.vecdot(weighed, log_p) - mean**2
    return tuple(x.double().cpu().numpy() for x in (-came[:, 0], rank, -mean, variance.clamp_min(0)))  # type: ignore


def figures(surprisal: np.ndarray, rank: np.ndarray, entropy: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """(len(NAMES),) float64 of one text, NaN with fewer than FEWEST predictions.

    References: curvature: Bao et al. 2024 (Fast-DetectGPT), eq. 5; log rank and LRR: Su et al. 2023 (DetectLLM),
    eq. 2; ranks: Gehrmann et al. 2019 (GLTR); burstiness: Goh & Barabasi 2008, eq. 1
    """
    n = len(surprisal)
    if n < FEWEST:
        return np.full(len(NAMES), np.nan)
    mean, log_rank = surprisal.mean(), np.log(rank).mean()
    spread = surprisal.std()
    stretches = surprisal[: n // STRETCH * STRETCH].reshape(-1, STRETCH).mean(1)
    step = np.abs(np.diff(surprisal)).mean()
    return np.array(
        [
            mean,
            log_rank,
            mean / max(log_rank, 1e-6),
            entropy.mean(),
            (entropy.sum() - surprisal.sum()) / max(np.sqrt(variance.sum()), 1e-6),
            spread,
            (spread - mean) / max(spread + mean, 1e-6),
            stretches.std(),
            step / max(spread, 1e-6),
            (rank == 1).mean(),
            (rank > FAR).mean(),
        ]
    )


def cross_entropy(observer: Any, performer: Any) -> np.ndarray:
    """(t,) the cross-entropy of the performer's predictions under the observer's: logits (t, v) of the same tokens.

    References: Hans et al. 2024 (Binoculars), eq. 3
    """
    import torch

    crossed = torch.softmax(observer.float(), -1) * torch.log_softmax(performer.float(), -1)
    return -crossed.nan_to_num(0.0).sum(-1).double().cpu().numpy()
