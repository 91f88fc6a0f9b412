"""Tables of Delta, Iceberg and Lance among the files of a corpus, and which of their files belong to them now.

A table's folder also keeps files that it has dropped: read as plain Parquet, deleted rows would be audited. So the
table's own log decides. The log is not trusted: what it names is looked for only in the listing of the table's folder,
so it cannot lead out of it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from auditor.distribution import install_command
from auditor.errors import ConfigError, SourceError
from auditor.sources.find.files import File

DROPPED = "no longer part of its table"
OF_TABLE = "describes the table that it lies in"
# What identifies a table: a path within its folder.
SIGNS = {
    "delta": re.compile(r"(?:^|.*/)(?=_delta_log/\d{20}\.(?:json|checkpoint\.))"),
    "iceberg": re.compile(r"(?:^|.*/)(?=metadata/(?:v\d+|\d+-[0-9a-f-]+)(?:\.gz)?\.metadata\.json)"),
    "lance": re.compile(r"(?:^|.*/)(?=_versions/\d+\.manifest)"),
}
LIBRARIES = {"delta": "deltalake", "iceberg": "pyiceberg", "lance": "lance"}
NAMES = {"delta": "a Delta table", "iceberg": "an Iceberg table", "lance": "a Lance table"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table among files: kind (delta | iceberg | lance), its folder as a name within the listing, what lies in it."""

    kind: str
    folder: str
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Current:
    """What a table holds now: its version in words, the names of its files relative to its folder."""

    version: str
    names: frozenset[str]


def tables_among(files: Iterable[File]) -> tuple[list[Table], list[File]]:
    """The tables of a listing, outermost folders first, and the files that lie in none."""
    listed = list(files)
    kinds: dict[str, str] = {}
    for file in listed:
        for kind, sign in SIGNS.items():
            if found := sign.match(file.name):
                kinds.setdefault(found[0], kind)
    roots = [root for root in sorted(kinds) if not any(root != above and root.startswith(above) for above in kinds)]
    inside: dict[str, list[File]] = {root: [] for root in roots}
    outside: list[File] = []
    for file in listed:
        root = next((root for root in roots if file.name.startswith(root)), None)
        (outside if root is None else inside[root]).append(file)
    return [Table(kinds[root], root.rstrip("/"), tuple(inside[root])) for root in roots], outside


def current(table: Table, storage: Mapping[str, Any]) -> Current:
    """Which files of a Delta or Iceberg table are part of it now.

    Raises: ConfigError where its library is absent; SourceError where the table is of a version that isn't read, points
    out of its folder, or leaves rows of its files out
    """
    need(table.kind, table.folder)
    relative = {file.name.removeprefix(f"{table.folder}/" if table.folder else ""): file for file in table.files}
    module = import_module(f"auditor.sources.find.{table.kind}")
    found: Current = module.current(relative, storage)
    if missing := sorted(name for name in found.names if name not in relative):
        raise SourceError(
            f"{len(missing):,} files that it names aren't in its folder ({missing[0]!r}): only part of it was copied, "
            "or old files were removed while it changed"
        )
    return found


def need(kind: str, where: str) -> None:
    """Stop where the library of a kind of table is absent.

    Raises: ConfigError with the command that installs it
    """
    try:
        import_module(LIBRARIES[kind])
    except ImportError as error:
        raise ConfigError(
            f"{where or '.'}: {NAMES[kind]}, whose own record says which of its files are current; to read it: "
            f"{install_command(kind)} ({error})"
        ) from error


def within(path: str) -> str:
    """A relative path of a table's log as the listing has it.

    Raises: SourceError where it leads out of the table's folder
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path) or path.startswith("/") or ".." in path.split("/"):
        raise SourceError(f"it names a file outside its folder ({path[:200]!r}), which is not opened")
    return posixpath.normpath(path)
