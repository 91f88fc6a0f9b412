"""What provenance sidecars declare of whole shards: synthetic text with its verifier, and verified human text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from auditor.collapse.options import FARTHEST
from auditor.collapse.stratum import Admitted, DeclaredKind
from auditor.pipeline.documents.sidecar import sidecar
from auditor.pipeline.run.plan import Plan

RATES = ("error_rate", "keep_right", "keep_wrong")
LARGEST_ERROR = 0.05  # a shard that surely holds more machine text than this is no verified human text


@dataclass(frozen=True, slots=True)
class Declared:
    """Shards by what their sidecar says: synthetic, each with its verifier's rates; human and verified."""

    synthetic: dict[str, Admitted]
    human: frozenset[str]

    def within(self, held: pl.DataFrame) -> dict[str, Any]:
        """`declared` and `verified_tokens` of the stratum that holds these shares of shards (shard, tokens)."""
        tokens = dict(held.group_by("shard").agg(pl.col("tokens").sum()).iter_rows())
        made = tuple(replace(own, tokens=float(tokens[n])) for n, own in self.synthetic.items() if tokens.get(n))
        return {"declared": made, "verified_tokens": float(sum(tokens.get(name, 0) for name in self.human))}

    def rows(self) -> list[dict[str, Any]]:
        """What became of each declaration, for the report."""
        rows = []
        for own in self.synthetic.values():
            known = math.isfinite(own.error_rate)
            rates = {"error_rate": own.error_rate if known else None, "threshold": own.threshold if known else None}
            row = {"shard": own.name, "tokens": own.tokens, "verifier": own.verifier, "kind": str(own.kind)} | rates
            row["horizon"] = own.credited_generations
            rows.append(row | {"admitted": own.passes, "reason": verdict(own)})
        return rows


def read_declared(plan: Plan, shards: Mapping[str, Mapping[str, Any]]) -> Declared:
    """Sidecars of all shards: a generator makes text synthetic; a verifier beside `"generator": null`, verified human.

    Parameters: shards, their parts of report.json by name
    """
    synthetic, human = {}, set()
    for shard in plan.corpus.shards:
        said, row = sidecar(shard, strict=False), shards.get(shard.name)
        if row is None or not row["tokens"]:
            continue
        if said.get("generator"):
            synthetic[shard.name] = _synthetic(shard.name, said, row["tokens"])
        elif said.get("verifier") and "generator" in said:
            lower = row["synthetic_fraction_tokens"].lower
            if lower is not None and lower <= LARGEST_ERROR:
                human.add(shard.name)
    return Declared(synthetic, frozenset(human))


def verdict(own: Admitted) -> str:
    """Whether declared synthetic text is admitted, and why."""
    times = f"for {own.credited_generations:,} generation{'s' if own.credited_generations != 1 else ''}"
    if own.kind == DeclaredKind.REPHRASED:
        return f"admitted: rephrased text, credited up to a third of the text {times} (Kang et al. 2025)"
    if own.kind == DeclaredKind.GENERATED:
        return "not admitted: generated text gets no credit (Kang et al. 2025) unless a verifier selected it"
    if not own.verifier:
        return "not admitted: its sidecar names no verifier"
    if not math.isfinite(own.error_rate):
        return "not admitted: its sidecar must give error_rate, keep_right and keep_wrong, each from 0 to 1"
    against = f"its error rate {own.error_rate:.3g} is {{}}below Feng's threshold {own.threshold:.3g}"
    return f"admitted {times}: {against.format('')}" if own.passes else f"not admitted: {against.format('not ')}"


def _synthetic(name: str, said: Mapping[str, Any], tokens: float) -> Admitted:
    """A verifier whose rates are not all known passes no threshold."""
    rates = [_rate(said.get(key)) for key in RATES]
    error, right, wrong = rates if all(map(math.isfinite, rates)) else (math.inf, 1.0, 1.0)
    verifier = str(said.get("verifier") or "")[:500]
    return Admitted(name, float(tokens), verifier, error, right, wrong, _kind(said), _horizon(said.get("horizon")))


def _kind(said: Mapping[str, Any]) -> DeclaredKind:
    """As declared; without a kind, text is held to be selected by a verifier, and is judged by its rates."""
    kind = said.get("kind")
    return DeclaredKind(kind) if isinstance(kind, str) and kind in list(DeclaredKind) else DeclaredKind.VERIFIED


def _horizon(said: Any) -> int | None:
    """Generations for which the text is credited; None, the kind's default, where nothing sensible is given."""
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= FARTHEST else None


def _rate(said: Any) -> float:
    number = isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= 1
    return float(said) if number else math.inf
