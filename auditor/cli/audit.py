"""`auditor audit` and `auditor plan`: the main job, and what it would cost."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from auditor.cli.app import app
from auditor.cli.arguments import (
    Against,
    CategoryColumn,
    ConfigFile,
    DateColumn,
    DatedAnchors,
    DeepBudget,
    DeepSample,
    Detectors,
    Excerpts,
    ForMachines,
    Fresh,
    HumanReference,
    IdColumn,
    KnownAi,
    LanguageColumn,
    Launcher,
    Level,
    Meaning,
    MemoryLimit,
    MinimumWords,
    NearDupThreshold,
    PolicyFile,
    Profile,
    Quiet,
    ReportJson,
    Retain,
    Seed,
    ShardsSample,
    SourceColumn,
    Store,
    TextColumn,
    TopicColumn,
    UrlColumn,
    Workers,
)
from auditor.cli.output.printing import print_json, print_outcome, print_plan, print_retained, say

if TYPE_CHECKING:
    from auditor.config import Config

CORPUS = typer.Argument(..., metavar="CORPUS…", help="Files, folders, globs, URLs, or - for standard input.")
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
    "meaning",
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


@app.command(
    epilog="Example: auditor audit crawl/*.parquet --human-reference books/ --out run",
)
def audit(
    corpus: list[str] = CORPUS,
    out: Path = typer.Option(..., "--out", metavar="RUN", help="Folder of the run; the same command resumes."),
    human_reference: HumanReference = None,
    known_ai: KnownAi = None,
    against: Against = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    date_column: DateColumn = None,
    url_column: UrlColumn = None,
    language_column: LanguageColumn = None,
    topic_column: TopicColumn = None,
    source_column: SourceColumn = None,
    category_column: CategoryColumn = None,
    detector: Detectors = None,
    deep_sample: DeepSample = None,
    deep_budget: DeepBudget = None,
    meaning: Meaning = None,
    dated_anchors: DatedAnchors = None,
    minimum_words: MinimumWords = None,
    near_dup_threshold: NearDupThreshold = None,
    level: Level = None,
    profile: Profile = None,
    shards_sample: ShardsSample = None,
    seed: Seed = None,
    retain: Retain = None,
    excerpts: Excerpts = False,
    workers: Workers = None,
    memory_limit: MemoryLimit = None,
    launcher: Launcher = None,
    config: ConfigFile = None,
    policy: PolicyFile = None,
    store: Store = None,
    fresh: Fresh = False,
    quiet: Quiet = False,
    json: ReportJson = False,
) -> int:
    """Read a corpus, measure it, write RUN/report.html, report.json and audit.duckdb."""
    from auditor.config import load

    given = locals()
    settings = {name: given[name] for name in SETTINGS if given.get(name) is not None}
    chosen = load(config, **settings, corpus=corpus, detectors=detector or None)
    return _run(chosen, out, fresh=fresh, quiet=quiet, json=json)


def _run(chosen: Config, out: Path, *, fresh: bool, quiet: bool, json: bool) -> int:
    """Audit into a folder or a bucket, judge where there is a policy, and print what came of it."""
    from auditor.cli.output.progress import Bars
    from auditor.gate.policy import load_policy
    from auditor.pipeline.audit import audit as run_audit
    from auditor.pipeline.run.bucket import heard, refuse_bucket, worked_on

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


@app.command(epilog="Example: auditor plan crawl/ --json")
def plan(
    corpus: list[str] = CORPUS,
    text_column: TextColumn = None,
    date_column: DateColumn = None,
    config: ConfigFile = None,
    human_reference: list[str] | None = typer.Option(None, help="Text known to be human."),
    shards_sample: int | None = typer.Option(None, metavar="N", min=1, help="Read only this many files."),
    out: Path | None = typer.Option(None, "--out", metavar="RUN", help="Lay the run out for `auditor map`."),
    json: ForMachines = False,
) -> int:
    """What would be read: shards, columns found, and the time, memory and disk that it will cost."""
    from auditor.config import load
    from auditor.pipeline.audit import lay_out
    from auditor.pipeline.run.bucket import refuse_bucket, worked_on
    from auditor.pipeline.run.cost import describe
    from auditor.pipeline.run.plan import make_plan
    from auditor.pipeline.run.preconditions import check_detectors
    from auditor.records import plain

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
    found = describe(laid_out, chosen)
    if json:
        print_json(plain(found))
    else:
        print_plan(found)
    return 0
