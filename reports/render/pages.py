"""Pages of the family beside the report: a trend over audits, a comparison of two, a simulated collapse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.distribution import program_version
from auditor.records import Estimate
from auditor.reports.model.over_time import (
    Compared,
    Comparison,
    Listed,
    Series,
    Simulated,
    Simulation,
    Trend,
    YearShare,
)
from auditor.reports.render.html import render_page
from auditor.reports.text import dates, numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import REGIMES, SETTINGS, SIMULATED, spoken
from auditor.reports.view import svg
from auditor.reports.view.charts import Chart
from auditor.reports.view.figures import Rows, common_scale, intervals

AUDITS, SHARDS, DRAWN = 60, 100, 24  # the JSON has all of them
TICKS, DATES = 10, 3  # labels that fit side by side in a plot of half the page
TURNS = ("worse", "better")
TONES = {"synthetic_fraction": "synthetic", "synthetic_fraction_tokens": "synthetic", "duplicate_fraction": "duplicate"}


@dataclass(frozen=True, slots=True)
class Section:
    """The chart of a series, and why the series breaks."""

    chart: Chart
    breaks: list[str]


def render_trend(found: Trend) -> str:
    """What `auditor trend` finds as one page."""
    audits, shown = found.audits, found.audits[-AUDITS:]
    alarms = [series.words for series in found.series if series.alarm]
    measured = [s for s in found.series if any(numbers.measured(p.estimate) for p in s.points[-AUDITS:])]
    sentences = [
        f"A change for the worse stands out in: {', '.join(alarms)}."
        if alarms
        else "No quantity changes for the worse by more than its own past would lead one to expect."
    ]
    if found.series:
        chart = found.series[0].chart
        false = numbers.percent(chart.false_alarm_rate)
        sentences.append(
            f"The warning is a {chart.method} chart: over {numbers.plural(chart.audits, 'audit')}, "
            f"{false} of stable series raise a false alarm."
        )
    return render_page(
        "trend.html.jinja",
        version=program_version(),
        title="Trend",
        headline=f"{numbers.plural(len(audits), 'audit')}: " + ("early warning" if alarms else "no early warning"),
        sentences=sentences,
        sections=[_section(series, shown) for series in measured],
        years=_years(found.years),
        absent=[series.words for series in found.series if series not in measured],
        audits=[
            (
                name(a.corpus, 60),
                dates.day(a.finished_at),
                a.version,
                a.calibration[:12],
                "whole" if a.complete else "in part",
            )
            for a in shown
        ],
    )


def render_compare(found: Comparison) -> str:
    """What `auditor compare` finds as one page."""
    rows = found.rows
    compared = [row for row in rows if row.change.value is not None]
    turned = {turn: [row.words for row in compared if row.verdict.startswith(turn)] for turn in TURNS}
    changed = sum(map(len, turned.values()))
    sentences = [f"{turn.capitalize()}: {', '.join(names)}." for turn, names in turned.items() if names]
    sentences += [f"Not compared: {clean(why, 200)}." for why in sorted(set(found.not_compared.values()))]
    shards = sorted(found.shards, key=lambda row: -abs(row.change.value or 0))[:SHARDS]
    return render_page(
        "compare.html.jinja",
        version=program_version(),
        title="Comparison",
        headline=f"{changed} of {numbers.plural(len(compared), 'quantity', 'quantities')} changed by more than noise",
        sentences=[*sentences, clean(found.method.replace("`", ""), 400)],
        sides=[
            (letter, name(of.name, 80), name(of.corpus, 60), dates.day(of.finished_at), of.version)
            for letter, of in (("A", found.a), ("B", found.b))
        ],
        changes=_changes([(row.words, row) for row in rows]),
        rows=[_sides(row.words, row) for row in rows],
        shard_changes=_changes([_of_shard(row) for row in shards[:DRAWN]]),
        shards=[_sides(*_of_shard(row)) for row in shards],
        more=max(0, len(found.shards) - SHARDS),
    )


def render_simulation(found: Simulation) -> str:
    """A simulated collapse as a page."""
    figures = []
    for place, quantity in enumerate(dict.fromkeys(row.quantity for row in found.rows)):
        rows = [row for row in found.rows if row.quantity == quantity and row.value is not None]
        if rows:
            figures.append(_curve(f"q{place}", spoken(quantity, SIMULATED), rows))
    settings = {key: value for key, value in found.settings.items() if value is not None}
    shown = [(spoken(key, SETTINGS), clean(spoken(str(value), REGIMES), 80)) for key, value in settings.items()]
    return render_page(
        "simulation.html.jinja",
        version=program_version(),
        title="Simulated collapse",
        source=clean(found.source, 200),
        settings=shown,
        figures=figures,
        sentences=[
            f"{figure.title}: {figure.description[0].lower()}{figure.description[1:]}" for figure in figures[:2]
        ],
    )


def _section(series: Series, audits: Sequence[Listed]) -> Section:
    """One quantity over the last audits, with its warning and where the series breaks."""
    unit = numbers.unit_of(series.quantity)
    points = [numbers.of_quantity(series.quantity, point.estimate)[0] for point in series.points[-AUDITS:]]
    place = {a.audit_id: i for i, a in enumerate(audits)}
    days = [a.finished_at[:10] for a in audits]
    if len(set(days)) < len(days):
        days = [a.finished_at[:16].replace("T", " ") for a in audits]
    every = math.ceil(len(days) / (DATES if len(days[-1]) == 10 else 2))
    ticks = tuple((i + 0.5, days[i]) for i in range(len(days) - 1, -1, -every))
    along = common_scale(points, unit)
    plane = svg.Plane(svg.Scale(0, max(len(days), 1), ticks), along)
    tone = TONES.get(series.quantity, "diversity")
    marks = []
    for i, (audit, e) in enumerate(zip(audits, points, strict=True)):
        tip = f"{days[i]}, {name(audit.corpus, 40)}: {numbers.estimate(e, unit)}"
        marks += plane.dot(i + 0.5, e, tone, tip)
    for stop in series.breaks:
        if stop.before in place:
            marks += plane.upright(place[stop.before], "not comparable with before")
    alarm, description = series.alarm, _no_warning(series)
    if alarm:
        description = "Early warning."
        if alarm.since in place:
            marks += plane.upright(place[alarm.since] + 0.5, "change began about here", line=1)
            description = f"Early warning: a change for the worse since about {days[place[alarm.since]]}."
    known = [e for e in points if numbers.measured(e)]
    description += f" Last: {numbers.estimate(known[-1], unit)}."
    drawing = plane.draw(marks, title=series.words, description=description, key=series.quantity)
    lines = [
        (day, name(a.corpus, 40), numbers.estimate(e, unit)) for day, a, e in zip(days, audits, points, strict=True)
    ]
    title, head = series.words.capitalize(), ("Audit", "Corpus", "Estimate")
    breaks = [clean(stop.reason, 200) for stop in series.breaks if stop.before in place]
    return Section(Chart(series.quantity, title, description, drawing, head, lines), breaks)


def _no_warning(series: Series) -> str:
    needed, there = series.chart.needed, series.audits
    if there < needed:
        return f"No warning is possible yet: it needs {needed} comparable audits, and there {_are(there)}."
    return "No early warning."


def _are(count: int) -> str:
    return f"is {count}" if count == 1 else f"are {count}"


def _years(years: Sequence[YearShare]) -> Rows | None:
    entries = [(row.year, row.estimate) for row in years]
    return intervals("Machine-written share by year of writing, last audit", entries) if entries else None


def _changes(entries: Sequence[tuple[str, Compared]]) -> Rows:
    return intervals(
        "Change, in percentage points",
        [(label, numbers.change_shown(row.quantity, row.change)) for label, row in entries],
        unit="log",
        tone="plain",
        notes=[row.verdict for _, row in entries],
    )


def _sides(label: str, row: Compared) -> tuple[str, ...]:
    shown = (numbers.estimate(*numbers.of_quantity(row.quantity, side)) for side in (row.a, row.b))
    return label, *shown, row.verdict


def _of_shard(row: Compared) -> tuple[str, Compared]:
    return f"{name(row.scope, 60)}: {row.words}", row


def _curve(key: str, title: str, rows: Sequence[Simulated]) -> Chart:
    """One quantity over the generations as a band with its line."""
    last = max(row.generation for row in rows)
    ticks = tuple((g, str(g)) for g in range(0, last + 1, max(1, math.ceil(last / TICKS))))
    line = [(row.generation, row.value) for row in rows if row.value is not None]
    band = [(row.generation, row.lower, row.upper) for row in rows if row.lower is not None and row.upper is not None]
    values = [value for _, value in line] + [end for _, *ends in band for end in ends]
    unit = "share" if max(values) <= 1.5 else "count"
    plane = svg.Plane(svg.Scale(0, max(last, 1), ticks), svg.scale(values, unit))
    shapes = [plane.band(band, "diversity")] if len(band) > 1 else []
    shown = [numbers.brief(_mean(row), unit) for row in rows]
    description = f"From {shown[0]} to {shown[-1]} in {numbers.plural(last, 'generation')}."
    marks = [plane.paths(*shapes, plane.curve(line, "diversity"))]
    drawing = plane.draw(marks, title=title, description=description, key=key)
    points = [(str(row.generation), text) for row, text in zip(rows, shown, strict=True)]
    return Chart(key, title, description, drawing, ("Generation", title), points)


def _mean(row: Simulated) -> Estimate:
    """The mean over the runs with the range of one run; the mean alone where there is no range."""
    lower, upper = (row.value if end is None else end for end in (row.lower, row.upper))
    return Estimate(row.value, lower, upper)
