"""Progress on stderr: documents a second and time left, a line a stage where nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from auditor.cli.output.printing import say
from auditor.errors import visible


class Bars:
    """Shows the stages of a run; silent with --quiet; plain lines where stderr is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live: Any = None
        self._task: Any = None
        self._documents = 0
        self._since = time.monotonic()

    def __enter__(self) -> Bars:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(),
            )
            self._live = Progress(*columns, console=Console(stderr=True), transient=True)
            self._live.start()
        return self

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of `total` bytes; 0 where that is not known."""
        self._documents, self._since = 0, time.monotonic()
        if self._live:
            if self._task is not None:
                self._live.remove_task(self._task)
            self._task = self._live.add_task(name, total=total or None, speed="")
        else:
            self.note(name)

    def step(self, documents: int, size: int) -> None:
        """Count documents that are done, and their bytes."""
        self._documents += documents
        if self._live and self._task is not None:
            speed = self._documents / max(time.monotonic() - self._since, 1e-3)
            text = f"{self._documents:,} documents, {speed:,.0f}/s"
            self._live.update(self._task, advance=size, speed=text)

    def note(self, text: str) -> None:
        """Print a line beside the bar."""
        if self._quiet:
            return
        if self._live:
            self._live.console.print(visible(text), markup=False, highlight=False)
        else:
            say(text, error=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
