"""The Typer application that every module of commands adds itself to."""

from __future__ import annotations

import os

import typer

from auditor.cli.output.printing import say

# Only small systems of equations are solved: threads would mostly spin, and the last bits would depend on their number.
# It is set here because every command imports this module before anything imports numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = typer.Typer(
    name="auditor",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=(
        "How much of a training corpus is machine-written, what diversity that has cost, and how much verified "
        "human text keeps the next generations healthy.\n\n"
        "Start with: [bold]auditor audit CORPUS --out RUN[/bold]"
    ),
    epilog=(
        "Exit codes: 0 done or passed, 1 policy failed, 2 usage or a path that isn't there, 3 incomplete or internal "
        "error, 4 inconclusive, 5 nothing audited."
    ),
)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        from auditor.distribution import program_version

        say(f"auditor {program_version()}")
        raise typer.Exit
