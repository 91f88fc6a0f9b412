"""Figures that rest on text which has since been removed stay as they were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.records import Json

MEASURED = ("corpus", "shards", "strata", "profile")  # sections of the report
BASIS = ("drawn", "reference", "missing")  # what a figure rests on: documents drawn, reference, words found missing
IDENTITIES = (("shard",), ("kind", "name"), ("name",), ("word",))


def keep_figures(report: Json, before: Json, sections: Sequence[str] = MEASURED) -> Json:
    """The report, with the earlier figures where they can no longer be measured.

    An estimate that is not measured now stays as it was, with its reason if it had one. So do lists and sections that
    are empty now. Quoted text is not a figure and does not come back.
    """
    return report | {name: _kept(report[name], before.get(name)) for name in sections if name in report}


def _kept(now: Any, before: Any) -> Any:
    if now is None or (isinstance(now, list | dict) and not now):
        return before if before else now
    if isinstance(now, dict) and isinstance(before, Mapping):
        if "status" in now and "value" in now:
            return dict(before) if now["status"] == "not_measured" and "status" in before else now
        return {
            name: before.get(name) or value if name in BASIS else _kept(value, before.get(name))
            for name, value in now.items()
        } | {name: value for name, value in before.items() if name not in now}
    if isinstance(now, list) and isinstance(before, list):
        return _kept_rows(now, before)
    return now


def _kept_rows(now: list[Any], before: list[Any]) -> list[Any]:
    """Rows matched by what they describe; earlier rows that can no longer be measured come last."""
    identity = next(
        (i for i in IDENTITIES if all(isinstance(r, dict) and r.keys() >= set(i) for r in now + before)), None
    )
    if identity is None:
        return now
    earlier = {tuple(row[name] for name in identity): row for row in before}
    kept = [_kept(row, earlier.pop(tuple(row[name] for name in identity), None)) for row in now]
    return kept if "shard" in identity else kept + list(earlier.values())
