"""Hive partitions: folders such as `lang=en/year=2019/` whose names say what all of their files share."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from auditor.sources.find.columns import COMMON, DATES, OPTIONS
from auditor.sources.read.interface import Columns, SourceOptions

_PARTITION = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=([^=]+)")
NULL = "__HIVE_DEFAULT_PARTITION__"
DAYS = ("dt", "ds", "day_partition")  # usual names of a day in partitions; in columns they mean nothing
ROLES = ("id", "url", "language", "source", "topic", "category", "generator", "licence")


def partitions_of(path: str) -> dict[str, str]:
    """The keys and values of the folders above a file, outermost first."""
    found: dict[str, str] = {}
    for part in path.split("/")[:-1]:
        match = _PARTITION.fullmatch(part)
        if match and (value := unquote(match[2])) != NULL:
            found[match[1]] = value
    return found


def partition_columns(
    columns: Columns, path: str, options: SourceOptions
) -> tuple[Columns, tuple[tuple[str, str], ...]]:
    """The roles that a file has no column for and its partitions give, as (role, value); the columns, which then also
    say what a date means.

    A column in the file comes first. `year=`, `month=` and `day=` together are one date.
    """
    values = partitions_of(path)
    by_name = {key.lower(): key for key in values}
    constants: list[tuple[str, str]] = []
    for role in ROLES if values else ():
        named = getattr(options, f"{role}_column") if role in OPTIONS else None
        key = named if named in values else _first(COMMON[role], by_name)
        if key and getattr(columns, role) is None:
            constants.append((role, values[key]))
    if values and columns.date is None and (date := _date(values, by_name, options)):
        constants.append(("date", date[0]))
        columns = replace(columns, date_kind=options.date_kind or date[1])
    return columns, tuple(constants)


def _first(names: str, by_name: dict[str, str]) -> str | None:
    return next((by_name[name] for name in names.split() if name in by_name), None)


def _date(values: dict[str, str], by_name: dict[str, str], options: SourceOptions) -> tuple[str, str] | None:
    """The date as it is written and what it says (DATE_KINDS)."""
    if options.date_column in values:
        return values[options.date_column], "written"
    parts = [values[by_name[name]] for name in ("year", "month", "day") if name in by_name]
    if "year" in by_name and all(part.isdigit() for part in parts):
        return "-".join([parts[0], *(part.zfill(2) for part in parts[1:])]), "written"
    for kind, names in DATES.items():
        if key := _first(" ".join((names, *DAYS)), by_name):
            return values[key], kind
    return None
