"""Arguments of commands, each declared once: those that several commands take, and those of `audit` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CORPUS_NOW = typer.Option(
    [], "--corpus", metavar="PATH", help="Where the corpus is now; needed for a run that somebody else made."
)
RUN = typer.Argument(..., metavar="RUN", help="Folder of a finished run.")
ForMachines = Annotated[bool, typer.Option("--json", help="For machines.")]
PrintReport = Annotated[bool, typer.Option("--json", help="Print report.json.")]
NoProgress = Annotated[bool, typer.Option(help="No progress on stderr.")]

_WHERE = "Where to look"
_HOW = "How to measure"
_RUN = "How to run"
HumanReference = Annotated[
    list[str] | None, typer.Option(help="Text known to be human; default none.", rich_help_panel=_WHERE)
]
KnownAi = Annotated[
    list[str] | None, typer.Option(help="Text known to be machine-written; default none.", rich_help_panel=_WHERE)
]
Against = Annotated[
    list[str] | None,
    typer.Option(help="Earlier runs in which to look for repeats; default none.", rich_help_panel=_WHERE),
]
TextColumn = Annotated[
    str | None, typer.Option(help="Column of the text; default found by its name.", rich_help_panel=_WHERE)
]
IdColumn = Annotated[
    str | None, typer.Option(help="Column of the document's id; default found by its name.", rich_help_panel=_WHERE)
]
DateColumn = Annotated[
    str | None,
    typer.Option(help="Column of the date of writing or crawling; default found by its name.", rich_help_panel=_WHERE),
]
UrlColumn = Annotated[
    str | None, typer.Option(help="Column of the web address; default found by its name.", rich_help_panel=_WHERE)
]
LanguageColumn = Annotated[
    str | None, typer.Option(help="Column of the language; default found by its name.", rich_help_panel=_WHERE)
]
TopicColumn = Annotated[
    str | None, typer.Option(help="Column of the topic; default found by its name.", rich_help_panel=_WHERE)
]
SourceColumn = Annotated[
    str | None, typer.Option(help="Column of the source; default found by its name.", rich_help_panel=_WHERE)
]
CategoryColumn = Annotated[
    str | None,
    typer.Option(help="Column of a class to follow by name; default found by its name.", rich_help_panel=_WHERE),
]
Detectors = Annotated[list[str] | None, typer.Option(help="Detectors to use; default all.", rich_help_panel=_HOW)]
DeepSample = Annotated[
    str | None,
    typer.Option(metavar="N|all", help="Documents that the deep detectors also read; default 0.", rich_help_panel=_HOW),
]
DeepBudget = Annotated[
    str | None,
    typer.Option(metavar="5m", help="Time limit for the deep detectors; default none.", rich_help_panel=_HOW),
]
Meaning = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="English documents that the sentence encoder compares by meaning; default 0.",
        rich_help_panel=_HOW,
    ),
]
DatedAnchors = Annotated[
    bool | None,
    typer.Option(help="Treat documents dated before November 2022 as human; default yes.", rich_help_panel=_HOW),
]
MinimumWords = Annotated[
    int | None, typer.Option(help="Shorter documents are not judged; default 100.", rich_help_panel=_HOW)
]
NearDupThreshold = Annotated[
    float | None,
    typer.Option(
        help="Jaccard similarity from which documents count as near-duplicates; default 0.8.", rich_help_panel=_HOW
    ),
]
Level = Annotated[float | None, typer.Option(help="Coverage of the intervals; default 0.95.", rich_help_panel=_HOW)]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="standard|full",
        help="full: word-order measures of the texts too; default standard.",
        rich_help_panel=_HOW,
    ),
]
ShardsSample = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Read only this many files, as a sample of all; default all.", rich_help_panel=_HOW
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of every random draw; default 0.", rich_help_panel=_HOW)]
Retain = Annotated[
    str | None,
    typer.Option(help="sample, redacted or none: keep a sample of texts; default sample.", rich_help_panel=_RUN),
]
Excerpts = Annotated[
    bool,
    typer.Option(
        "--excerpts", help="Quote redacted beginnings of retained documents in the reports.", rich_help_panel=_RUN
    ),
]
Workers = Annotated[int | None, typer.Option(help="Processes; default all cores.", rich_help_panel=_RUN)]
MemoryLimit = Annotated[
    str | None,
    typer.Option(help="Memory for all processes, such as 4GB; default half of the machine's.", rich_help_panel=_RUN),
]
Launcher = Annotated[str | None, typer.Option(help="local, slurm or ray; default local.", rich_help_panel=_RUN)]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="TOML file of settings, which options given here override; default none."
    ),
]
PolicyFile = Annotated[
    str | None, typer.Option(metavar="P.toml", help="Judge by a policy too, as `auditor gate` does; default none.")
]
Store = Annotated[
    str | None, typer.Option(metavar="FILE", help="Copy the figures into a store of many audits; default none.")
]
Fresh = Annotated[bool, typer.Option(help="Start over instead of resuming.", rich_help_panel=_RUN)]
Quiet = Annotated[bool, typer.Option(help="No progress on stderr.", rich_help_panel=_RUN)]
ReportJson = Annotated[
    bool, typer.Option("--json", help="Print report.json instead of the summary.", rich_help_panel=_RUN)
]

_WHAT = "What to write"
_WHICH = "Which documents stay"
ToKeep = Annotated[Path | None, typer.Option(metavar="FILE", help="Parquet of what stays.", rich_help_panel=_WHAT)]
ToDrop = Annotated[Path | None, typer.Option(metavar="FILE", help="Parquet of what goes.", rich_help_panel=_WHAT)]
ToFilter = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder for a copy of the corpus without what goes.", rich_help_panel=_WHAT),
]
ToWeigh = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Parquet of sampling weights that protect the tail.", rich_help_panel=_WHAT),
]
ToReview = Annotated[
    int | None,
    typer.Option(metavar="N", help="Number of documents for people to label, written to --out.", rich_help_panel=_WHAT),
]
ReviewFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File for --review: .csv or .jsonl.", rich_help_panel=_WHAT)
]
ToMix = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML of the reservoir's mix plan.", rich_help_panel=_WHAT)
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="P", help="Leave out documents at least this likely to be machine-written.", rich_help_panel=_WHICH
    ),
]
KeepDuplicates = Annotated[bool, typer.Option(help="Keep all copies, not one of each.", rich_help_panel=_WHICH)]
DropIneligible = Annotated[bool, typer.Option(help="Leave out what was not measured.", rich_help_panel=_WHICH)]
DropUnread = Annotated[
    bool,
    typer.Option(help="With --filtered: also leave out records that could not be read.", rich_help_panel=_WHICH),
]
DropShard = Annotated[
    list[str] | None,
    typer.Option(metavar="SHARD", help="Leave out this shard; may be repeated.", rich_help_panel=_WHICH),
]
DryRun = Annotated[bool, typer.Option(help="Write nothing: say what would be kept and lost.", rich_help_panel=_WHAT)]
