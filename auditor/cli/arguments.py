"""Arguments that several commands take, each declared once."""

from __future__ import annotations

import typer

RUN = typer.Argument(..., metavar="RUN", help="Folder of a finished run.")
