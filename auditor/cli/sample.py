"""`auditor sample`: a corpus with known truth, to try everything on."""

from __future__ import annotations

from pathlib import Path

import typer

from auditor.cli.app import app
from auditor.cli.output.printing import say


@app.command(
    epilog="Example: auditor sample sample && auditor audit sample --human-reference sample.reference --out run"
)
def sample(
    directory: Path = typer.Argument(..., metavar="DIR", help="New folder for the shards."),
    seed: int = typer.Option(7, help="Another seed gives another sample."),
    json: bool = typer.Option(False, "--json", help="Print the truth instead of a summary."),
) -> None:
    """Build the sample corpus; DIR.truth.json and DIR.reference/ lie beside it."""
    from dataclasses import asdict

    from auditor.cli.output.printing import print_json, print_table
    from auditor.sample_data.builder import build_sample

    truth = build_sample(directory, seed=seed)
    if json:
        print_json(asdict(truth))
        return
    rows = [
        [shard.shard, shard.documents, shard.eligible_documents, f"{shard.synthetic_fraction:.1%}"]
        for shard in truth.shards
    ]
    print_table("", ["shard", "documents", "eligible", "machine-written (truth)"], rows)
    for name, path in (("Corpus", ""), ("Human reference", ".reference"), ("Truth", ".truth.json")):
        say(f"{name}: {directory}{path}")
