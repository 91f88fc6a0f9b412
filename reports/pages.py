"""Pages of the family beside the report: a trend over audits, a comparison of two, a simulated collapse."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version as installed
from typing import Any

from auditor.reports import svg, words
from auditor.reports.clean import clean, name
from auditor.reports.figures import common_scale
from auditor.reports.html import render_page

AUDITS, SHARDS, TICKS = 60, 100, 8  # drawn; all stand in the JSON
TONES = {"synthetic_fraction": "synthetic", "synthetic_fraction_tokens": "synthetic", "duplicate_fraction": "duplicate"}


def render_trend(found: dict[str, Any]) -> str:
    """The content of `auditor trend` as one page."""
    audits = found["audits"]
    alarms = [series for series in found["series"] if series["alarm"]]
    headline = f"{words.plural(len(audits), 'audit')}: " + (
        f"early warning for {', '.join(series['words'] for series in alarms)}" if alarms else "no early warning"
    )
    return render_page(
        "trend.html.jinja", version=installed("auditor"), title="Trend", headline=headline,
        sections=[_series(series, audits) for series in found["series"]], years=_years(found["years"]),
        audits=[(name(a["corpus"], 60), words.day(a["finished_at"]), a["version"], a["calibration"][:12],
                 "" if a["complete"] else "incomplete") for a in audits[-AUDITS:]],
    )  # fmt: skip


def render_compare(found: dict[str, Any]) -> str:
    """The content of `auditor compare` as one page."""
    changed = [row for row in found["rows"] if "by more than noise" in row["verdict"]]
    headline = "; ".join(f"{row['words']}: {row['verdict']}" for row in changed) or "No change beyond noise"
    shards = sorted(found["shards"], key=lambda row: -abs(row["change"]["value"] or 0))[:SHARDS]
    return render_page(
        "compare.html.jinja", version=installed("auditor"), title="Comparison", headline=clean(headline, 300),
        sides=[(side, name(found[side]["name"], 80), name(found[side]["corpus"], 60),
                words.day(found[side]["finished_at"]), found[side]["version"]) for side in ("a", "b")],
        method=found["method"], barred=sorted({clean(why, 200) for why in found["not_compared"].values()}),
        rows=[_change(row, row["words"]) for row in found["rows"]],
        shards=[_change(row, f"{name(row['scope'], 60)}: {row['words']}") for row in shards],
        more=max(0, len(found["shards"]) - SHARDS),
    )  # fmt: skip


def render_simulation(found: dict[str, Any]) -> str:
    """A simulated collapse as a page.

    found: source, in words; settings {name: value}; rows of generation, quantity, value, lower, upper
    """
    quantities = list(dict.fromkeys(row["quantity"] for row in found["rows"]))
    figures = []
    for place, quantity in enumerate(quantities):
        rows = [row for row in found["rows"] if row["quantity"] == quantity and row["value"] is not None]
        if rows:
            figures.append(_curve(f"q{place}", quantity, rows))
    settings = [(str(key).replace("_", " "), clean(value, 60)) for key, value in found["settings"].items()]
    return render_page(
        "simulation.html.jinja", version=installed("auditor"), title="Simulated collapse",
        source=clean(found["source"], 200), settings=settings, figures=figures,
    )  # fmt: skip


def _series(series: dict[str, Any], audits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One quantity over the last audits, with its warning and where the series breaks."""
    points = series["points"][-AUDITS:]
    place = {a["audit_id"]: i for i, a in enumerate(audits[-AUDITS:])}
    measured = [(i, point["estimate"]) for i, point in enumerate(points) if words.measured(point["estimate"])]
    days = [a["finished_at"][:10] for a in audits[-AUDITS:]]
    every = max(1, len(days) // TICKS)
    ticks = tuple((i + 0.5, days[i]) for i in range(len(days) - 1, -1, -every))
    plane = svg.Plane(svg.Scale(0, max(len(days), 1), ticks), common_scale([e for _, e in measured] or [None]))
    tone = TONES.get(series["quantity"], "diversity")
    marks = [mark for i, e in measured for mark in plane.dot(i + 0.5, e, tone)]
    for stop in series["breaks"]:
        if stop["before"] in place:
            marks += plane.upright(place[stop["before"]], "not comparable with before")
    alarm, chart = series["alarm"], series["chart"]
    if alarm and alarm["since"] in place:
        marks += plane.upright(place[alarm["since"]] + 0.5, "change began about here")
    words_of_alarm = (
        f"Early warning: a change for the worse since about {days[place[alarm['since']]]}."
        if alarm and alarm["since"] in place else "Early warning." if alarm else "No early warning."
    )  # fmt: skip
    description = (
        f"{words_of_alarm} A {chart['method']} over {words.plural(chart['audits'], 'audit')} gives a false alarm for "
        f"{words.percent(chart['false_alarm_rate'])} of stable series."
    )
    drawing = plane.draw(marks, title=series["words"], description=description, key=series["quantity"])
    return {
        "key": series["quantity"], "title": series["words"].capitalize(), "description": description,
        "drawing": drawing, "head": ("Audit", "Estimate"), "shown": bool(measured), "alarm": bool(alarm),
        "points": [(day, words.estimate(point["estimate"])) for day, point in zip(days, points, strict=True)],
        "breaks": [clean(stop["reason"], 200) for stop in series["breaks"]],
    }  # fmt: skip


def _years(years: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    if not years:
        return None
    along = common_scale([row["estimate"] for row in years])
    rows = [{"label": row["year"], "why": words.why(row["estimate"]), "measured": words.measured(row["estimate"]),
             "drawing": svg.whisker(row["estimate"], along), "text": words.estimate(row["estimate"])}
            for row in years]  # fmt: skip
    return {"caption": "Machine-written share by year of writing, last audit", "axis": svg.axis(along), "rows": rows}


def _change(row: dict[str, Any], label: str) -> tuple[str, str, str, str, str]:
    change = row["change"]
    shown = "not compared" if change["value"] is None else (
        f"{_points(change['value'])} ({_points(change['lower'])} to {_points(change['upper'])})"
    )  # fmt: skip
    return label, words.estimate(row["a"]), words.estimate(row["b"]), shown, row["verdict"]


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points".replace("-", words.MINUS)


def _curve(key: str, quantity: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One quantity over the generations as a band with its line."""
    title = quantity.replace("_", " ")
    last = max(row["generation"] for row in rows)
    ticks = tuple((g, str(g)) for g in range(0, last + 1, max(1, last // TICKS)))
    values = [row[end] for row in rows for end in ("value", "lower", "upper") if row.get(end) is not None]
    unit = "share" if max(values) <= 1.5 else "count"
    plane = svg.Plane(svg.Scale(0, max(last, 1), ticks), svg.scale(values, unit))
    band = [(row["generation"], row["lower"], row["upper"]) for row in rows
            if row.get("lower") is not None and row.get("upper") is not None]  # fmt: skip
    shapes = [plane.band(band, "diversity")] if len(band) > 1 else []
    line = plane.curve([(row["generation"], row["value"]) for row in rows], "diversity")
    form = words.percent if unit == "share" else words.count
    description = f"From {form(rows[0]['value'])} to {form(rows[-1]['value'])} in {words.plural(last, 'generation')}."
    drawing = plane.draw([plane.paths(*shapes, line)], title=title, description=description, key=key)
    points = [(str(row["generation"]), form(row["value"])) for row in rows]
    return {"key": key, "title": title.capitalize(), "description": description, "drawing": drawing,
            "head": ("Generation", title), "points": points}  # fmt: skip
