"""Human text that the corpus holds: how much, in which shards and kinds, and the coverage that it reaches."""

from __future__ import annotations

from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.view import figures, svg

SHOWN = 24


def kept(reservoir: dict[str, Any]) -> dict[str, Any] | None:
    """What the part on human text to keep shows; None for reports that do not have it."""
    keep = reservoir.get("keep")
    if not keep:
        return None
    shards, kinds = keep.get("shards", []), keep.get("kinds", [])
    return {
        "tokens": numbers.estimate(keep["tokens"], "count"),
        "note": clean(keep.get("note") or "", 400),
        "shards": figures.intervals(
            "Human word tokens of each shard, the most worth keeping first",
            [(row["shard"], row["tokens"]) for row in shards[:SHOWN]],
            unit="count",
            tone="human",
        )
        if shards
        else None,
        "more": max(0, len(shards) - SHOWN),
        "kinds": [
            (
                name(row["name"], 60),
                clean(row["kind"], 30),
                numbers.brief(row["tokens"], "count"),
                numbers.share_or_blank(row.get("human_share")),
                numbers.count_or_blank((row.get("acquire") or {}).get("central")),
            )
            for row in kinds[:SHOWN]
        ],
        "left_out": [
            (name(row.get("shard", "")), clean(row.get("reason", ""), 200)) for row in keep.get("left_out", [])
        ][:SHOWN],
    }


def coverage(reservoir: dict[str, Any]) -> dict[str, Any] | None:
    """Human tokens that a coverage asks for, as a curve, with the point that the corpus reaches."""
    points = [p for p in reservoir.get("coverage") or [] if p.get("tokens") is not None]
    if len(points) < 2:
        return None
    points.sort(key=lambda p: p["share"])
    low, high = points[0]["share"], points[-1]["share"]
    x = svg.Scale(
        low, high, tuple((p["share"], numbers.setting(p["share"])) for p in points[:: max(1, len(points) // 4)])
    )
    y = svg.scale([p["tokens"] for p in points], "count")
    plane = svg.Plane(x, y)
    marks: list[Any] = [plane.paths(plane.curve([(p["share"], p["tokens"]) for p in points], "human"))]
    for p in points:
        spot = {"cx": f"{x.at(p['share'])}%", "cy": f"{plane.up(p['tokens'])}%"}
        marks.append(svg.tag("circle", r=4, class_="dot human" if p.get("reached") else "dot human open", **spot))
    reached = [p["share"] for p in points if p.get("reached")]
    said = f"The corpus' own human text reaches {numbers.setting(max(reached))}." if reached else "None is reached yet."
    text = f"Across: share of human language whose words stand often enough. Up: human word tokens that takes. {said}"
    title = "Human text that a coverage of the language asks for"
    return {
        "key": "coverage-curve",
        "title": title,
        "description": text,
        "drawing": plane.draw(marks, title=title, description=text, key="coverage-curve"),
        "head": ("Coverage", "Human word tokens", "Reached"),
        "points": [
            (numbers.setting(p["share"]), numbers.count(p["tokens"]), "yes" if p.get("reached") else "no")
            for p in points
        ],
    }
