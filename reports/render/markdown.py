"""The report as Markdown for a pull request: short, under GitHub's limit, and inert whatever a name holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from auditor.reports.model.reservoir import Reservoir
from auditor.reports.model.schema import Report, Shard
from auditor.reports.text import dates, numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import BANDS, CONSTRAINTS, spoken
from auditor.reports.view import first_screen, human_text, summary
from auditor.reports.view.certainty import skipped

SHARDS, FINDINGS, SKIPS = 50, 30, 30
# Where markup, a link, HTML, or a mention or issue of GitHub's could begin; names and figures need no escape.
_SPECIAL = re.compile(
    r"""(
      [\\`*\[\]<|~$]                                  # code, emphasis, links, HTML, table cells, formulas
    | (?<![^\W_])_ | _(?![^\W_])                       # emphasis, which an underscore within a word is not
    | &(?=[#\w]) | @(?=\w) | \#(?=\d) | (?<=gh)-(?=\d) # entities, mentions, issues
    | (?<=www)\. | :(?=//|[\w+-]+:) | (?<=mailto): | (?<=xmpp): # addresses, emoji
    | (?<=\{)[{%]                                      # templates of Jekyll, which makes sites of repositories
    | ^[\#>] | \#(?=\#*$) | ^[-+=](?=[-=\s]*$|\s)      # headings, quotations, lists, rules
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")  # a list's item


def render_markdown(report: Report) -> str:
    """A report as Markdown."""
    audit = report.audit
    parts = [
        f"# {escape(summary.headline(report))}",
        f"Audit of {escape(name(audit.corpus))}, {escape(dates.day(audit.finished_at))}, "
        f"auditor {escape(audit.version)}.",
        *_verdict(report),
        *(escape(sentence) for sentence in summary.sentences(report)),
        "## Shards, worst first",
        _shards(report.shards),
        *_findings(report),
        "## Next",
        _steps(report),
        "## Human text to acquire",
        _reservoir(report.reservoir),
        *_skips(report),
        "## What is estimated",
        escape(clean(report.estimand, 2000)),
    ]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text as text: no markup, no link, no mention survives."""
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", text))


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are escaped, columns of figures are aligned right."""
    rows = list(rows)
    flush = "".join("---:|" if numbers.figures_only(cells) else "---|" for cells in zip(*rows, strict=True))
    lines = ["| " + " | ".join(titles) + " |", "|" + (flush or "---|" * len(titles))]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _verdict(report: Report) -> list[str]:
    found = summary.verdict(report)
    return [f"**{escape(found.words)}** {escape(found.policy)}".strip()] if found else []


def _shards(shards: Sequence[Shard]) -> str:
    rows = [
        (
            name(shard.shard, 60),
            f"{shard.documents:,}",
            numbers.estimate(shard.synthetic_fraction),
            numbers.estimate(shard.duplicate_fraction),
            numbers.estimate(numbers.change_of_loss(shard.diversity_loss.q0), "fewer"),
        )
        for shard in summary.worst_first(shards)[:SHARDS]
    ]
    shown = table(("shard", "documents", "machine-written", "duplicated", "word types against the reference"), rows)
    more = len(shards) - len(rows)
    return shown + (f"\n\nand {more:,} more shards in report.json" if more else "")


def _findings(report: Report) -> list[str]:
    found = summary.findings(report)
    if not found:
        return []
    lines = [
        f"- **{escape(f.severity)}** {escape(f.scope)}: {escape(f.message)}"
        f"{': ' + escape(f.estimate) if f.estimate else ''}; {escape(f.advice)}"
        for f in found[:FINDINGS]
    ]
    more = len(found) - len(lines)
    return ["## Findings", "\n".join(lines + ([f"- and {more:,} more"] if more else []))]


def _steps(report: Report) -> str:
    lines = [
        f"{place}. {escape(step.title)}: {' then '.join(f'`{command}`' for command in step.commands)}"
        for place, step in enumerate(first_screen.steps(report), 1)
    ]
    return "\n".join(lines) + "\n\nRUN is the folder of this run\\."


def _reservoir(reservoir: Reservoir) -> str:
    rows = []
    bands = (reservoir.optimistic, reservoir.central, reservoir.pessimistic)
    for band, row in zip(BANDS, bands, strict=True):
        if row.tokens is None:
            rows.append((band, "not sized", "", clean(row.reason or "", 200)))
        else:
            share = numbers.percent(row.human_share) if row.human_share is not None else ""
            rows.append((band, human_text.tokens(row), share, clean(spoken(row.binding_constraint, CONSTRAINTS), 120)))
    rows += [
        (
            f"policy floor ({f.band})",
            numbers.count(f.tokens) if f.tokens is not None else "not sized",
            numbers.percent(f.human_share),
            clean(f.source, 120),
        )
        for f in reservoir.policy
    ]
    return table(("band", "unique human word tokens", "human share", "what binds"), rows)


def _skips(report: Report) -> list[str]:
    rows = skipped(report.skips)[:SKIPS]
    return (
        ["## Left out or repaired", table(("reason", "what was done", "records", "shards", "first"), rows)]
        if rows
        else []
    )
