"""DuckDB as the run's durable result: opened safely, written aside and renamed into place.

duckdb is imported where it is used: workers import this module's neighbours, and have no use for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl

from auditor.errors import StoreError, exhausted
from auditor.run_folder import make_aside, move, remove

DATABASE = "audit.duckdb"  # its name in a run's folder
VERSION = 1
DAMAGE = ("Could not read enough bytes", "Corrupt", "checksum")  # how DuckDB says so of blocks of a file
TABLES = (
    "audits",
    "shards",
    "documents",
    "clusters",
    "estimates",
    "replicates",
    "score_counts",
    "kinds",
    "spectra",
    "overlaps",
    "anchors",
    "labels",
    "reservoirs",
    "findings",
    "skips",
    "provenance",
)
# What a store shared by many audits holds: every table except the evidence and those with a row per document.
SHARED_TABLES = tuple(name for name in TABLES if name not in ("documents", "clusters", "score_counts", "kinds"))


QUERY_SECONDS = 600.0  # of one query to a finished run or a store, which may come from a stranger
# Views, macros and generated columns: names of what a stranger has put beside or in the place of our tables. A macro
# can shadow any function that is not named with its schema.
STRANGE = f"""
SELECT view_name AS name FROM system.main.duckdb_views() WHERE NOT internal
UNION ALL SELECT function_name FROM system.main.duckdb_functions() WHERE NOT internal
UNION ALL SELECT table_name FROM system.main.duckdb_tables() WHERE NOT internal AND (
    table_name NOT IN ('schema_version', {", ".join(f"'{name}'" for name in TABLES)})
    OR system.main.regexp_matches(sql, 'GENERATED\\s+ALWAYS', 'i'))
"""


class StoreLocked(StoreError):
    """Another program holds the file, for now."""


def connect(path: Path | str, *, read_only: bool = False, memory_bytes: int = 0, threads: int = 0) -> Any:
    """A connection without extensions that install themselves; a stranger's file can't make it read or run anything.

    Raises: StoreError when the file is locked by another program, damaged, or not there
    """
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if memory_bytes:
        settings["memory_limit"] = f"{max(memory_bytes >> 20, 64)}MiB"
    if threads:
        settings["threads"] = threads
    if read_only:
        settings["enable_external_access"] = False
    try:
        return duckdb.connect(str(path), read_only=read_only, config=settings)
    except duckdb.IOException as error:
        text = str(error).splitlines()[0]
        if "lock" in text.lower():
            raise StoreLocked(f"{path} is open in another program; close it or try again later ({text})") from None
        raise StoreError(f"{path} cannot be opened: {text}") from None
    except duckdb.Error as error:
        if (lacking := exhausted(error)) is not None:
            raise StoreError(f"{path}: {lacking}") from None
        raise StoreError(f"{path} is not a readable DuckDB file: {str(error).splitlines()[0]}") from None


def create_tables(connection: Any) -> None:
    """Make the tables of schema.sql."""
    connection.execute(resources.files("auditor.store").joinpath("schema.sql").read_text(encoding="utf-8"))


@contextmanager
def new_database(path: Path, *, memory_bytes: int, threads: int) -> Iterator[Any]:
    """A database with the tables, renamed to `path` when the block ends well; a kill leaves the old one untouched."""
    run = path.parent
    aside = make_aside(path, within=run)  # with what does not fit the memory, and the log: a kill leaves one folder
    partial = aside / path.name
    connection = connect(partial, memory_bytes=memory_bytes, threads=threads)
    try:
        connection.execute(f"SET temp_directory = {quoted(str(aside / 'spill'))}")
        connection.execute("SET preserve_insertion_order = true")
        create_tables(connection)
        yield connection
        connection.execute("CHECKPOINT")
        connection.close()
        move(partial, path, within=run)
    finally:
        connection.close()
        remove(aside, within=run)


def check_version(connection: Any, path: Path | str) -> None:
    """Raises: StoreError where the tables are of another version or not ours, or where it holds more than tables.

    A stranger's view or generated column of a table's name would run whatever it says when the table is read.
    """
    import duckdb

    try:
        strange = query(connection, STRANGE).to_series().to_list()
        version = query(connection, "SELECT version FROM schema_version").item()
    except (duckdb.Error, ValueError, StoreError):
        raise StoreError(f"{path} is a DuckDB file, but not one of auditor's") from None
    if strange:
        shown = ", ".join(strange[:3])
        raise StoreError(f"{path} holds what auditor never writes ({shown}): it is not read")
    if version != VERSION:
        raise StoreError(f"{path} has tables of version {version}, this is version {VERSION}: audit again")


def append(connection: Any, table: str, frame: pl.DataFrame) -> None:
    """Insert a frame's rows by column name; columns that the frame lacks become null."""
    if frame.height:
        connection.register("_rows", frame.to_arrow())
        connection.execute(f"INSERT INTO {identifier(table)} BY NAME SELECT * FROM _rows")
        connection.unregister("_rows")


def query(connection: Any, sql: str, parameters: list[Any] | None = None) -> pl.DataFrame:
    """The result of a query as a Polars frame.

    Raises: StoreError where the file turns out to be damaged, or takes longer than QUERY_SECONDS to answer
    """
    import duckdb

    try:
        with _time_limit(connection):
            frame = connection.sql(sql, params=parameters or []).pl()
    except duckdb.InterruptException:
        raise StoreError(f"the database did not answer within {QUERY_SECONDS:.0f} seconds") from None
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        if not any(sign in said for sign in DAMAGE):
            raise
        raise StoreError(f"the database is damaged ({said}); finalise its runs again, into a new store") from None
    assert isinstance(frame, pl.DataFrame)
    return frame


@contextmanager
def _time_limit(connection: Any) -> Iterator[None]:
    """Interrupt a query to a database that is open for reading only; our own work on a new one is not limited."""
    if connection.execute("SELECT system.main.current_setting('access_mode')").fetchall() != [("read_only",)]:
        yield
        return
    timer = threading.Timer(QUERY_SECONDS, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
