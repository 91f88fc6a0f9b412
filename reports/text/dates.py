"""Moments of an audit in words: the day it ended, and how long it took."""

from __future__ import annotations

from datetime import datetime


def duration(started: str, finished: str) -> str:
    """Between two ISO times, in words; empty where either can't be read."""
    begin, end = moment(started), moment(finished)
    if begin is None or end is None or end < begin:
        return ""
    seconds = (end - begin).total_seconds()
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def day(iso: str) -> str:
    """30 November 2026; empty where the text is no ISO 8601 date."""
    parsed = moment(iso)
    return f"{parsed.day} {parsed:%B %Y}" if parsed else ""


def moment(iso: str) -> datetime | None:
    """The time that an ISO 8601 text names; None where it names none."""
    try:
        return datetime.fromisoformat(iso)
    except (TypeError, ValueError):
        return None
