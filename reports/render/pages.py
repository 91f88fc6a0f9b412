"""Pages of the family beside the report: a trend over audits, a comparison of two, a simulated collapse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from auditor.distribution import program_version
from auditor.reports.render.html import render_page
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import REGIMES, SETTINGS, SIMULATED, spoken
from auditor.reports.view import svg
from auditor.reports.view.figures import common_scale, intervals

AUDITS, SHARDS, DRAWN = 60, 100, 24  # all stand in the JSON
TICKS, DATES = 10, 3  # so many labels stand side by side in a plot of half the page
TURNS = ("worse", "better")
TONES = {"synthetic_fraction": "synthetic", "synthetic_fraction_tokens": "synthetic", "duplicate_fraction": "duplicate"}


def render_trend(found: dict[str, Any]) -> str:
    """The content of `auditor trend` as one page."""
    audits, shown = found["audits"], found["audits"][-AUDITS:]
    alarms = [series["words"] for series in found["series"] if series["alarm"]]
    measured = [s for s in found["series"] if any(numbers.measured(p["estimate"]) for p in s["points"][-AUDITS:])]
    sentences = [
        f"A change for the worse stands out in: {', '.join(alarms)}."
        if alarms
        else "No quantity changes for the worse by more than its own past lets expect."
    ]
    if found["series"]:
        chart = found["series"][0]["chart"]
        false = numbers.percent(chart["false_alarm_rate"])
        sentences.append(
            f"The warning is a {chart['method']} chart: over {numbers.plural(chart['audits'], 'audit')}, "
            f"{false} of stable series raise a false alarm."
        )
    return render_page(
        "trend.html.jinja",
        version=program_version(),
        title="Trend",
        headline=f"{numbers.plural(len(audits), 'audit')}: " + ("early warning" if alarms else "no early warning"),
        sentences=sentences,
        sections=[_series(series, shown) for series in measured],
        years=_years(found["years"]),
        absent=[series["words"] for series in found["series"] if series not in measured],
        audits=[
            (
                name(a["corpus"], 60),
                numbers.day(a["finished_at"]),
                a["version"],
                a["calibration"][:12],
                "whole" if a["complete"] else "in part",
            )
            for a in shown
        ],
    )


def render_compare(found: dict[str, Any]) -> str:
    """The content of `auditor compare` as one page."""
    rows = found["rows"]
    compared = [row for row in rows if row["change"]["value"] is not None]
    turned = {turn: [row["words"] for row in compared if row["verdict"].startswith(turn)] for turn in TURNS}
    changed = sum(map(len, turned.values()))
    sentences = [f"{turn.capitalize()}: {', '.join(names)}." for turn, names in turned.items() if names]
    sentences += [f"Not compared: {clean(why, 200)}." for why in sorted(set(found["not_compared"].values()))]
    shards = sorted(found["shards"], key=lambda row: -abs(row["change"]["value"] or 0))[:SHARDS]
    return render_page(
        "compare.html.jinja",
        version=program_version(),
        title="Comparison",
        headline=f"{changed} of {numbers.plural(len(compared), 'quantity', 'quantities')} changed by more than noise",
        sentences=[*sentences, clean(found["method"].replace("`", ""), 400)],
        sides=[
            (
                side.upper(),
                name(found[side]["name"], 80),
                name(found[side]["corpus"], 60),
                numbers.day(found[side]["finished_at"]),
                found[side]["version"],
            )
            for side in ("a", "b")
        ],
        changes=_changes([(row["words"], row) for row in rows]),
        rows=[_sides(row["words"], row) for row in rows],
        shard_changes=_changes([_of_shard(row) for row in shards[:DRAWN]]),
        shards=[_sides(*_of_shard(row)) for row in shards],
        more=max(0, len(found["shards"]) - SHARDS),
    )


def render_simulation(found: dict[str, Any]) -> str:
    """A simulated collapse as a page.

    found: source, in words; settings {name: value}; rows of generation, quantity, value, lower, upper
    """
    figures = []
    for place, quantity in enumerate(dict.fromkeys(row["quantity"] for row in found["rows"])):
        rows = [row for row in found["rows"] if row["quantity"] == quantity and row["value"] is not None]
        if rows:
            figures.append(_curve(f"q{place}", spoken(quantity, SIMULATED), rows))
    settings = {key: value for key, value in found["settings"].items() if value is not None}
    shown = [(spoken(str(key), SETTINGS), clean(spoken(str(value), REGIMES), 80)) for key, value in settings.items()]
    return render_page(
        "simulation.html.jinja",
        version=program_version(),
        title="Simulated collapse",
        source=clean(found["source"], 200),
        settings=shown,
        figures=figures,
        sentences=[
            f"{figure['title']}: {figure['description'][0].lower()}{figure['description'][1:]}"
            for figure in figures[:2]
        ],
    )


def _series(series: dict[str, Any], audits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One quantity over the last audits, with its warning and where the series breaks."""
    quantity = series["quantity"]
    unit = numbers.of_quantity(quantity, None)[1]
    points = [p | {"estimate": numbers.of_quantity(quantity, p["estimate"])[0]} for p in series["points"][-AUDITS:]]
    place = {a["audit_id"]: i for i, a in enumerate(audits)}
    days = [a["finished_at"][:10] for a in audits]
    if len(set(days)) < len(days):
        days = [a["finished_at"][:16].replace("T", " ") for a in audits]
    every = math.ceil(len(days) / (DATES if len(days[-1]) == 10 else 2))
    ticks = tuple((i + 0.5, days[i]) for i in range(len(days) - 1, -1, -every))
    along = common_scale([point["estimate"] for point in points], unit)
    plane = svg.Plane(svg.Scale(0, max(len(days), 1), ticks), along)
    tone = TONES.get(series["quantity"], "diversity")
    marks = []
    for i, (audit, point) in enumerate(zip(audits, points, strict=True)):
        tip = f"{days[i]}, {name(audit['corpus'], 40)}: {numbers.estimate(point['estimate'], unit)}"
        marks += plane.dot(i + 0.5, point["estimate"], tone, tip)
    for stop in series["breaks"]:
        if stop["before"] in place:
            marks += plane.upright(place[stop["before"]], "not comparable with before")
    alarm, description = series["alarm"], _no_warning(series)
    if alarm:
        description = "Early warning."
        if alarm["since"] in place:
            marks += plane.upright(place[alarm["since"]] + 0.5, "change began about here", line=1)
            description = f"Early warning: a change for the worse since about {days[place[alarm['since']]]}."
    known = [point["estimate"] for point in points if numbers.measured(point["estimate"])]
    description += f" Last: {numbers.estimate(known[-1], unit)}."
    drawing = plane.draw(marks, title=series["words"], description=description, key=series["quantity"])
    return {
        "key": series["quantity"],
        "title": series["words"].capitalize(),
        "description": description,
        "drawing": drawing,
        "head": ("Audit", "Corpus", "Estimate"),
        "points": [
            (day, name(a["corpus"], 40), numbers.estimate(point["estimate"], unit))
            for day, a, point in zip(days, audits, points, strict=True)
        ],
        "breaks": [clean(stop["reason"], 200) for stop in series["breaks"] if stop["before"] in place],
    }


def _no_warning(series: dict[str, Any]) -> str:
    needed, there = series["chart"].get("needed", 0), series.get("audits", 0)
    if there < needed:
        return f"No warning is possible yet: it needs {needed} comparable audits, and there {_are(there)}."
    return "No early warning."


def _are(count: int) -> str:
    return f"is {count}" if count == 1 else f"are {count}"


def _years(years: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    entries = [(row["year"], row["estimate"]) for row in years]
    return intervals("Machine-written share by year of writing, last audit", entries) if entries else None


def _changes(entries: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    return intervals(
        "Change, in percentage points",
        [(label, numbers.change_shown(row["quantity"], row["change"])) for label, row in entries],
        unit="log",
        tone="plain",
        notes=[row["verdict"] for _, row in entries],
    )


def _sides(label: str, row: dict[str, Any]) -> tuple[str, ...]:
    shown = (numbers.estimate(*numbers.of_quantity(row["quantity"], row[side])) for side in ("a", "b"))
    return label, *shown, row["verdict"]


def _of_shard(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return f"{name(row['scope'], 60)}: {row['words']}", row


def _curve(key: str, title: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One quantity over the generations as a band with its line."""
    last = max(row["generation"] for row in rows)
    ticks = tuple((g, str(g)) for g in range(0, last + 1, max(1, math.ceil(last / TICKS))))
    values = [row[end] for row in rows for end in ("value", "lower", "upper") if row.get(end) is not None]
    unit = "share" if max(values) <= 1.5 else "count"
    plane = svg.Plane(svg.Scale(0, max(last, 1), ticks), svg.scale(values, unit))
    band = [
        (row["generation"], row["lower"], row["upper"])
        for row in rows
        if row.get("lower") is not None and row.get("upper") is not None
    ]
    shapes = [plane.band(band, "diversity")] if len(band) > 1 else []
    line = plane.curve([(row["generation"], row["value"]) for row in rows], "diversity")
    shown = [
        numbers.brief({"status": "measured", "lower": row["value"], "upper": row["value"]} | row, unit) for row in rows
    ]
    description = f"From {shown[0]} to {shown[-1]} in {numbers.plural(last, 'generation')}."
    drawing = plane.draw([plane.paths(*shapes, line)], title=title, description=description, key=key)
    points = [(str(row["generation"]), text) for row, text in zip(rows, shown, strict=True)]
    return {
        "key": key,
        "title": title,
        "description": description,
        "drawing": drawing,
        "head": ("Generation", title),
        "points": points,
    }
