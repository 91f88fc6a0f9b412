"""What to collect first, what is there already, and the mix that a training pipeline can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from auditor.collapse.keep import existing_reservoirs
from auditor.collapse.options import BANDS
from auditor.collapse.reservoir import Reservoir, priorities


def plan_of(
    reservoir: Reservoir, band: str = "central", *, parts: Mapping[str, Reservoir] | None = None
) -> dict[str, Any]:
    """The acquisition plan of one band: strata in the order to collect them, existing reservoirs, the mix.

    Parameters: parts, the same corpus cut otherwise, by kind: its strata are collected too, its mix is `mix_KIND`
    Raises: StopIteration when there is no such band
    """
    chosen = next(b for b in BANDS if b.name == band)
    cuts = {"": reservoir, **(parts or {})}
    rows = {kind: cut.band(chosen, cut.options.sizing) for kind, cut in cuts.items()}
    sizes = {kind: {r["stratum"]: r for r in row["strata"]} for kind, row in rows.items()}
    collect = [
        {key: p[key] for key in ("kind", "stratum", "priority")} | {"tokens": sizes[kind][p["stratum"]]["tokens"]}
        for kind, cut in cuts.items()
        for p in priorities(cut.ready)
        if p["stratum"] in sizes[kind]
    ]
    return {
        "band": band,
        "regime": rows[""]["regime"],
        "sizing": rows[""]["sizing"],
        "reason": rows[""]["reason"] or "",
        "collect": sorted(collect, key=lambda row: (-row["priority"], row["stratum"])),
        "existing": existing_reservoirs(reservoir.shards),
        **{f"mix_{kind}" if kind else "mix": mix(cut, sizes[kind]) for kind, cut in cuts.items()},
    }


def mix(reservoir: Reservoir, sizes: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Human : admitted synthetic : rest of each stratum that could be sized, as shares that sum to one."""
    out = {}
    for ready in reservoir.ready:
        stratum = ready.stratum
        if stratum.name not in sizes:
            continue
        admitted = stratum.admitted_tokens(reservoir.options.generations) / stratum.tokens
        human = sizes[stratum.name]["human_share"] * (1 - admitted)
        upsampling = sizes[stratum.name]["upsampling"]
        rest = max(1 - human - admitted, 0.0)
        out[stratum.name] = {"human": human, "admitted_synthetic": admitted, "rest": rest, "upsampling": upsampling}
    return out


def as_toml(tree: dict[str, Any]) -> str:
    """TOML of scalars, tables, and lists of flat tables: what `plan` holds. Strings are written as JSON writes them."""
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
