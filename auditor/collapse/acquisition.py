"""What to collect first, what exists already, and a mix that a training pipeline can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.collapse.advice import priorities
from auditor.collapse.keep import ExistingReservoir, existing_reservoirs
from auditor.collapse.options import BANDS, Regime, Sizing
from auditor.collapse.reservoir import Reservoir
from auditor.collapse.totals import StratumNeed
from auditor.records import Json, plain


@dataclass(frozen=True, slots=True)
class Collected:
    """A stratum to collect: word tokens still to acquire, and the priority that orders the list."""

    kind: str
    stratum: str
    priority: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of a stratum's training mix, which sum to one, and how often its acquired text is read a generation."""

    human: float
    admitted_synthetic: float
    rest: float
    upsampling: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The acquisition plan of one band; mixes: by stratum, by the kind that cuts the corpus ("" for the corpus)."""

    band: str
    regime: Regime
    sizing: Sizing
    reason: str
    collect: tuple[Collected, ...]
    existing: tuple[ExistingReservoir, ...]
    mixes: Mapping[str, Mapping[str, Mix]]

    def as_json(self) -> Json:
        """The tables of the TOML file: each mix is a table of its own, `mix` or `mix_KIND`."""
        return {
            "band": self.band,
            "regime": self.regime,
            "sizing": self.sizing,
            "reason": self.reason,
            "collect": self.collect,
            "existing": self.existing,
            **{f"mix_{kind}" if kind else "mix": own for kind, own in self.mixes.items()},
        }


def plan_of(reservoir: Reservoir, band: str = "central", *, parts: Mapping[str, Reservoir] | None = None) -> Plan:
    """The acquisition plan of one band: strata in the order to collect them, existing reservoirs, the mix.

    Parameters: parts, the same corpus divided in other ways, by kind: those strata are collected too, with the mix
    `mix_KIND`
    Raises: StopIteration when there is no such band
    """
    chosen = next(b for b in BANDS if b.name == band)
    cuts = {"": reservoir, **(parts or {})}
    needs = {kind: cut.band(chosen, cut.options.sizing) for kind, cut in cuts.items()}
    sizes = {kind: {row.stratum: row for row in need.strata} for kind, need in needs.items()}
    collect = [
        Collected(row.kind, row.stratum, row.priority, sizes[kind][row.stratum].tokens)
        for kind, cut in cuts.items()
        for row in priorities(cut.ready)
        if row.stratum in sizes[kind]
    ]
    return Plan(
        band,
        needs[""].regime,
        needs[""].sizing,
        needs[""].reason or "",
        tuple(sorted(collect, key=lambda row: (-row.priority, row.stratum))),
        existing_reservoirs(reservoir.shards),
        {kind: mix(cut, sizes[kind]) for kind, cut in cuts.items()},
    )


def mix(reservoir: Reservoir, sizes: Mapping[str, StratumNeed]) -> dict[str, Mix]:
    """Human : admitted synthetic : rest of each stratum that could be sized, as shares that sum to one."""
    out = {}
    for ready in reservoir.ready:
        stratum = ready.stratum
        if stratum.name not in sizes:
            continue
        admitted = stratum.admitted_tokens(reservoir.options.generations) / stratum.tokens
        human = sizes[stratum.name].human_share * (1 - admitted)
        rest = max(1 - human - admitted, 0.0)
        out[stratum.name] = Mix(human, admitted, rest, sizes[stratum.name].upsampling)
    return out


def as_toml(plan: Plan) -> str:
    """The plan as TOML: scalars, tables, and lists of flat tables. Strings are written as JSON writes them."""
    tree = plain(plan)
    lines = [f"{_key(k)} = {_scalar(v)}" for k, v in tree.items() if not isinstance(v, dict | list)]
    for name, value in tree.items():
        if isinstance(value, list):
            for row in value:
                lines += ["", f"[[{_key(name)}]]", *(f"{_key(k)} = {_scalar(v)}" for k, v in row.items())]
        elif isinstance(value, dict):
            for key, row in value.items():
                lines += ["", f"[{_key(name)}.{_key(key)}]", *(f"{_key(k)} = {_scalar(v)}" for k, v in row.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    # json leaves DEL as it is, which TOML forbids
    return json.dumps(name).replace("\x7f", "\\u007f")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _key(value)
    return json.dumps(value, allow_nan=False)
