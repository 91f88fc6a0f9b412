"""`auditor audit` and `auditor plan`: the main job, and what it would cost."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import typer

from auditor.cli.app import app
from auditor.cli.output.printing import print_json, print_outcome, print_retained, say

CORPUS = typer.Argument(..., metavar="CORPUS…", help="Files, folders, globs, URLs, or - for standard input.")
WHERE = "Where to look"
HOW = "How to measure"
RUN = "How to run"
TEXT_COLUMN = typer.Option(None, help="Column of the text; default found by its name.", rich_help_panel=WHERE)
ID_COLUMN = typer.Option(None, help="Column of the document's id; default found by its name.", rich_help_panel=WHERE)
DATE_COLUMN = typer.Option(
    None, help="Column of the date of writing or crawling; default found by its name.", rich_help_panel=WHERE
)
URL_COLUMN = typer.Option(None, help="Column of the web address; default found by its name.", rich_help_panel=WHERE)
LANGUAGE_COLUMN = typer.Option(None, help="Column of the language; default found by its name.", rich_help_panel=WHERE)
TOPIC_COLUMN = typer.Option(None, help="Column of the topic; default found by its name.", rich_help_panel=WHERE)
SOURCE_COLUMN = typer.Option(None, help="Column of the source; default found by its name.", rich_help_panel=WHERE)
CATEGORY_COLUMN = typer.Option(
    None, help="Column of a class to follow by name; default found by its name.", rich_help_panel=WHERE
)
CONFIG = typer.Option(
    None, "--config", metavar="FILE", help="Settings from a TOML file, by default none; options here override it."
)


@app.command(
    epilog="Example: auditor audit crawl/*.parquet --human-reference books/ --out run",
)
def audit(
    corpus: list[str] = CORPUS,
    out: Path = typer.Option(..., "--out", metavar="RUN", help="Folder of the run; the same command resumes."),
    human_reference: list[str] | None = typer.Option(
        None, help="Text known to be human; default none.", rich_help_panel=WHERE
    ),
    known_ai: list[str] | None = typer.Option(
        None, help="Text known to be machine-written; default none.", rich_help_panel=WHERE
    ),
    against: list[str] | None = typer.Option(
        None, help="Earlier runs to look for repeats in; default none.", rich_help_panel=WHERE
    ),
    text_column: str | None = TEXT_COLUMN,
    id_column: str | None = ID_COLUMN,
    date_column: str | None = DATE_COLUMN,
    url_column: str | None = URL_COLUMN,
    language_column: str | None = LANGUAGE_COLUMN,
    topic_column: str | None = TOPIC_COLUMN,
    source_column: str | None = SOURCE_COLUMN,
    category_column: str | None = CATEGORY_COLUMN,
    detector: list[str] | None = typer.Option(None, help="Detectors to use; default all.", rich_help_panel=HOW),
    deep_sample: str | None = typer.Option(
        None, metavar="N|all", help="Documents that the deep detectors read too; default 0.", rich_help_panel=HOW
    ),
    deep_budget: str | None = typer.Option(
        None, metavar="5m", help="As many as they can read in this time; default no limit.", rich_help_panel=HOW
    ),
    dated_anchors: bool | None = typer.Option(
        None, help="Take documents dated before November 2022 for human; default yes.", rich_help_panel=HOW
    ),
    minimum_words: int | None = typer.Option(
        None, help="Shorter documents are not judged; default 100.", rich_help_panel=HOW
    ),
    near_dup_threshold: float | None = typer.Option(
        None, help="Jaccard similarity from which on documents repeat each other; default 0.8.", rich_help_panel=HOW
    ),
    level: float | None = typer.Option(None, help="Coverage of the intervals; default 0.95.", rich_help_panel=HOW),
    profile: str | None = typer.Option(
        None,
        metavar="standard|full",
        help="full: word-order measures of the texts too; default standard.",
        rich_help_panel=HOW,
    ),
    shards_sample: int | None = typer.Option(
        None,
        metavar="N",
        min=1,
        help="Read so many of the files only, for all of them; default all.",
        rich_help_panel=HOW,
    ),
    seed: int | None = typer.Option(None, help="Seed of every random draw; default 0.", rich_help_panel=HOW),
    retain: str | None = typer.Option(
        None, help="sample, redacted or none: keep a sample of texts; default sample.", rich_help_panel=RUN
    ),
    excerpts: bool = typer.Option(
        False, "--excerpts", help="Quote redacted beginnings of retained documents in the reports.", rich_help_panel=RUN
    ),
    workers: int | None = typer.Option(None, help="Processes; default all cores.", rich_help_panel=RUN),
    memory_limit: str | None = typer.Option(
        None, help="Such as 4GB, for all processes; default half of the memory.", rich_help_panel=RUN
    ),
    launcher: str | None = typer.Option(None, help="local, slurm or ray; default local.", rich_help_panel=RUN),
    config: str | None = CONFIG,
    policy: str | None = typer.Option(
        None, metavar="P.toml", help="Judge by a policy too, as `auditor gate` does; default none."
    ),
    store: str | None = typer.Option(
        None, metavar="FILE", help="Copy the figures into a store of many audits; default none."
    ),
    fresh: bool = typer.Option(False, help="Start over instead of resuming.", rich_help_panel=RUN),
    quiet: bool = typer.Option(False, help="No progress on stderr.", rich_help_panel=RUN),
    json: bool = typer.Option(False, "--json", help="Print report.json instead of the summary.", rich_help_panel=RUN),
) -> int:
    """Read a corpus, measure it, write RUN/report.html, report.json and audit.duckdb."""
    from auditor.cli.output.progress import Bars
    from auditor.config import load
    from auditor.gate.policy import load_policy
    from auditor.pipeline.audit import audit as run_audit
    from auditor.pipeline.run.bucket import heard, refuse_bucket, worked_on

    given = locals()
    settings = {name: given[name] for name in SETTINGS if given.get(name) is not None}
    settings |= {"corpus": corpus, "detectors": detector or None}
    chosen = load(config, **settings)
    command = shlex.join(["auditor", *sys.argv[1:]])
    rules = load_policy(chosen.policy) if chosen.policy is not None else None  # checked before reading
    refuse_bucket(out, corpus=chosen.corpus, launcher=chosen.launcher)
    with worked_on(out, fresh=fresh) as (run, bucket):
        with Bars(quiet=quiet) as bars:
            outcome = run_audit(chosen, run, fresh=fresh, command=command, progress=heard(bars, bucket))
        if rules is not None:
            from auditor.pipeline.finished.gate import gate_audit

            outcome = gate_audit(outcome, run, chosen, rules)
        if json:
            print_json(outcome.report)
        else:
            print_outcome(outcome.report, out)
            print_retained(run) if bucket is None else say(f"Report: {bucket.url}/report.html")
    return outcome.exit_code


SETTINGS = (
    "human_reference",
    "known_ai",
    "against",
    "text_column",
    "id_column",
    "date_column",
    "url_column",
    "language_column",
    "topic_column",
    "source_column",
    "category_column",
    "deep_sample",
    "deep_budget",
    "dated_anchors",
    "minimum_words",
    "excerpts",
    "near_dup_threshold",
    "level",
    "profile",
    "shards_sample",
    "seed",
    "retain",
    "workers",
    "memory_limit",
    "launcher",
    "policy",
    "store",
)


@app.command(epilog="Example: auditor plan crawl/ --json")
def plan(
    corpus: list[str] = CORPUS,
    text_column: str | None = TEXT_COLUMN,
    date_column: str | None = DATE_COLUMN,
    config: str | None = CONFIG,
    human_reference: list[str] | None = typer.Option(None, help="Text known to be human."),
    shards_sample: int | None = typer.Option(None, metavar="N", min=1, help="Read so many of the files only."),
    out: Path | None = typer.Option(None, "--out", metavar="RUN", help="Lay the run out for `auditor map`."),
    json: bool = typer.Option(False, "--json", help="For machines."),
) -> int:
    """What would be read: shards, columns found, and the time, memory and disk that it will cost."""
    from auditor.config import load
    from auditor.pipeline.audit import lay_out
    from auditor.pipeline.run.bucket import refuse_bucket, worked_on
    from auditor.pipeline.run.cost import describe
    from auditor.pipeline.run.plan import make_plan
    from auditor.pipeline.run.preconditions import check_detectors

    chosen = load(
        config,
        corpus=corpus,
        text_column=text_column,
        date_column=date_column,
        human_reference=human_reference,
        shards_sample=shards_sample,
    )
    if out is None:
        check_detectors(chosen)
        laid_out = make_plan(chosen)
    else:
        refuse_bucket(out, corpus=chosen.corpus, launcher=chosen.launcher)
        with worked_on(out) as (run, _):
            laid_out = lay_out(chosen, run, command=shlex.join(sys.argv))
    found: dict[str, Any] = describe(laid_out, chosen)
    if json:
        print_json(found)
        return 0
    from auditor.cli.output.printing import print_plan

    print_plan(found)
    return 0
