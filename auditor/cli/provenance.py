"""`auditor provenance` and `auditor verify`: the record, and whether the corpus is still what was audited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from auditor.cli.app import app
from auditor.cli.arguments import CORPUS_NOW, RUN, ForMachines
from auditor.cli.output.printing import say
from auditor.errors import EXIT_FAIL, EXIT_INCOMPLETE, EXIT_PASS, worst

if TYPE_CHECKING:
    from auditor.pipeline.finished.verify import Compared

CODES = {
    "same": EXIT_PASS,
    "rearranged": EXIT_PASS,
    "changed": EXIT_FAIL,
    "unreadable": EXIT_INCOMPLETE,
    "not_compared": EXIT_PASS,
}
SHOWN = 20  # shards named of each kind
WORDS = {
    "same": "The corpus is what was audited.",
    "rearranged": "The records are those that were audited, in other files.",
    "changed": "The corpus is not what was audited.",
    "unreadable": "A part of the corpus cannot be read, so nothing is said of the whole.",
}


@app.command(
    epilog=(
        "Example: auditor provenance run --format croissant > croissant.json\n\n"
        "Origins that no column states can stand beside a shard, in SHARD.provenance.json, or for a folder in "
        'provenance.json: {"licence": "CC-BY-4.0", "origin": "…", "generator": "…", "verifier": "…"} '
        '("generator": null declares that there is none)'
    ),
)
def provenance(
    run: Path = RUN,
    format: str = typer.Option("json", help="json (the whole ledger), croissant, or prov (W3C PROV-JSON)."),
    out: Path | None = typer.Option(None, metavar="FILE", help="Write to a file instead of stdout."),
    corpus: list[str] = CORPUS_NOW,
) -> None:
    """The record of an audit: shards with origin, licence, declared and measured share, largest web hosts, versions."""
    from auditor.cli.output.printing import print_json
    from auditor.manifest import write_text
    from auditor.pipeline.finished.record import write_record
    from auditor.reports.model.schema import to_json

    found = write_record(run, format, corpus)
    if out is None:
        print_json(found)
    else:
        write_text(out, to_json(found))
        say(out)


@app.command(
    epilog=(
        "Example: auditor verify run crawl/   (exit code 0 unchanged, 1 changed, 3 unreadable, or a run that does not "
        "account for every record)"
    )
)
def verify(
    run: Path = RUN,
    corpus: list[str] = typer.Argument(
        None, metavar="[CORPUS…]", help="Where the corpus lies now; without it the run's own counts are checked alone."
    ),
    quick: bool = typer.Option(False, help="Trust files of the same size, time, head and tail."),
    json: ForMachines = False,
) -> int:
    """Is the corpus still what was audited, and does the run account for every record?

    Compares texts, ids, dates, addresses, languages, sources, topics, categories, generators and licences, and the
    number of records left out for each reason; not names or order.
    """
    from auditor.cli.output.printing import print_json
    from auditor.pipeline.finished.verify import NOT_COMPARED
    from auditor.pipeline.finished.verify import verify as compare
    from auditor.records import plain

    found = compare(run, corpus or (), quick=quick)
    law = found.conservation
    code = worst([CODES[found.verdict], EXIT_PASS if law.holds else EXIT_INCOMPLETE])
    if json:
        print_json(plain(found))
        return code
    for breach in law.broken[:SHOWN]:
        say(f"does not add up: {breach.scope}: {breach.what}")
    say(
        f"{_counted(law.records, 'record')} in {_counted(law.shards, 'shard')}: {_counted(law.documents, 'document')} "
        f"and {law.skipped:,} skipped."
        + (" Every record is accounted for." if law.holds else " The run does not account for every record.")
    )
    if found.compared:
        _print_comparison(found.compared)
        say(f"Not compared: {'; '.join(NOT_COMPARED)}.")
    return code


def _counted(number: int, what: str) -> str:
    """The number with every digit, because people compare these numbers."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def _print_comparison(found: Compared) -> None:
    for name in found.changed[:SHOWN]:
        say(f"changed: {name}: {found.differences[name]}")
    for kind, names in (("missing", found.missing), ("new", found.new)):
        for name in names[:SHOWN]:
            say(f"{kind}: {name}")
    for name, old in list(found.moved.items())[:SHOWN]:
        say(f"moved: {old} is now {name}")
    for name, reason in list(found.unreadable.items())[:SHOWN]:
        say(f"unreadable: {name}: {reason}")
    say(f"{WORDS[found.verdict]} Audited {found.audited_digest}, now {found.digest}.")
