"""Whether strata and shards add up to the corpus and, if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.collapse.keep import Kept
from auditor.collapse.reservoir import Reservoir
from auditor.collapse.wording import spoken
from auditor.records import Estimate

ADDS_UP = 0.02  # of the corpus' figure


@dataclass(frozen=True, slots=True)
class KeptStratum:
    """A stratum with the human word tokens that it holds, and those that it still needs by band.

    human_share: of its tokens; acquire has no figure of a band by which it cannot be sized
    """

    kind: str
    name: str
    tokens: Estimate
    acquire: Mapping[str, int | None]
    human_share: float


@dataclass(frozen=True, slots=True)
class SumOfStrata:
    """The strata of one kind added up, in word tokens of human text: held, and to acquire in the central band.

    note: why they do not add up to the corpus, where they do not
    """

    kind: str
    strata: int
    human_tokens: float
    acquire: float
    note: str | None


@dataclass(frozen=True, slots=True)
class Whole:
    """What the sums are compared with: the corpus' word tokens, human ones, those to acquire (central band)."""

    tokens: float
    human_tokens: float | None
    acquire: float | None


def sum_of_shards(keep: Kept) -> str | None:
    """Why the shards' human tokens do not add up to the corpus', where they do not."""
    whole = keep.tokens.value
    parts = sum(row.tokens.value or 0.0 for row in keep.shards)
    if whole is None or _alike(parts, whole):
        return None
    left_out = len(keep.left_out)
    missing = f"; {left_out} shard{'s are' if left_out > 1 else ' is'} left out" if left_out else ""
    return (
        f"The listed shards add up to {spoken(parts)} human tokens and the corpus to {spoken(whole)}: they "
        f"are estimated one by one{missing}."
    )


def sums_of_strata(cuts: Mapping[str, Reservoir], kinds: Sequence[KeptStratum], whole: Whole) -> list[SumOfStrata]:
    """One row per kind of stratum: what its strata hold and need in all, beside the corpus, and why it differs.

    Parameters: cuts, recommendations by kind; kinds, the strata of all kinds
    """
    out = []
    for kind, cut in cuts.items():
        own = [row for row in kinds if row.kind == kind]
        if not own:
            continue
        held = sum(row.tokens.value or 0.0 for row in own)
        needed = sum(row.acquire["central"] or 0.0 for row in own)
        out.append(SumOfStrata(kind, len(own), held, needed, _note(kind, cut, held, needed, whole)))
    return out


def _note(kind: str, cut: Reservoir, held: float, needed: float, whole: Whole) -> str | None:
    compared = ((held, whole.human_tokens, "human tokens to keep"), (needed, whole.acquire, "tokens to acquire"))
    off = [(ours, theirs, words) for ours, theirs, words in compared if not _alike(ours, theirs)]
    if not off:
        return None
    figures = " and ".join(f"{spoken(ours)} {words} (the corpus: {spoken(theirs)})" for ours, theirs, words in off)
    reasons = "; ".join(_reasons(kind, cut, whole, sized_apart=not _alike(needed, whole.acquire)))
    return f"By {kind} the strata add up to {figures}: {reasons}."


def _reasons(kind: str, cut: Reservoir, whole: Whole, *, sized_apart: bool) -> list[str]:
    covered = sum(ready.stratum.tokens for ready in cut.ready) / whole.tokens if whole.tokens else 0.0
    reasons = []
    if covered < 1 - ADDS_UP:
        reasons.append(f"they hold {covered:.0%} of the text, without small ones and text that has no {kind}")
    if cut.unsized:
        names = ", ".join(list(cut.unsized)[:3]) + (" and others" if len(cut.unsized) > 3 else "")
        reasons.append(f"{names} cannot be sized")
    if sized_apart:
        reasons.append("each is sized by itself, and human text beyond what one needs is no help to another")
    return reasons or ["each is estimated by itself"]


def _alike(parts: float, whole: float | None) -> bool:
    return whole is None or abs(parts - whole) <= ADDS_UP * max(whole, 1.0)
