"""The progress of an audit, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from auditor.records import Json


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an audit ended with: the content of report.json, and the exit code."""

    report: Json
    exit_code: int


class Progress(Protocol):
    """Receives an audit's progress: the command line draws bars, Python callers may ignore it."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` bytes begins; 0 where that is not known."""

    def step(self, documents: int, size: int) -> None:
        """This many more documents, of this many bytes, are done."""

    def note(self, text: str) -> None:
        """A line for people."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int) -> None:
        """Ignored."""

    def step(self, documents: int, size: int) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""
