"""What provenance sidecars declare about whole shards: synthetic text with its verifier, and verified human text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from auditor.collapse.options import FARTHEST
from auditor.collapse.stratum import Admitted, DeclaredKind, Shard, Stratum
from auditor.pipeline.documents.sidecar import sidecar
from auditor.pipeline.run.plan import Plan
from auditor.records import Estimate, Json

RATES = ("error_rate", "keep_right", "keep_wrong")
LARGEST_ERROR = 0.05  # a shard that surely holds more machine text than this is no verified human text


@dataclass(frozen=True, slots=True)
class Declaration:
    """What became of the synthetic text that a sidecar declares; a row of `declared` in report.json.

    error_rate, threshold: None where the sidecar does not give the verifier's rates; horizon: generations for which the
    text is credited
    """

    shard: str
    tokens: float
    verifier: str
    kind: DeclaredKind
    error_rate: float | None
    threshold: float | None
    horizon: int
    admitted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Declared:
    """Shards by what their sidecar says: synthetic, each with its verifier's rates; human and verified."""

    synthetic: dict[str, Admitted]
    human: frozenset[str]

    def added_to(self, stratum: Stratum, held: pl.DataFrame) -> Stratum:
        """The stratum with what is declared about its parts of shards (shard, tokens)."""
        tokens = dict(held.group_by("shard").agg(pl.col("tokens").sum()).iter_rows())
        made = tuple(replace(own, tokens=float(tokens[n])) for n, own in self.synthetic.items() if tokens.get(n))
        verified = float(sum(tokens.get(name, 0) for name in self.human))
        return replace(stratum, declared=made, verified_tokens=verified)

    def declarations(self) -> list[Declaration]:
        """What became of each declaration, for the report."""
        return [
            Declaration(
                own.name,
                own.tokens,
                own.verifier,
                own.kind,
                own.error_rate if math.isfinite(own.error_rate) else None,
                own.threshold if math.isfinite(own.error_rate) else None,
                own.credited_generations,
                own.passes,
                verdict(own),
            )
            for own in self.synthetic.values()
        ]


def read_declared(plan: Plan, shards: Sequence[Shard]) -> Declared:
    """Sidecars of all shards: a generator makes text synthetic; a verifier beside `"generator": null`, verified human.

    Parameters: shards, as they were measured
    """
    synthetic, human = {}, set()
    measured = {shard.name: shard for shard in shards}
    for shard in plan.corpus.shards:
        said, own = sidecar(shard, strict=False), measured.get(shard.name)
        if own is None or not own.tokens:
            continue
        if said.get("generator"):
            synthetic[shard.name] = _synthetic(shard.name, said, own.tokens)
        elif said.get("verifier") and "generator" in said and _may_be_human(own.fraction):
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


def _may_be_human(fraction: Estimate) -> bool:
    return fraction.lower is not None and fraction.lower <= LARGEST_ERROR


def _synthetic(name: str, said: Json, tokens: float) -> Admitted:
    """Synthetic text as declared; a verifier whose rates are not all known passes no threshold."""
    rates = [_rate(said.get(key)) for key in RATES]
    error, right, wrong = rates if all(map(math.isfinite, rates)) else (math.inf, 1.0, 1.0)
    verifier = str(said.get("verifier") or "")[:500]
    return Admitted(name, float(tokens), verifier, error, right, wrong, _kind(said), _horizon(said.get("horizon")))


def _kind(said: Json) -> DeclaredKind:
    """The declared kind; without one, text counts as selected by a verifier and is judged by its rates."""
    kind = said.get("kind")
    return DeclaredKind(kind) if isinstance(kind, str) and kind in list(DeclaredKind) else DeclaredKind.VERIFIED


def _horizon(said: object) -> int | None:
    """Generations for which the text is credited; None, the kind's default, where nothing sensible is given."""
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= FARTHEST else None


def _rate(said: object) -> float:
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= 1:
        return float(said)
    return math.inf
