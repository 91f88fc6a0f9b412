"""What commands print: JSON for machines, compact tables for people."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import UNSEEN, visible

if TYPE_CHECKING:
    from auditor.pipeline.finished.inspect import Inspection, ShownPassage
    from auditor.pipeline.run.cost import Outlook
    from auditor.records import Json
    from auditor.reports.model.base import R
    from auditor.reports.model.reservoir import Reservoir


def say(line: object = "", *, error: bool = False) -> None:
    """Print one line. Names in it come from outside, so control characters are made visible."""
    print(visible(line), file=sys.stderr if error else sys.stdout, flush=error)


def say_lines(text: str) -> None:
    """Print a text of several lines, line by line."""
    for line in text.removesuffix("\n").split("\n"):
        say(line)


def print_json(content: Any) -> None:
    """Print strict JSON; control characters, and what the terminal's encoding lacks, are escaped as JSON does."""
    from auditor.reports.model.schema import to_json

    text = to_json(content)
    # Control characters below the space are escaped already, except for the line feeds between values.
    text = re.sub(UNSEEN.pattern.replace("\x00-\x1f", ""), _escaped, text)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if not encoding.lower().replace("-", "").startswith("utf"):
        text = re.sub("[^\x00-\x7f]", _escaped, text)
    sys.stdout.write(text)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def print_outcome(report: Json, run: Path) -> None:
    """The summary of a run, and where its report is."""
    from rich.console import Console

    from auditor.reports.model.schema import check
    from auditor.reports.render.terminal import print_summary

    console = Console(highlight=False)
    print_summary(check(report), console)
    page = run / "report.html"
    if page.exists():
        say(f"Report: {page}")


def print_retained(run: Path) -> None:
    """Say which text of the corpus the run keeps, and how to remove it."""
    from auditor.pipeline.run.retained import retained

    kept = retained(run)
    if kept.bytes:
        say(
            f"Retained: the beginnings of {kept.documents:,} documents ({size(kept.bytes)}) in {run}, readable by you "
            f"alone. auditor forget {run} removes them; --retain none keeps no text, --retain redacted no addresses "
            "and keys."
        )


def print_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A plain table; control characters never reach the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from auditor.reports.text.clean import clean

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean("" if cell is None else str(cell), 200)) for cell in row))
    Console(highlight=False).print(table)


def print_plan(found: Outlook) -> None:
    """What `auditor plan` found."""
    rows = [
        [
            shard.shard,
            shard.format + (f".{shard.compression}" if shard.compression else ""),
            size(shard.bytes),
            "?" if shard.documents is None else f"{shard.documents:,}",
            ", ".join(f"{name}={value}" for name, value in shard.columns.items() if name != "family"),
        ]
        for shard in found.shards[:50]
    ]
    print_table("", ["shard", "format", "size", "documents", "columns"], rows)
    cost = found.cost
    if len(found.shards) > len(rows):
        say(f"… and {len(found.shards) - len(rows):,} more shards")
    for unread in found.unreadable:
        say(f"cannot be read: {unread.shard}: {unread.reason}")
    for reason, count in Counter(unread.reason for unread in found.passed_over).most_common(10):
        say(f"passed over: {count:,} file{'s' * (count != 1)}: {reason}")
    shards = f"{len(found.shards):,} shard{'s' * (len(found.shards) != 1)}"
    say(
        f"{shards}, {size(found.bytes)}; about {time_of(cost.hours)} ({time_of(cost.core_hours)} of one core), "
        f"{size(cost.memory_bytes)} of memory, {size(cost.disk_bytes)} of disk"
    )


def time_of(hours: float) -> str:
    """Hours for people: 20 seconds, 3 hours."""
    for unit, least in (("hours", 2.0), ("minutes", 2.0 / 60)):
        if hours >= least:
            return f"{hours if unit == 'hours' else 60 * hours:,.0f} {unit}"
    seconds = max(round(3600 * hours), 1)
    return f"{seconds} second{'s' * (seconds != 1)}"


def size(count: float) -> str:
    """Bytes for people: 1.2 GB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


def print_reservoir(found: Reservoir) -> None:
    """The three bands and the policy floors."""
    rows = []
    for band in ("optimistic", "central", "pessimistic"):
        row: R = getattr(found, band)
        if row.tokens is None:
            rows.append([band, "cannot be sized", "", "", "", row.reason])
            continue
        rows.append(
            [
                band,
                f"{row.tokens:,.0f}",
                f"{row.documents:,.0f}",
                f"{row.human_share:.0%}",
                row.regime,
                row.binding_constraint,
            ]
        )
    for floor in found.policy:
        tokens = "cannot be sized" if floor.tokens is None else f"{floor.tokens:,.0f}"
        rows.append([f"policy ({floor.band})", tokens, "", f"{floor.human_share:.0%}", "", floor.source])
    title = f"Unique human text to acquire, {found.horizon} generations, loss of at most {found.tolerance:.0%}"
    print_table(title, ["band", "word tokens", "documents", "human share", "regime", "what binds"], rows)


def _print_passages(passages: Sequence[ShownPassage]) -> None:
    """Windows of sentences with a bar for each score; those that score like machine text are marked."""
    from auditor.reports.text.clean import clean

    rows = []
    for shown in passages:
        passage = shown.passage
        bar = "#" * int(min(max(passage.score, 0) * 3, 24))
        where = f"{passage.start}-{passage.end}"
        rows.append([where, passage.words, f"{passage.score:+.1f}", "marked" if passage.marked else "", bar])
        if shown.begins is not None:
            rows[-1].append(clean(shown.begins, 100))
    titles = ["where", "words", "score", "", ""] + ["begins"] * (passages[0].begins is not None)
    marked = sum(shown.passage.marked for shown in passages)
    title = f"Passages, in units of human text: {marked:,} of {len(passages):,} score like machine text"
    print_table("\n" + title, titles, rows)


def print_inspection(found: Inspection) -> None:
    """One document for people."""
    print_table("", ["document", ""], [[key, value] for key, value in found.document.items()])
    if found.unread:
        say(f"its text cannot be shown: {found.unread}")
    if found.why:
        rows = [[e.detector, e.what, f"{e.weight:+.2f}", f"{e.start}-{e.end}" if e.end else ""] for e in found.why]
        print_table(
            "\nWhat moved the score (positive: towards machine-written)", ["detector", "what", "by", "where"], rows
        )
    if len(found.passages) > 1:
        _print_passages(found.passages)
    if found.cluster:
        members = [
            [
                m.shard,
                m.row,
                m.doc_id,
                "representative" if m.representative else m.kind,
                "" if m.jaccard is None else f"{m.jaccard:.2f}",
            ]
            for m in found.cluster.members
        ]
        title = f"\nIts cluster of {found.cluster.size:,}"
        print_table(title, ["shard", "row", "id", "kind", "similarity"], members)
    if found.shared:
        print_table("\nThe longest passage it shares with the representative", [""], [[found.shared]])
    if found.differences:
        rows = [[pair.here, pair.representative] for pair in found.differences[:20]]
        print_table("\nWhere it differs from the representative", ["here", "representative"], rows)
    if found.text is not None:
        from auditor.reports.text.clean import clean

        say()
        say(clean(found.text, 20_000))
