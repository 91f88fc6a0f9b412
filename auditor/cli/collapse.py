"""`auditor reservoir` and `auditor simulate`: how much human text, and what happens without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from auditor.cli.app import app
from auditor.cli.arguments import RUN, ForMachines
from auditor.cli.output.printing import say
from auditor.errors import ConfigError, nearest

if TYPE_CHECKING:
    from auditor.reports.model.reservoir import Reservoir, StratumSize

MOST_SHARDS = 12


@app.command(epilog="Example: auditor reservoir run --generations 20 --tolerance 0.05")
def reservoir(
    run: Path = RUN,
    generations: int = typer.Option(10, help="Generations of training ahead."),
    tolerance: float = typer.Option(0.1, help="Share of the tail that may be lost."),
    min_occurrences: int = typer.Option(10, help="Keep types that occur at least this often in human text."),
    epochs: float = typer.Option(4.0, help="How often acquired text may be read in a generation."),
    coverage: float | None = typer.Option(
        None, help="Share of human tokens whose types must occur that often; default none."
    ),
    rarest: float | None = typer.Option(None, help="Frequency of the rarest type that must occur that often."),
    verification: float = typer.Option(1.0, help="Share of acquired text that is truly human."),
    regime: str | None = typer.Option(None, help="replace_fresh, replace_replay, accumulate, accumulate_subsample."),
    sizing: str = typer.Option("fixed_compute", help="fixed_compute or appended."),
    mix: Path | None = typer.Option(None, help="Write the mix plan as TOML."),
    json: ForMachines = False,
) -> None:
    """What to keep and what to acquire, with other horizons and tolerances."""
    from auditor.cli.output.printing import print_json
    from auditor.collapse.options import Regime, ReservoirOptions, Sizing
    from auditor.pipeline.reservoir.recommend import resize
    from auditor.reports.model.reservoir import Reservoir

    if regime is not None and regime not in list(Regime):
        raise ConfigError(f"--regime {regime}: choose one of {', '.join(Regime)}{nearest(regime, Regime)}")
    if sizing not in list(Sizing):
        raise ConfigError(f"--sizing {sizing}: choose one of {', '.join(Sizing)}{nearest(sizing, Sizing)}")
    options = ReservoirOptions(
        generations=generations,
        tolerance=tolerance,
        min_occurrences=min_occurrences,
        epochs=epochs,
        coverage_share=coverage,
        rarest_frequency=rarest,
        verification_precision=verification,
        regime=Regime(regime) if regime else None,
        sizing=Sizing(sizing),
    )
    found = resize(run, options, mix=mix)
    if json:
        print_json(found)
    else:
        _print(Reservoir.model_validate(found))


@app.command(epilog="Example: auditor simulate --zipf 1000000 --tokens 1e8 --human-share 0.1")
def simulate(
    spectrum: str | None = typer.Argument(None, metavar="[RUN|FILE]", help="A run, or a CSV of frequency,types."),
    zipf: int | None = typer.Option(None, help="Number of types of a Zipf spectrum, instead of a corpus."),
    tokens: float | None = typer.Option(None, help="Tokens a generation; default the spectrum's."),
    generations: int | None = typer.Option(None, help="Generations; default the run's horizon, else 10."),
    human_share: float | None = typer.Option(
        None, help="Human part of each generation's text; default as measured in the run, else 0.1."
    ),
    regime: str = typer.Option(
        "replace_fresh", help="replace_fresh, replace_replay, accumulate, accumulate_subsample."
    ),
    decoding: str | None = typer.Option(
        None, help="none, ratio, temperature, top_p; default the ratio that the run has, else none."
    ),
    value: float | None = typer.Option(None, help="The ratio, temperature or p."),
    replicates: int = typer.Option(20, help="Runs behind each interval."),
    seed: int = typer.Option(0, help="Seed."),
    html: Path | None = typer.Option(None, help="Write a page with plots."),
    json: ForMachines = False,
) -> None:
    """Model collapse, generation by generation, on the corpus' own spectrum."""
    from auditor.cli.output.printing import print_json, print_table
    from auditor.pipeline.finished.simulate import SimulationSettings, run_simulation

    frame, words = run_simulation(
        spectrum,
        zipf=zipf,
        tokens=tokens,
        settings=SimulationSettings(generations, human_share, regime, decoding, value, replicates),
        seed=seed,
        html=html,
    )
    if json:
        print_json({"source": words, "rows": frame.to_dicts()})
        return
    shown = frame.pivot(on="quantity", index="generation", values="value")
    rows = [[f"{cell:.4g}" if isinstance(cell, float) else cell for cell in row] for row in shown.iter_rows()]
    print_table(words, shown.columns, rows)
    _print_picture(shown)


def _print_picture(shown: Any) -> None:
    """A line for each quantity over the generations, as a share of what it was at the start."""
    from auditor.cli.output.bars import sparkline

    longest = max(map(len, shown.columns))
    say()
    say("Share of the start that is left, generation by generation:")
    for name in shown.columns[1:]:
        values = shown[name].to_list()
        left = [value / values[0] if values[0] else 0.0 for value in values]
        say(f"{name:<{longest}}  {sparkline(left, highest=max(1.0, *left))}  {left[-1]:.1%}")


def _print(found: Reservoir) -> None:
    from auditor.cli.output.printing import print_reservoir, print_table
    from auditor.reports.text.labels import BANDS

    say(found.sentence)
    say()
    print_reservoir(found)
    _print_kept(found)
    rows = [[row.kind, row.name, *(_tokens(row, band) for band in BANDS)] for row in found.strata]
    if rows:
        print_table("The same for each stratum alone", ["kind", "name", *BANDS], rows)
    for sums in found.keep.sums if found.keep else ():
        if sums.note:
            say(sums.note)
    if declared := [[row.shard, row.reason] for row in found.declared]:
        print_table("Declared synthetic text", ["shard", "verdict"], declared)
    say(found.narrower)


def _print_kept(found: Reservoir) -> None:
    """The shards to keep, best first, and the coverage curve with the place where the corpus stands."""
    from auditor.cli.output.bars import bar
    from auditor.cli.output.printing import print_table
    from auditor.collapse.wording import span, spoken

    shards = found.keep.shards if found.keep else []
    rows = [
        [
            row.shard,
            spoken(row.tokens.value),
            span(row.tokens.lower, row.tokens.upper),
            f"{row.worth:.2f}",
            f"{row.cumulative_share:.0%}",
        ]
        for row in shards[:MOST_SHARDS]
    ]
    more = len(shards) - len(rows)
    if rows:
        title = "Shards to keep, best first" + (f" ({more:,} more in --json)" if more > 0 else "")
        print_table(title, ["shard", "human tokens", "interval", "worth", "so far"], rows)
    if here := found.coverage_reached:
        longest = max(row.tokens for row in found.coverage) or 1
        rows = [
            [f"{row.share:.1%}", spoken(row.tokens), bar(row.tokens / longest), "yes" if row.reached else "no"]
            for row in found.coverage
        ]
        title = (
            f"Human text in which the types that carry a share of language stand often enough; the corpus' own "
            f"{spoken(here['tokens'])} tokens reach {here['share']:.1%}"
        )
        print_table(title, ["share", "tokens", "", "reached"], rows)


def _tokens(row: StratumSize, band: str) -> str:
    """What a band asks of a stratum, or why that cannot be said."""
    own = getattr(row, band)
    return f"{own.tokens:,.0f}" if own.tokens is not None else row.reason or own.reason or "cannot be sized"
