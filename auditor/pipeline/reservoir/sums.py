"""Whether strata and shards add up to the corpus, and where they do not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.collapse.reservoir import Reservoir
from auditor.collapse.wording import spoken

ADDS_UP = 0.02  # of the corpus' figure


def sum_of_shards(keep: Mapping[str, Any]) -> str | None:
    """Why the shards' human tokens do not add up to the corpus', where they do not."""
    whole = keep["tokens"]["value"]
    parts = sum(row["tokens"]["value"] for row in keep["shards"])
    if whole is None or _alike(parts, whole):
        return None
    left_out = len(keep["left_out"])
    missing = f"; {left_out} shard{'s are' if left_out > 1 else ' is'} left out" if left_out else ""
    return (
        f"The listed shards add up to {spoken(parts)} human tokens and the corpus to {spoken(whole)}: they "
        f"are estimated one by one{missing}."
    )


def sums_of_strata(
    cuts: Mapping[str, Reservoir], kinds: Sequence[Mapping[str, Any]], whole: Mapping[str, float | None], tokens: float
) -> list[dict[str, Any]]:
    """One row per kind of stratum: what its strata hold and need in all, beside the corpus, and why it differs.

    Parameters: cuts, recommendations by kind; kinds, `keep.kinds`; whole, the corpus' human_tokens and acquire
        (central band); tokens, word tokens of the corpus
    """
    out = []
    for kind, cut in cuts.items():
        own = [row for row in kinds if row["kind"] == kind]
        if not own:
            continue
        sums = {
            "human_tokens": sum(row["tokens"].value or 0.0 for row in own),
            "acquire": sum(row["acquire"]["central"] or 0.0 for row in own),
        }
        covered = sum(ready.stratum.tokens for ready in cut.ready) / tokens if tokens else 0.0
        off = [name for name, value in sums.items() if whole[name] is not None and not _alike(value, whole[name])]
        out.append(
            {
                "kind": kind,
                "strata": len(own),
                **sums,
                "note": _note(kind, sums, whole, off, _reasons(kind, cut, covered, off)),
            }
        )
    return out


def _reasons(kind: str, cut: Reservoir, covered: float, off: Sequence[str]) -> list[str]:
    reasons = []
    if covered < 1 - ADDS_UP:
        reasons.append(f"they hold {covered:.0%} of the text, without small ones and text that has no {kind}")
    if cut.unsized:
        names = ", ".join(list(cut.unsized)[:3]) + (" and others" if len(cut.unsized) > 3 else "")
        reasons.append(f"{names} cannot be sized")
    if "acquire" in off:
        reasons.append("each is sized by itself, and human text beyond what one needs is no help to another")
    return reasons or ["each is estimated by itself"]


def _note(
    kind: str,
    sums: Mapping[str, float],
    whole: Mapping[str, float | None],
    off: Sequence[str],
    reasons: Sequence[str],
) -> str | None:
    words = {"human_tokens": "human tokens to keep", "acquire": "tokens to acquire"}
    if not off:
        return None
    figures = " and ".join(f"{spoken(sums[name])} {words[name]} (the corpus: {spoken(whole[name])})" for name in off)
    return f"By {kind} the strata add up to {figures}: {'; '.join(reasons)}."


def _alike(parts: float, whole: float | None) -> bool:
    return whole is None or abs(parts - whole) <= ADDS_UP * max(whole, 1.0)
