"""What the tail has lost: the mass of rare human types that is left, the types that are missing, and the stage of
collapse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from auditor.estimate.diversity.lost_reference import NO_REFERENCE, SAME_LANGUAGE, shared_mass, too_little
from auditor.estimate.diversity.spectrum import Body, Counted, Spectrum
from auditor.estimate.diversity.variance import Statistic, judged, reach, variance
from auditor.records import LEVEL, Estimate, Status
from auditor.run_columns import GROUPS, WORD

# The rarest types that hold this share of the reference's tokens are its tail.
TAIL = 0.05
# A type expected fewer times than this cannot be shown to be missing.
LEAST_EXPECTED = 10.0
# The middle is intact if q2 has surely lost less than this: cutting a tail of 5% alone raises sum p^2 by as much.
INTACT = 0.10
HALVES = (np.arange(GROUPS) % 2 == 0, np.arange(GROUPS) % 2 == 1)
EVERY = np.ones(GROUPS, bool)


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a collapse has gone (Shumailov et al. 2024): none, early, late or unclear, and the evidence for it."""

    name: str
    evidence: str


def tail_retention(
    shard: pl.DataFrame | Body, reference: pl.DataFrame | Body | None, *, tail: float = TAIL, level: float = LEVEL
) -> Estimate:
    """Mass of the reference's rare word types in the shard, relative to that in held-out human text.

    The tail is defined in one half of the reference (by jackknife group) and its mass measured in the other half and
    in the shard; then the halves swap roles: x = (S_A + S_B) / (H_A + H_B). Masses are shares of tokens, linear in
    the counts, so texts of any size can be compared. (Presence of types cannot: METHODS.md, section 4.)
    """
    method = f"mass of the rarest {tail:.0%} against held-out human text, delete-a-group jackknife"
    if reference is None:
        return Estimate.not_measured(NO_REFERENCE, method=method)
    ours, theirs = (Body.of(text).whole(WORD) for text in (shard, reference))
    n = int(ours.tokens.sum())
    if n < 2 or theirs.tokens.sum() < 2:
        return Estimate.not_measured("no eligible text", method=method, n=n)
    known = shared_mass(ours, theirs)
    if known < SAME_LANGUAGE:
        return Estimate.not_measured(f"the reference knows {known:.0%} of the shard's words", method=method, n=n)
    rate = min(ours.rate, theirs.rate)
    terms = _tail_terms(ours.thinned(rate), theirs.thinned(rate), tail)
    value = terms[0].value - terms[1].value
    spread = variance([(1.0, terms[0]), (-1.0, terms[1])]) if math.isfinite(value) else math.inf
    if not math.isfinite(spread):
        return Estimate.not_measured("too little text on one side to hold a tail", method=method, n=n, level=level)
    groups = min(term.groups for term in terms)
    width = reach(groups, level) * math.sqrt(spread)
    out = Estimate(math.exp(value), math.exp(value - width), math.exp(value + width), level, method, n)
    if note := too_little(ours, theirs):
        out = out.but(Status.INCONCLUSIVE, note)
    return judged(out, groups)


def lost_types(
    shard: pl.DataFrame | Body, reference: pl.DataFrame | Body, *, names: pl.DataFrame | None = None, most: int = 50
) -> pl.DataFrame:
    """The word types that the shard has lost most of, by the lower bound of the lost share of tokens.

    Parameters: names, columns type and word (sketch.types.known_words)
    Returns: type, word, reference_count, shard_count, expected, retained (observed / expected), z; z is the difference
        of shares over its jackknife standard error
    """
    ours, theirs = (Body.of(text).whole(WORD) for text in (shard, reference))
    rate = min(ours.rate, theirs.rate)
    ours, theirs = ours.thinned(rate), theirs.thinned(rate)
    n, m = float(ours.tokens.sum()), float(theirs.tokens.sum())
    totals = Counted.tokens(theirs).totals()
    wanted = theirs.types[totals * n / max(m, 1.0) >= LEAST_EXPECTED]
    share, error = _shares(theirs, wanted)
    own, own_error = _shares(ours, wanted)
    spread = np.maximum(np.sqrt(error**2 + own_error**2), 1e-12)
    table = pl.DataFrame(
        {
            "type": wanted,
            "reference_count": share * m,
            "shard_count": own * n,
            "expected": share * n,
            "retained": own / np.maximum(share, 1e-300),
            "z": (share - own) / spread,
            "_lost": share - own - 2.0 * spread,
        }
    )
    table = table.filter(pl.col("_lost") > 0).sort("_lost", "type", descending=[True, False]).head(most).drop("_lost")
    if names is None:
        names = pl.DataFrame(schema={"type": pl.UInt64, "word": pl.String})
    table = table.join(names, on="type", how="left", maintain_order="left")
    return table.with_columns(pl.col("reference_count", "shard_count").round().cast(pl.Int64)).select(
        "type", "word", "reference_count", "shard_count", "expected", "retained", "z"
    )


def stage(q0: Estimate, q2: Estimate, tail: Estimate) -> Stage:
    """Early: tails lost while the middle is intact; late: the middle is lost too (Shumailov et al. 2024).

    Parameters: q0, q2, losses of these orders (`lost_diversity`); tail, of `tail_retention`
    """
    for e in (q0, q2, tail):
        if e.status != Status.MEASURED:
            return Stage("unclear", f"not all of q0, q2 and the tail are measured: {e.reason}")
    said = "; ".join(
        f"{name} {e.value:.1%} [{e.lower:.1%}, {e.upper:.1%}]"
        for name, e in (("q0 lost", q0), ("tail retained", tail), ("q2 lost", q2))
    )
    (_, q0_low, _), (q2_loss, q2_low, q2_high), (_, _, tail_high) = (_numbers(e) for e in (q0, q2, tail))
    rare, thin = q0_low > 0.0, tail_high < 1.0
    if (rare or thin) and q2_low > 0.0 and q2_loss >= INTACT:
        return Stage("late", said)
    if rare and thin:
        return Stage("early" if q2_high < INTACT else "unclear", said)
    return Stage("unclear" if rare or thin else "none", said)


def _numbers(estimate: Estimate) -> tuple[float, float, float]:
    value, lower, upper = estimate.value, estimate.lower, estimate.upper
    assert value is not None and lower is not None and upper is not None
    return value, lower, upper


def _tail_terms(ours: Spectrum, theirs: Spectrum, tail: float) -> tuple[Statistic, Statistic]:
    """ln of the tails' mass in the shard and in held-out text, as statistics of two bodies of documents.

    The two tails stay fixed while groups are left out: given the tails, both masses are linear in the counts.
    Redefining them each time doubles the standard error (shuffled halves of one corpus, .033 for a true .018).
    """
    tails, held = _tails(theirs, tail)
    return _log_mass(tails, (EVERY, EVERY), _known_cells(ours, theirs.types), ours, theirs, "shard"), held


def _tails(theirs: Spectrum, tail: float) -> tuple[list[np.ndarray], Statistic]:
    """Weights (types,) of the tail of each half, 0 outside, and the mass in the other halves; computed once."""

    def measure() -> tuple[list[np.ndarray], Statistic]:
        tails = []
        for half in HALVES:
            defining = np.bincount(theirs.index, theirs.count * half[theirs.group], theirs.types.size)
            cut = _cut(defining, theirs.weights, tail * theirs.tokens[half].sum())
            tails.append(np.where((defining > 0) & (defining <= cut), theirs.weights, 0.0))
        cells = theirs.index, theirs.group, theirs.count
        return tails, _log_mass(tails, HALVES[::-1], cells, theirs, theirs, "reference")

    return theirs.memo.once(("tails", tail), measure)


def _log_mass(
    tails: list[np.ndarray],
    within: tuple[np.ndarray, np.ndarray],
    cells: tuple[np.ndarray, np.ndarray, np.ndarray],
    spectrum: Spectrum,
    listed: Spectrum,
    documents: str,
) -> Statistic:
    """ln of the sum of the shares that the tails hold.

    Parameters: tails, weights of the listed types; within, the groups that each tail's share is taken of; cells (type
        of the list, group, count) of the spectrum, in order of type
    """
    at, group, count = cells
    sizes = [np.where(half, spectrum.tokens, 0.0) for half in within]
    held = [weights[at] * count * half[group] for weights, half in zip(tails, within, strict=True)]
    mass = sum(float(part.sum()) / max(float(size.sum()), 1.0) for part, size in zip(held, sizes, strict=True))
    if mass <= 0.0:
        return _measured(-math.inf, np.zeros(GROUPS), spectrum, documents)
    rests = sum(
        (part.sum() - np.bincount(group, part, GROUPS)) / np.maximum(size.sum() - size, 1.0)
        for part, size in zip(held, sizes, strict=True)
    )
    with np.errstate(divide="ignore"):
        change = np.where(spectrum.tokens > 0, np.log(np.maximum(rests, 0.0) / mass), 0.0)  # rounding may fall below 0
    own = sum(part / max(float(size.sum()), 1.0) for part, size in zip(held, sizes, strict=True)) / mass
    kept = (own > 0) & ~listed.fixed[at] if listed.rate < 1.0 else np.zeros(len(at), bool)
    found, place = np.unique(at[kept], return_inverse=True)
    return replace(
        _measured(math.log(mass), change, spectrum, documents),
        types=listed.types[found],
        influence=np.bincount(place, own[kept], found.size),
        cell_type=listed.types[at[kept]],
        cell_group=group[kept],
        cell_change=-own[kept],
    )


def _cut(counts: np.ndarray, weights: np.ndarray, mass: float) -> float:
    """The count up to which types are rare: together they hold at most `mass` tokens; at least 1."""
    seen = counts > 0
    values, at = np.unique(counts[seen], return_inverse=True)
    held = np.cumsum(np.bincount(at, weights[seen] * counts[seen]))
    within = np.flatnonzero(held <= mass)
    return float(values[within[-1]]) if within.size else 1.0


def _measured(value: float, change: np.ndarray, spectrum: Spectrum, name: str) -> Statistic:
    none, keys = np.zeros(0), np.zeros(0, np.uint64)
    groups = np.zeros(0, np.int64)
    return Statistic(value, change, spectrum.tokens, spectrum.rate, keys, none, keys, groups, none, name)


def _known_cells(spectrum: Spectrum, types: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells of the given types (ascending) in a spectrum: place of the type, group, count."""
    at = np.searchsorted(types, spectrum.types)
    known = at < types.size
    known[known] = types[at[known]] == spectrum.types[known]
    cells = known[spectrum.index]
    return at[spectrum.index[cells]], spectrum.group[cells], spectrum.count[cells]


def _aligned(spectrum: Spectrum, types: np.ndarray) -> np.ndarray:
    """(types, groups) occurrences of the given types (ascending) in a spectrum."""
    table = np.zeros((types.size, GROUPS))
    at, group, count = _known_cells(spectrum, types)
    table[at, group] = count
    return table


def _shares(spectrum: Spectrum, types: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of tokens of each type and its delete-a-group standard error (types,)."""
    table, n = _aligned(spectrum, types), spectrum.tokens.sum()
    filled = spectrum.tokens > 0
    total = table.sum(1)
    rest = (total[:, None] - table[:, filled]) / np.maximum(n - spectrum.tokens[filled], 1.0)
    count = max(int(filled.sum()), 1)
    error = np.sqrt((count - 1) / count * np.sum((rest - (total / max(n, 1.0))[:, None]) ** 2, axis=1))
    return total / max(n, 1.0), error
