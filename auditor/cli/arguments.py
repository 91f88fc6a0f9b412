"""Arguments that several commands take, each declared once."""

from __future__ import annotations

import typer

CORPUS_NOW = typer.Option(
    [], "--corpus", metavar="PATH", help="Where the corpus lies now; needed for a run that somebody else made."
)
RUN = typer.Argument(..., metavar="RUN", help="Folder of a finished run.")
