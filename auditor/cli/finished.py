"""Commands that read a finished run: report, inspect, lookup, forget."""

from __future__ import annotations

from pathlib import Path

import typer

from auditor.cli.app import app
from auditor.cli.arguments import CORPUS_NOW, RUN, ForMachines
from auditor.cli.output.printing import say
from auditor.errors import ConfigError


@app.command(
    epilog=(
        "Example: auditor report run --format html,md,json,junit\n\n"
        "A section of a dataset's README.md: auditor report run --format card --out dataset/"
    )
)
def report(
    run: Path = RUN,
    format: str = typer.Option(
        "html", help="html, md, json, junit, card; several with commas. card: a section of README.md."
    ),
    out: Path | None = typer.Option(None, help="Folder to write to; default the run's."),
    excerpts: bool = typer.Option(False, "--excerpts", help="Quote redacted beginnings of retained documents."),
    json: bool = typer.Option(False, "--json", help="Print report.json on stdout."),
) -> None:
    """Render the reports again from what is stored."""
    from auditor.cli.output.printing import print_json
    from auditor.pipeline.report.excerpts import render_with_excerpts
    from auditor.pipeline.report.render import render_again
    from auditor.pipeline.run.bucket import results_of
    from auditor.pipeline.run.reopen import read_report

    if json:
        with results_of(run) as (folder, _):
            print_json(read_report(folder))
        return
    render = render_with_excerpts if excerpts else render_again
    with results_of(run, parts=excerpts) as (folder, bucket):
        written = render(folder, tuple(part.strip() for part in format.split(",")), out or folder)
        shown = [bucket.address(path) if bucket else path for path in written]
    for path in shown:
        say(path)


@app.command(epilog="Example: auditor inspect run crawl/part-3.parquet:1207")
def inspect(
    run: Path = RUN,
    document: str = typer.Argument(..., metavar="DOC", help="SHARD:ROW, a document's id, or a stable id."),
    corpus: list[str] = CORPUS_NOW,
    text: bool = typer.Option(False, help="Show the passages themselves (they are not redacted)."),
    json: ForMachines = False,
) -> None:
    """One document: its scores and those of its passages, what moved them, its cluster, where it differs."""
    from auditor.cli.output.printing import print_inspection, print_json
    from auditor.pipeline.finished.inspect import inspect_document
    from auditor.pipeline.run.bucket import results_of
    from auditor.records import plain

    with results_of(run, parts=True) as (folder, _):
        found = inspect_document(folder, document, show_text=text, corpus=corpus)
    if json:
        print_json(plain(found))
    else:
        print_inspection(found)


@app.command(epilog="Example: auditor lookup run article.txt   (or a JSONL file, or - for standard input)")
def lookup(
    run: Path = RUN,
    file: str = typer.Argument(..., metavar="FILE", help="A text, JSONL or other readable file, or -."),
    json: ForMachines = False,
) -> None:
    """Is this text, or nearly, already in the corpus?"""
    from auditor.cli.output.printing import print_json, print_table
    from auditor.pipeline.finished.lookup import look_up
    from auditor.records import plain

    found = look_up(run, file)
    if json:
        print_json(plain(found))
        return
    rows = [
        [m.query, *((m.place.shard, m.place.row, m.place.doc_id) if m.place else ("", "", "")), f"{m.jaccard:.2f}"]
        for m in found.matches
    ]
    print_table("", ["text", "shard", "row", "id", "similarity (estimated)"], rows)
    say(f"{found.texts:,} texts looked up, {found.found:,} of them stand in the corpus, or nearly")


@app.command(epilog="Example: auditor forget run")
def forget(run: Path = RUN) -> None:
    """Remove the retained text of a run and the excerpts of its reports; the figures stay."""
    from auditor.manifest import locked
    from auditor.pipeline.report.excerpts import forget_excerpts
    from auditor.pipeline.run.retained import copies, forget_texts

    if not run.is_dir():
        raise ConfigError(f"there is no run {run}")
    with locked(run):
        forget_excerpts(run)
        removed = forget_texts(run)
    say(f"{removed:,} files of retained text removed")
    for path in copies(run):
        say(f"still quotes it, and is yours to remove: {path}")
