"""What commands print: JSON for machines, compact tables for people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def print_json(content: Any) -> None:
    """Strict JSON on stdout."""
    from auditor.reports.schema import to_json

    sys.stdout.write(to_json(content))


def print_outcome(report: dict[str, Any], run: Path) -> None:
    """The summary of a run, and where its report is."""
    from rich.console import Console

    from auditor.reports.terminal import print_summary

    console = Console(highlight=False)
    print_summary(report, console)
    page = run / "report.html"
    if page.exists():
        console.print(f"Report: {page}", markup=False, soft_wrap=True)


def print_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A plain table; control characters never reach the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from auditor.reports.clean import clean

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean("" if cell is None else str(cell), 200)) for cell in row))
    Console(highlight=False).print(table)


def print_plan(found: dict[str, Any]) -> None:
    """What `auditor plan` found."""
    from rich.console import Console

    rows = [
        [
            shard["shard"],
            shard["format"] + (f".{shard['compression']}" if shard["compression"] else ""),
            size(shard["bytes"]),
            "?" if shard["documents"] is None else f"{shard['documents']:,}",
            ", ".join(f"{name}={value}" for name, value in shard["columns"].items() if name != "family"),
        ]
        for shard in found["shards"][:50]
    ]
    print_table("", ["shard", "format", "size", "documents", "columns"], rows)
    console, cost = Console(highlight=False), found["cost"]
    if len(found["shards"]) > len(rows):
        console.print(f"… and {len(found['shards']) - len(rows):,} more shards")
    for unread in found["unreadable"]:
        console.print(f"cannot be read: {unread['shard']}: {unread['reason']}", markup=False)
    console.print(
        f"{len(found['shards']):,} shards, {size(found['bytes'])}; about {cost['hours']:.2g} hours "
        f"({cost['core_hours']:.2g} core hours), {size(cost['memory_bytes'])} of memory, "
        f"{size(cost['disk_bytes'])} of disk"
    )


def size(count: float) -> str:
    """Bytes for people: 1.2 GB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"
