"""The corpus' fraction where only a sample of its shards was read: the shards that nobody read are in the interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from auditor.estimate.fraction.scopes import PrevalenceOptions, ScopePrevalence
from auditor.records import Estimate, Finding, Severity, Status
from auditor.statistics.intervals import shortest_interval
from auditor.statistics.twostage import FEWEST, METHOD, two_stage_draws


def over_unread(
    corpus: ScopePrevalence,
    shards: ScopePrevalence,
    documents: np.ndarray,
    listed: int,
    rng: np.random.Generator,
    *,
    options: PrevalenceOptions = PrevalenceOptions(),
) -> ScopePrevalence:
    """The corpus' figures for all `listed` shards, of which those with `documents` (shards,) were read.

    What widened the corpus' own interval (misfit, foreign anchors) widens this one too. The generator-free bound holds
    for the documents that were read only, and says so.
    """
    read = int((documents > 0).sum())
    if not corpus.documents[0].is_number or not shards.replicates.size or read >= listed:
        return corpus
    kept = documents > 0
    draws, figures = {}, {}
    for name, own in (("documents", shards.replicates), ("tokens", shards.token_replicates)):
        draws[name] = two_stage_draws(own[:, kept], documents[kept].astype(float), listed, rng)
        before = corpus.replicates if name == "documents" else corpus.token_replicates
        figures[name] = _figure(getattr(corpus, name)[0], before[:, 0], draws[name], (read, listed), options)
    bound = corpus.lower_bounds[0]
    if bound.is_number:
        bound = bound.but(Status.INCONCLUSIVE, f"of the {read} of {listed:,} shards that were read, not of the others")
    return replace(
        corpus,
        documents=(figures["documents"],),
        tokens=(figures["tokens"],),
        lower_bounds=(bound,),
        replicates=draws["documents"][:, None],
        token_replicates=draws["tokens"][:, None],
    )


def _figure(
    own: Estimate, before: np.ndarray, after: np.ndarray, seen: tuple[int, int], options: PrevalenceOptions
) -> Estimate:
    """The estimate with the interval of the later draws, widened by what had widened the earlier ones."""
    read, listed = seen
    low, high = shortest_interval(before, level=options.level)
    wide_low, wide_high = shortest_interval(after, level=options.level)
    lower = max(0.0, wide_low - max(0.0, low - float(own.lower or 0.0)))
    upper = min(1.0, wide_high + max(0.0, float(own.upper or 0.0) - high))
    value = float(np.clip(own.value or 0.0, lower, upper))
    said = f"from {read:,} of {listed:,} shards"
    out = Estimate(value, lower, upper, own.level, METHOD, own.n, own.status, own.reason or said)
    if own.status == Status.INCONCLUSIVE:
        return out
    if read < FEWEST:
        return out.but(Status.INCONCLUSIVE, f"{said}: too few to know how shards differ")
    if upper - lower > options.widest:
        return out.but(Status.INCONCLUSIVE, f"{said}: the interval is wider than {100 * options.widest:.0f} points")
    return out


def sampled_finding(read: int, listed: int, *, level: float) -> Finding:
    """What a sample of shards says of the others, and what it cannot: a kind of shard that it holds none of.

    References: Hanley & Lippman-Hand 1983 (nothing seen in n draws: at most 1 - (1-level)^(1/n) of all)
    """
    unseen = 1 - (1 - level) ** (1 / max(read, 1))
    message = (
        f"{read:,} of {listed:,} shards were read: the corpus' machine-written share and its duplicates within shards "
        f"are estimates for all of them, every other figure describes the shards that were read"
    )
    advice = f"shards unlike all that were read may be up to {unseen:.0%} of the corpus; read more to narrow that"
    return Finding("shards_sampled", Severity.NOTE, "corpus", "corpus", message, advice, {"read": read, "of": listed})
