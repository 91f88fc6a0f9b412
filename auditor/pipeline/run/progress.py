"""Who listens to an audit, and what it ends in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an audit ended in: report.json's content and the exit code."""

    report: dict[str, Any]
    exit_code: int


class Progress(Protocol):
    """Who listens: the command line draws bars, Python callers may ignore it."""

    def stage(self, name: str, total: int) -> None: ...

    def step(self, documents: int, size: int) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Silent:
    """Progress for those who don't look."""

    def stage(self, name: str, total: int) -> None:
        pass

    def step(self, documents: int, size: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass
