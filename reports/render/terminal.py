"""The report in one screen of a terminal: 80 columns, plain where it is piped."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.reports.model.schema import Report, Shard
from auditor.reports.text import numbers
from auditor.reports.text.clean import names_apart
from auditor.reports.text.numbers import Number
from auditor.reports.view import first_screen, summary

SHARDS, FINDINGS, NARROWEST = 12, 6, 10
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def print_summary(report: Report, console: Console) -> None:
    """Headline, the answers in sentences, the worst shards, the gravest findings."""
    console.print(Text(summary.headline(report), style="bold"))
    found = summary.verdict(report)
    if found:
        console.print(Text(f"{found.words} {found.policy}".strip(), style="bold"))
    for sentence in summary.sentences(report):
        console.print(Text(sentence))
    shards = summary.worst_first(report.shards)
    console.print()
    console.print(_table(shards[:SHARDS], console.width))
    if len(shards) > SHARDS:
        console.print(Text(f"and {len(shards) - SHARDS:,} more shards", style="dim"))
    findings = summary.findings(report)
    for finding in findings[:FINDINGS]:
        line = Text(finding.severity + " ", style=STYLES[finding.severity])
        console.print(line + Text(f"{finding.scope}: {finding.message}", style=""))
    if len(findings) > FINDINGS:
        console.print(Text(f"and {len(findings) - FINDINGS:,} more findings in the report", style="dim"))
    if any(shard.synthetic_fraction.status == "inconclusive" for shard in shards[:SHARDS]):
        console.print(Text("? inconclusive: the interval does not promise to hold the truth", style="dim"))
    console.print()
    for place, step in enumerate(first_screen.steps(report), 1):
        console.print(Text(f"{place}. {step.title}"))
        for command in step.commands:
            console.print(Text(f"   {command}", style="bold"))


def _table(shards: list[Shard], width: int) -> Table:
    """The figures whole; the names get what is left of the width."""
    titles = ("documents", "machine-written", "repeated", "types lost")
    figures = [
        (
            f"{shard.documents:,}",
            *(_short(e) for e in (shard.synthetic_fraction, shard.duplicate_fraction)),
            _types_lost(shard.diversity_loss.q0),
        )
        for shard in shards
    ]
    taken = sum(2 + max(map(len, column)) for column in zip(titles, *figures, strict=True))
    names = names_apart([shard.shard for shard in shards], max(NARROWEST, width - taken))
    table = Table(box=None, pad_edge=False, expand=False, padding=(0, 2, 0, 0))
    table.add_column("shard", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for shown, cells in zip(names, figures, strict=True):
        table.add_row(Text(shown), *cells)
    return table


def _types_lost(loss: Number) -> str:
    """A loss where there is one; otherwise its upper bound, because a gain is not a loss."""
    if not numbers.measured(loss) or loss.lower > 0:
        return _short(loss)
    mark = "?" if loss.status == "inconclusive" else ""
    return f"at most {numbers.bare_percent(loss.upper)}%{mark}" if loss.upper > 0 else f"none{mark}"


def _short(e: Number) -> str:
    """An estimate in a narrow column; a question mark where it is inconclusive."""
    if not numbers.measured(e):
        return "not measured"
    bounds = numbers.interval(e)
    mark = "?" if e.status == "inconclusive" else ""
    return f"{numbers.bare_percent(e.value)}%{mark}" + (f" ({bounds})" if bounds else "")
