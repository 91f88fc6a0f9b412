"""`auditor trend` and `auditor compare`: contamination over time, and what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from auditor.cli.app import app
from auditor.cli.arguments import ForMachines
from auditor.cli.output.printing import say

if TYPE_CHECKING:
    from auditor.reports.model.over_time import Compared

HTML = typer.Option(None, metavar="FILE", help="Write a page with plots.")


@app.command(
    epilog=(
        "Example: auditor audit crawl/ --out runs/2026-11 --store audits.duckdb; auditor trend audits.duckdb "
        "--html trend.html\n\nOnly crawls: auditor trend audits.duckdb --corpus 'crawl*'"
    ),
)
def trend(
    store: Path = typer.Argument(..., metavar="STORE", help="What `auditor audit --store` has filled."),
    corpus: list[str] | None = typer.Option(
        None, help="Only corpora of these names or patterns; '*' mixes all of a store."
    ),
    html: Path | None = HTML,
    json: ForMachines = False,
) -> None:
    """Contamination, duplicates and lost diversity over audits, with an early warning of a change for the worse.

    The warning is a control chart that raises a false alarm for one stable series in twenty over 24 audits.
    """
    from auditor.cli.output.printing import print_json, print_table
    from auditor.pipeline.finished.trend import trend as over_time
    from auditor.records import plain
    from auditor.reports.model.over_time import Trend
    from auditor.reports.render import pages
    from auditor.reports.text import numbers

    content = plain(over_time(store, corpus=tuple(corpus or ())))
    found = Trend.model_validate(content)
    _page(html, lambda: pages.render_trend(found))
    if json:
        print_json(content)
        return
    for series in found.series:
        rows = [
            [a.started_at[:16], a.corpus, numbers.estimate(*numbers.of_quantity(series.quantity, p.estimate))]
            for a, p in zip(found.audits, series.points, strict=True)
        ]
        print_table(f"\n{series.words}", ["begun", "corpus", ""], rows[-20:])
        for stop in series.breaks:
            say(f"the series breaks before {stop.before}: {stop.reason}")
        if series.alarm:
            say(f"EARLY WARNING: a change for the worse since about audit {series.alarm.since}")
        elif series.audits < series.chart.needed:
            say(f"no warning is possible yet: it needs {series.chart.needed} comparable audits")


@app.command(
    epilog=(
        "Example: auditor compare runs/2026-10 runs/2026-11 --html change.html\n\n"
        "Two shards of one run, whose shared error cancels: auditor compare run::a.parquet run::b.parquet"
    ),
)
def compare(
    first: str = typer.Argument(..., metavar="A", help="A run, or RUN::SHARD."),
    second: str = typer.Argument(..., metavar="B", help="A run, or RUN::SHARD."),
    html: Path | None = HTML,
    json: ForMachines = False,
) -> None:
    """What changed from one audit to another, and whether it is more than noise."""
    from auditor.cli.output.printing import print_json, print_table
    from auditor.pipeline.finished.compare import compare as between
    from auditor.records import plain
    from auditor.reports.model.over_time import Comparison
    from auditor.reports.render import pages
    from auditor.reports.text import numbers

    content = plain(between(first, second))
    found = Comparison.model_validate(content)
    _page(html, lambda: pages.render_compare(found))
    if json:
        print_json(content)
        return
    rows = [
        [
            row.words,
            *(numbers.estimate(*numbers.of_quantity(row.quantity, side)) for side in (row.a, row.b)),
            _change(row),
            row.verdict,
        ]
        for row in found.rows
    ]
    print_table("", ["", "A", "B", "change (points)", ""], rows)
    for why in sorted(set(found.not_compared.values())):
        say(f"not compared: {why}")
    worse = [row for row in found.shards if row.verdict.startswith("worse")]
    for row in worse[:20]:
        say(f"{row.scope}: {row.words} {row.verdict}, {_change(row)} points")
    say(found.method)


def _page(path: Path | None, render: Any) -> None:
    if path is not None:
        from auditor.manifest import write_text

        write_text(path, render())


def _change(row: Compared) -> str:
    from auditor.reports.text import numbers

    change = numbers.change_shown(row.quantity, row.change)
    if not numbers.measured(change):
        return ""
    return f"{100 * change.value:+.1f} ({100 * change.lower:+.1f} to {100 * change.upper:+.1f})"
