"""What each command costs in time and reading, printed at the end of its --help.

The figures of an audit are those of benchmarks/results/scale.json, from 20,000 to ten million documents.
"""

from __future__ import annotations

import typer

SECONDS = "seconds; it reads the run, not the corpus"
COSTS = {
    "audit": (
        "reads the corpus once, about 25 MB of text a second on each core (a quarter of that for HTML in WARC files), "
        "with about 1 GB of memory and half of the text's size on disk; `auditor plan` says it for your "
        "corpus. --deep-sample is far slower: give it a --deep-budget; --meaning reads about 10 documents a second "
        "on each core, as many again of a human reference"
    ),
    "plan": "seconds; it reads the beginning of each file",
    "map": "that of `auditor audit`, divided by the number of slices",
    "reduce": "a tenth to a third of the time of `auditor map`; it reads the run, not the corpus",
    "finalise": "seconds to minutes; documents in doubtful clusters are read from the corpus again",
    "merge": "seconds to minutes; it reads the runs, not their corpora",
    "reservoir": SECONDS,
    "simulate": "seconds; more generations and replicates take longer in proportion",
    "trend": "seconds; it reads the store alone",
    "compare": "seconds; two audits of one calibration are estimated once more together, which may take a minute",
    "export": "seconds; --filtered reads the corpus once more and writes it again",
    "label": "seconds to minutes: the estimate is made again; the corpus is not read",
    "report": SECONDS,
    "inspect": "seconds; it reads one file of the corpus where the text was not retained",
    "lookup": SECONDS,
    "forget": SECONDS,
    "gate": SECONDS,
    "provenance": SECONDS,
    "verify": "reads the whole corpus once; with --quick only the ends of each file, without CORPUS none of it",
    "sample": "seconds, 2 MB of disk; it needs the extra `sample`",
    "detectors list": "seconds",
    "detectors install": "one download through pip, tens to hundreds of megabytes",
    "detectors train": "minutes on two cores; --deep about an hour",
    "detectors evaluate": "minutes on two cores, and training before it without --models; --deep about an hour",
}


def tell_costs(app: typer.Typer) -> None:
    """Append its cost to the epilog of every command of an application and of its groups."""
    for command in app.registered_commands:
        _tell(command, "")
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            _tell(command, f"{group.name} ")


def _tell(command: typer.models.CommandInfo, before: str) -> None:
    name = str(command.name or getattr(command.callback, "__name__", ""))
    command.epilog = f"{command.epilog or ''}\n\nCost: {COSTS[before + name]}."
