"""Arguments of commands, each declared once: those that several commands take, and those of `audit` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CORPUS_NOW = typer.Option(
    [], "--corpus", metavar="PATH", help="Where the corpus lies now; needed for a run that somebody else made."
)
RUN = typer.Argument(..., metavar="RUN", help="Folder of a finished run.")
ForMachines = Annotated[bool, typer.Option("--json", help="For machines.")]

_WHAT = "What to write"
_WHICH = "Which documents stay"
ToKeep = Annotated[Path | None, typer.Option(metavar="FILE", help="Parquet of what stays.", rich_help_panel=_WHAT)]
ToDrop = Annotated[Path | None, typer.Option(metavar="FILE", help="Parquet of what goes.", rich_help_panel=_WHAT)]
ToFilter = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The corpus again, without what goes.", rich_help_panel=_WHAT)
]
ToWeigh = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Parquet of sampling weights that protect the tail.", rich_help_panel=_WHAT),
]
ToReview = Annotated[
    int | None, typer.Option(metavar="N", help="Documents for people to label, into --out.", rich_help_panel=_WHAT)
]
ReviewFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Of --review: .csv or .jsonl.", rich_help_panel=_WHAT)
]
ToMix = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML of the reservoir's mix plan.", rich_help_panel=_WHAT)
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="P", help="Leave out documents at least this probably machine-written.", rich_help_panel=_WHICH
    ),
]
KeepDuplicates = Annotated[bool, typer.Option(help="Keep all copies, not one of each.", rich_help_panel=_WHICH)]
DropIneligible = Annotated[bool, typer.Option(help="Leave out what was not measured.", rich_help_panel=_WHICH)]
DropUnread = Annotated[
    bool,
    typer.Option(help="Of --filtered: leave out records that could not be read, too.", rich_help_panel=_WHICH),
]
DropShard = Annotated[
    list[str] | None,
    typer.Option(metavar="SHARD", help="Leave out this shard; may be repeated.", rich_help_panel=_WHICH),
]
DryRun = Annotated[bool, typer.Option(help="Write nothing: say what would be kept and lost.", rich_help_panel=_WHAT)]
