"""The figures of a report: each a plain dict that the templates lay out, with every number also as text.

Row figures are tables (label, drawing, number), so they need no second version for a screen reader;
planes come with a table of their points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from auditor.reports.text import numbers
from auditor.reports.text.clean import name
from auditor.reports.view import svg

CHATGPT = 2022 + 10 / 12  # the assistant that made machine text cheap came at the end of November 2022
RANKED_POINTS = 160
HEAT_LEVELS = 8
MATRIX = 12
ORDERS = ((0, "all types"), (1, "common"), (2, "very common"))

Entry = tuple[str, dict[str, Any] | None]


def intervals(
    caption: str,
    entries: Sequence[Entry],
    *,
    unit: str = "share",
    tone: str = "synthetic",
    along: svg.Scale | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """A table of estimates with their intervals drawn on one common axis; notes: more to say of each when asked."""
    along = along or common_scale([e for _, e in entries], unit)
    rows = [
        {
            "label": name(label),
            "drawing": svg.whisker(e, along, tone=tone),
            "text": numbers.brief(e, unit) if numbers.measured(e) else numbers.estimate(e),
            "why": "; ".join(part for part in (numbers.why(e or {}), note) if part),
            "measured": numbers.measured(e),
            "doubt": numbers.doubt(e),
        }
        for (label, e), note in zip(entries, notes or [""] * len(entries), strict=True)
    ]
    return {"caption": caption, "axis": svg.axis(along), "rows": rows, "any": any(row["measured"] for row in rows)}


def common_scale(estimates: Iterable[dict[str, Any] | None], unit: str = "share", *, zero: bool = True) -> svg.Scale:
    """One axis over the ends of all intervals; zero: it starts at zero."""
    ends = (e[key] for e in estimates if e and numbers.measured(e) for key in ("lower", "upper"))
    return svg.scale(ends, unit, zero=zero)


def stacks(
    caption: str, entries: Sequence[tuple[str, Sequence[tuple[float, str]], str]], *, unit: str = "share"
) -> dict[str, Any]:
    """A table of stacked bars: (label, parts as (length, class), the number in words)."""
    along = svg.scale((sum(length for length, _ in parts) for _, parts, _ in entries), unit)
    rows = [
        {
            "label": name(label),
            "drawing": svg.bars(parts, along),
            "text": text,
            "why": "",
            "measured": True,
            "doubt": "",
        }
        for label, parts, text in entries
    ]
    return {"caption": caption, "axis": svg.axis(along), "rows": rows, "any": bool(rows)}


def ranked(shards: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """All shards from the highest estimate to the lowest, as one curve with its intervals as a band."""
    known = sorted(
        (s["synthetic_fraction"] for s in shards if numbers.measured(s["synthetic_fraction"])),
        key=lambda e: -e["value"],
    )
    if len(known) < 3:
        return None
    last = len(known) - 1
    picks = sorted({round(i * last / (RANKED_POINTS - 1)) for i in range(RANKED_POINTS)})
    x = svg.Scale(0, 1, ((0, "highest"), (0.5, "half of the shards"), (1, "lowest")))
    plane = svg.Plane(x, common_scale(known))
    curve = [(i / last, known[i]["value"]) for i in picks]
    band = [(i / last, known[i]["lower"], known[i]["upper"]) for i in picks]
    middle = known[last // 2]["value"]
    label = f"half of the shards lie below {numbers.percent(middle)}"
    ends = f"from {numbers.percent(known[0]['value'])} down to {numbers.percent(known[-1]['value'])}"
    description = f"{len(known)} shards ordered by their machine-written share, {ends}; {label}."
    marks = [plane.paths(plane.band(band, "synthetic"), plane.curve(curve, "synthetic")), *plane.upright(0.5, label)]
    quantiles = [
        (f"{share:.0%} of the shards lie above", numbers.percent(known[min(last, int(share * len(known)))]["value"]))
        for share in (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
    ]
    return _figure("ranked", plane, marks, "Every shard, from the highest to the lowest", description) | {
        "head": ("Shards", "Machine-written"),
        "points": quantiles,
    }


def years(strata: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Machine-written share by year, with the line of November 2022."""
    found = sorted(
        (int(s["name"]), s["synthetic_fraction"]) for s in strata if s["kind"] == "year" and s["name"].isdigit()
    )
    known = [(year, e) for year, e in found if numbers.measured(e)]
    if len(known) < 2:
        return None
    first, last = known[0][0], known[-1][0]
    every = math.ceil((last - first + 1) / 7)  # so many labels stand side by side on a telephone
    ticks = tuple((year + 0.5, str(year)) for year in range(last, first - 1, -every))
    plane = svg.Plane(svg.Scale(first, last + 1, ticks), common_scale([e for _, e in known]))
    marks = [
        mark for year, e in known for mark in plane.dot(year + 0.5, e, "synthetic", f"{year}: {numbers.estimate(e)}")
    ]
    if first <= CHATGPT <= last + 1:
        marks += plane.upright(CHATGPT, "November 2022")
    description = f"From {numbers.estimate(known[0][1])} in {first} to {numbers.estimate(known[-1][1])} in {last}."
    return _figure("years", plane, marks, "Machine-written share by year", description) | {
        "head": ("Year", "Machine-written"),
        "points": [(str(year), numbers.estimate(e)) for year, e in found],
    }


def s_curve(near: dict[str, Any] | None) -> dict[str, Any] | None:
    """Probability that a pair of similarity J becomes a candidate: 1 - (1 - J**rows)**bands."""
    if not near:
        return None

    def chance(j: float) -> float:
        return 1 - (1 - j ** near["rows"]) ** near["bands"]

    share = tuple((k / 4, f"{k / 4:.0%}") for k in range(5))
    plane = svg.Plane(svg.Scale(0, 1, share), svg.Scale(0, 1, share), height=200)
    threshold = near["threshold"]
    marks = [plane.paths(plane.curve([(k / 100, chance(k / 100)) for k in range(101)], "duplicate"))]
    marks += plane.upright(threshold, f"threshold {threshold:.0%}")
    description = (
        f"{near['bands']} bands of {near['rows']} rows: a pair at the threshold of {threshold:.0%} similarity "
        f"is found with probability {numbers.percent(chance(threshold))}."
    )
    points = [(f"{j:.0%}", numbers.percent(chance(j))) for j in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)]
    return _figure("s-curve", plane, marks, "How likely a pair is found, by its similarity", description) | {
        "head": ("Similarity of the pair", "Found with probability"),
        "points": points,
    }


def profile(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Hill numbers of the corpus in percent of the reference's, over the order q."""
    known = [
        p for p in (found or {}).get("points", []) if numbers.measured(p["corpus"]) and numbers.measured(p["reference"])
    ]
    if not found or len(known) < 2:
        return None
    share = [
        (p["q"], *(p["corpus"][key] / p["reference"]["value"] - 1 for key in ("lower", "value", "upper")))
        for p in known
    ]
    human = [
        (p["q"], *(p["reference"][key] / p["reference"]["value"] - 1 for key in ("lower", "upper"))) for p in known
    ]
    ends = [v for row in share for v in row[1:]] + [v for row in human for v in row[1:]]
    low, high = known[0]["q"], known[-1]["q"]
    ticks = tuple((q, label) for q, label in ORDERS if low <= q <= high)
    plane = svg.Plane(svg.Scale(low, high, ticks), svg.scale(ends, "fewer"))
    middle = share[len(share) // 2]
    marks = [
        plane.paths(
            plane.band(human, "human"),
            plane.curve([(q, 0) for q, *_ in share], "human"),
            plane.band([(q, lower, upper) for q, lower, _, upper in share], "diversity"),
            plane.curve([(q, value) for q, _, value, _ in share], "diversity"),
        ),
        plane.label(high, 0, "human reference", "human"),
        plane.label(middle[0], middle[2], "this corpus", "diversity", below=True),
    ]
    points = [
        (f"{p['q']:g}", numbers.estimate(p["corpus"], "count"), numbers.estimate(p["reference"], "count"))
        for p in known
    ]
    description = (
        "Across: which types count (left: all alike; right: frequent ones weigh more). Up: types against the human "
        "reference. Bands: the interval of each side by itself."
    )
    return _figure("profile", plane, marks, "Types of words against the human reference", description) | {
        "head": ("Weight of frequent types (order q)", "Types in this corpus", "Types in the reference"),
        "points": points,
    }


def fit(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Observed scores against the fitted human and machine parts, bin by bin."""
    return _scores((found or {}).get("bins") or [], "fit", "Scores of all documents and the fitted mixture")


def histograms(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Scores of single shards against the fitted human and machine parts."""
    drawn = [
        _scores(row["bins"], f"scores-{place}", f"Scores of {name(row['scope'], 60)}") for place, row in enumerate(rows)
    ]
    return [figure for figure in drawn if figure]


def _scores(bins: Sequence[dict[str, Any]], key: str, title: str) -> dict[str, Any] | None:
    if len(bins) < 3:
        return None
    low, high = bins[0]["lower"], bins[-1]["upper"]
    x = svg.Scale(low, high, ((low, "reads human"), (high, "reads machine")))
    y = svg.scale([max(b["observed"], b["human"] + b["machine"]) for b in bins])
    plane = svg.Plane(x, y)
    human = [(edge, 0.0, b["human"]) for b in bins for edge in (b["lower"], b["upper"])]
    machine = [(edge, b["human"], b["human"] + b["machine"]) for b in bins for edge in (b["lower"], b["upper"])]
    marks = [plane.paths(plane.band(human, "human solid"), plane.band(machine, "synthetic solid"))]
    for b in bins:
        spot = {"cx": f"{x.at((b['lower'] + b['upper']) / 2)}%", "cy": f"{plane.up(b['observed'])}%"}
        marks.append(svg.tag("circle", r=3.5, class_="dot plain", **spot))
    points = [
        (f"{b['lower']:.2f} to {b['upper']:.2f}", *(numbers.percent(b[k]) for k in ("observed", "human", "machine")))
        for b in bins
    ]
    text = "Across: score. Up: share of the documents. Dots: observed. Areas: fitted human and machine parts."
    return _figure(key, plane, marks, title, text) | {
        "head": ("Score", "Observed", "Fitted, human", "Fitted, machine"),
        "points": points,
    }


def heat(overlaps: dict[str, Any]) -> dict[str, Any] | None:
    """Which sources share documents: a square table, shaded; row's documents that also stand in the column."""
    names = overlaps.get("names", [])[:MATRIX]
    if len(names) < 2:
        return None
    shares: dict[tuple[str, str], tuple[float | None, int]] = {}
    for cell in overlaps.get("cells", []):
        shares[cell["a"], cell["b"]] = (cell.get("share_of_a"), cell["documents"])
        shares.setdefault((cell["b"], cell["a"]), (cell.get("share_of_b"), cell["documents"]))
    top = max((share or 0 for share, _ in shares.values()), default=0) or 1
    rows = []
    for a in names:
        cells = []
        for b in names:
            share, documents = shares.get((a, b), (0.0, 0))
            level = 0 if not share else max(1, min(HEAT_LEVELS, round(HEAT_LEVELS * (share / top) ** 0.5)))
            text = "" if not share else numbers.bare_percent(share)
            tip = f"{numbers.plural(documents, 'document')} of {name(a, 60)} also in {name(b, 60)}"
            cells.append({"level": level, "text": text, "tip": tip, "same": a == b})
        rows.append({"label": name(a, 44), "cells": cells})
    return {
        "names": [name(n, 28) for n in names],
        "rows": rows,
        "kind": overlaps.get("kind", "shard"),
        "left_out": overlaps.get("left_out", 0) + max(0, len(overlaps.get("names", [])) - MATRIX),
    }


def _figure(key: str, plane: svg.Plane, marks: Sequence[Any], title: str, description: str) -> dict[str, Any]:
    drawing = plane.draw(list(marks), title=title, description=description, key=key)
    return {"key": key, "title": title, "description": description, "drawing": drawing}
