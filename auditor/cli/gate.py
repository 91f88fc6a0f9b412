"""`auditor gate`: pass, fail or inconclusive under a policy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from auditor.cli.app import app
from auditor.cli.output.printing import say, say_lines
from auditor.errors import ConfigError

if TYPE_CHECKING:
    from auditor.reports.model.verdict import Verdict

SHOWN = 40


@app.command(
    epilog=(
        "Example: auditor gate --init > policy.toml; auditor gate run --policy policy.toml --strict\n\n"
        "In CI: auditor gate run --policy policy.toml --markdown - >> $GITHUB_STEP_SUMMARY"
    ),
)
def gate(
    run: Path | None = typer.Argument(None, metavar="RUN", help="Folder of a finished run."),
    policy: Path | None = typer.Option(None, metavar="P.toml", help="Rules, bounds and waivers."),
    baseline: Path | None = typer.Option(
        None, metavar="RUN0", help="Fail only on what has become worse since this run."
    ),
    strict: bool = typer.Option(False, help="Count what is inconclusive as failed."),
    init: bool = typer.Option(False, "--init", help="Print a commented default policy; needs no RUN."),
    markdown: str | None = typer.Option(None, metavar="FILE|-", help="Write a Markdown summary too; - prints it."),
    annotations: bool = typer.Option(
        False, "--annotations", help="Print annotations for GitHub Actions, at most ten of a kind."
    ),
    json: bool = typer.Option(False, "--json", help="Print verdict.json."),
) -> int:
    """Judge a run by a policy: exit code 0 pass, 1 fail, 3 incomplete run, 4 inconclusive, 2 wrong policy.

    Writes RUN/verdict.json and RUN/junit.xml. A rule that matches nothing is an error; an expired waiver is reported.
    """
    from auditor.gate.policy import default_policy, load_policy

    if init:
        say_lines(default_policy())
        return 0
    if run is None or policy is None:
        raise ConfigError("name a run and a policy: auditor gate RUN --policy P.toml (--init prints a policy)")
    from auditor.cli.output.printing import print_json
    from auditor.manifest import write_text
    from auditor.pipeline.finished.gate import gate as judge
    from auditor.records import plain
    from auditor.reports.render.annotations import render_annotations
    from auditor.reports.render.verdict import render_markdown

    chosen = load_policy(policy)
    ruling = judge(run, replace(chosen, strict=chosen.strict or strict), baseline=baseline)
    found = ruling.checked()
    if markdown == "-":
        say_lines(render_markdown(found))
    elif markdown:
        write_text(Path(markdown), render_markdown(found))
    if json:
        print_json(plain(ruling))
    elif annotations:
        say_lines(render_annotations(found))
    elif markdown != "-":
        _print(found)
    return found.exit_code


def _print(verdict: Verdict) -> None:
    from auditor.cli.output.printing import print_table
    from auditor.reports.render.verdict import headline, waiver_lines

    cases = verdict.cases
    rows = [[c.verdict.replace("_", " "), c.rule, f"{c.scope_kind} {c.scope}", c.message] for c in cases[:SHOWN]]
    print_table("", ["verdict", "rule", "scope", "why"], rows)
    if len(cases) > SHOWN:
        say(f"… and {len(cases) - SHOWN:,} more in verdict.json")
    for line in waiver_lines(verdict):
        say(line)
    say(headline(verdict))
    say(verdict.control)
