"""From report.json to what a page shows: sections of figures and tables, worst first, in words.

The view holds text alone; strings of the corpus are cleaned here and escaped by the renderer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.reports.model.schema import Report, Shard
from auditor.reports.model.sections import Passage
from auditor.reports.text import dates, numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.glossary import GLOSSARY
from auditor.reports.text.numbers import Number
from auditor.reports.view import first_screen, human_text, summary, table
from auditor.reports.view.certainty import Certainty, certainty
from auditor.reports.view.charts import Chart
from auditor.reports.view.diversity import DiversitySection, diversity
from auditor.reports.view.duplicates import DuplicatesSection, duplicates
from auditor.reports.view.first_screen import Card, Step
from auditor.reports.view.human_text import KeptText
from auditor.reports.view.machine_written import MachineWritten, machine_written
from auditor.reports.view.summary import Ruling, Shown, worst_first
from auditor.reports.view.what_to_do import Actions, actions

STATIC_ROWS, MOST_FINDINGS = 50, 40
UNITS = ("share", "share", "fewer", "less")  # of the estimates in the table of shards


@dataclass(frozen=True, slots=True)
class ShardRow:
    """A shard in the table for readers without JavaScript; cells: value and interval of each estimate."""

    shard: str
    cells: list[tuple[str, str]]
    documents: str
    tokens: str
    needed: str
    action: str
    flags: str


@dataclass(frozen=True, slots=True)
class Method:
    """How the figures were made, and from which sources."""

    passages: list[Passage]
    citations: list[str]


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What it takes to run the audit again."""

    command: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class View:
    """Everything the page shows, section by section."""

    title: str
    headline: str
    not_covered: list[str]
    sentences: list[str]
    cards: list[Card]
    steps: list[Step]
    glossary: dict[str, tuple[str, str]]
    verdict: Ruling | None
    estimand: str
    findings: list[Shown]
    more_findings: int
    day: str
    took: str
    synthetic: MachineWritten
    duplicates: DuplicatesSection
    diversity: DiversitySection
    kept: KeptText | None
    coverage: Chart | None
    actions: Actions
    static: list[ShardRow]
    certainty: Certainty
    method: Method
    reproduce: Reproduced


def view(report: Report) -> View:
    """What a page shows of a report."""
    audit, shards = report.audit, worst_first(report.shards)
    unread = [clean(text) for text in summary.not_covered(report)]
    return View(
        title=clean(audit.corpus, 100) or "corpus",
        headline=summary.headline(report),
        not_covered=unread,
        sentences=[clean(text) for text in summary.sentences(report)[len(unread) :]],
        cards=first_screen.cards(report),
        steps=first_screen.steps(report),
        glossary=GLOSSARY,
        verdict=summary.verdict(report),
        estimand=clean(report.estimand),
        findings=summary.findings(report)[:MOST_FINDINGS],
        more_findings=max(0, len(report.findings) - MOST_FINDINGS),
        day=dates.day(audit.finished_at),
        took=dates.duration(audit.started_at, audit.finished_at),
        synthetic=machine_written(report, shards),
        duplicates=duplicates(report, shards),
        diversity=diversity(report),
        kept=human_text.kept(report.reservoir),
        coverage=human_text.coverage(report.reservoir),
        actions=actions(report, [s.shard for s in shards]),
        static=static_rows(report, shards),
        certainty=certainty(report),
        method=method(report),
        reproduce=reproduce(report),
    )


def static_rows(report: Report, shards: Sequence[Shard]) -> list[ShardRow]:
    """The worst shards for readers without JavaScript; the script replaces them by all shards."""
    planned = {a.shard: a.action for a in report.actions}
    needed = table.needs(report.reservoir)
    return [
        ShardRow(
            shard=name(s.shard),
            cells=[_cell(of(s), unit) for of, unit in zip(table.ESTIMATES.values(), UNITS, strict=True)],
            documents=numbers.count(s.documents),
            tokens=numbers.count(s.tokens),
            needed=numbers.count(round(needed.get(s.shard, 0))) if needed else "",
            action=planned.get(s.shard, "keep") if planned else "",
            flags=clean("; ".join(s.flags), 120),
        )
        for s in shards[:STATIC_ROWS]
    ]


def _cell(e: Number, unit: str) -> tuple[str, str]:
    """The number, and its interval with a mark where it is inconclusive."""
    value = numbers.FORMS[unit][0](e.value) if numbers.measured(e) else "not measured"
    return value, numbers.interval(e, unit) + (" ?" if e.status == "inconclusive" else "")


def method(report: Report) -> Method:
    """The passages and sources, cleaned."""
    passages = [
        Passage(
            title=clean(p.title, 100),
            text=clean(p.text, 2000),
            formula=clean(p.formula, 300),
            references=[clean(r, 200) for r in p.references],
        )
        for p in report.method
    ]
    return Method(passages, [clean(c, 300) for c in report.citations])


def reproduce(report: Report) -> Reproduced:
    """The command, and what identifies the audit."""
    audit, made = report.audit, report.provenance
    facts = [
        ("Audit", audit.id),
        ("auditor", audit.version),
        ("Configuration hash", audit.config_hash),
        ("Seeds", ", ".join(f"{k} {v}" for k, v in audit.seeds.items())),
        ("Started", audit.started_at),
        ("Finished", audit.finished_at),
        ("Hash of the files read", made.files_hash),
        ("Packages", ", ".join(f"{k} {v}" for k, v in made.packages.items())),
    ]
    return Reproduced(clean(made.command, 1000), [(k, clean(v, 400)) for k, v in facts if v])
