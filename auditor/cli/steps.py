"""The steps of an audit one by one, for any scheduler: map a slice, reduce a partition, finalise."""

from __future__ import annotations

from pathlib import Path

import typer

from auditor.cli.app import app
from auditor.cli.arguments import CORPUS_NOW, NoProgress, PrintReport
from auditor.cli.output.printing import say
from auditor.errors import EXIT_INCOMPLETE, EXIT_PASS, ConfigError

RUN = typer.Argument(..., metavar="RUN", help="Folder of the run, made by `auditor plan CORPUS --out RUN`.")
TRUST = typer.Option(False, "--trust", help="The run is yours, though another machine laid it out.")
STORE = typer.Option(None, metavar="FILE", help="Shared store to copy the figures into; default the run's own.")


@app.command("map", epilog="Example: auditor map run --shard 3/16   (the fourth of sixteen slices, from 0)")
def map_slice(
    run: Path = RUN,
    shard: str = typer.Option("0/1", metavar="i/N", help="The i-th of N slices of the plan, from 0."),
    corpus: list[str] = CORPUS_NOW,
    trust: bool = TRUST,
    workers: int | None = typer.Option(None, min=1, help="Processes here; default those of the plan."),
    quiet: NoProgress = False,
) -> int:
    """Measure one slice of the plan; slices run anywhere that sees the folder, in any order."""
    from auditor.cli.output.progress import Bars
    from auditor.pipeline.map.crew import map_all
    from auditor.pipeline.run import ownership
    from auditor.pipeline.run.bucket import heard, worked_on
    from auditor.pipeline.run.recovery import unfinished
    from auditor.pipeline.run.run import load_run, need_corpus

    index, of = slice_of(shard)
    with worked_on(run, keys=lambda plan: [task.key for task in plan.slice(index, of)]) as (folder, bucket):
        if trust:
            ownership.trust(folder)
        opened = load_run(folder, corpus)
        plan, config = opened.plan, opened.config
        need_corpus(plan)
        config = config.model_copy(update={"workers": workers or config.workers, "launcher": "local"})
        tasks = plan.slice(index, of)
        with Bars(quiet=quiet) as bars:
            failed = map_all(plan, config, folder, tasks=tasks, progress=heard(bars, bucket))
        left = {task.shard.name: failed[task.key] for task in tasks if task.key in failed}
        missing = unfinished(tasks, folder) | left
    for name, reason in missing.items():
        say(f"auditor: {name}: {reason}", error=True)
    return EXIT_INCOMPLETE if missing else EXIT_PASS


@app.command("reduce", epilog="Example: auditor reduce run --partition 0/16")
def reduce_slice(
    run: Path = RUN,
    partition: str = typer.Option("0/1", metavar="j/M", help="The j-th of M slices of the band partitions, from 0."),
) -> int:
    """Find candidate duplicates in some band partitions; `finalise` verifies them."""
    from auditor.pipeline.reduce.cluster import reduce_slice as reduce_some
    from auditor.pipeline.run.bucket import worked_on
    from auditor.pipeline.run.run import load_run

    index, of = slice_of(partition)
    with worked_on(run) as (folder, _):
        opened = load_run(folder)
        plan, config = opened.plan, opened.config
        reduce_some(folder, plan, config, index, of)
    return EXIT_PASS


@app.command(epilog="Example: auditor finalise run")
def finalise(
    run: Path = RUN,
    store: str | None = STORE,
    corpus: list[str] = CORPUS_NOW,
    trust: bool = TRUST,
    quiet: NoProgress = False,
    json: PrintReport = False,
) -> int:
    """Verify clusters, estimate, and write tables and reports from what has been mapped."""
    from auditor.cli.output.printing import print_json, print_outcome
    from auditor.cli.output.progress import Bars
    from auditor.pipeline.audit import finish
    from auditor.pipeline.run import ownership
    from auditor.pipeline.run.bucket import heard, worked_on

    with worked_on(run) as (folder, bucket), Bars(quiet=quiet) as bars:
        if trust:
            ownership.trust(folder)
        outcome = finish(folder, corpus=corpus, store=store, progress=heard(bars, bucket))
    if json:
        print_json(outcome.report)
    else:
        print_outcome(outcome.report, run)
    return outcome.exit_code


@app.command(epilog="Example: auditor merge runs/2026-10 runs/2026-11 --out runs/both")
def merge(
    runs: list[Path] = typer.Argument(..., metavar="RUN…", help="Finished runs."),
    out: Path = typer.Option(..., "--out", metavar="RUN", help="New folder for the joint run."),
    store: str | None = typer.Option(None, metavar="FILE", help="Shared store to copy the joint figures into."),
    quiet: NoProgress = False,
    json: PrintReport = False,
) -> int:
    """Several runs as one corpus (a month of dumps): duplicates across them, one set of figures."""
    from auditor.pipeline.finished.merge import merge_runs

    merge_runs(runs, out)
    return finalise(out, store=store, corpus=[], trust=False, quiet=quiet, json=json)


def slice_of(text: str) -> tuple[int, int]:
    """ "3/16" as (3, 16). Raises: ConfigError"""
    index, slash, of = text.partition("/")
    if not (slash and index.isdigit() and of.isdigit() and int(index) < int(of)):
        raise ConfigError(f"{text!r} is not a slice: write i/N with i from 0 to N-1, such as 0/4")
    return int(index), int(of)
