"""One store for many audits: each copies its tables in when it ends, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError, StoreError
from auditor.store.database import (
    SHARED_TABLES,
    StoreLocked,
    check_version,
    connect,
    create_tables,
    identifier,
    query,
    quoted,
)

WAIT = 120.0  # seconds to wait for other audits that are copying
READ_WAIT = 20.0  # the same for readers
PAUSE = 0.25
BIRTH, HEADERS = 5.0, 3 * 4096  # seconds and bytes after which a new file is a database


def copy_audit(
    run: Path,
    store: Path,
    *,
    wait: float = WAIT,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Copy everything of a run's database but documents and clusters into a shared store; returns the audit's id.

    Copying an audit again replaces it. A store that another audit is writing to is waited for; one that is damaged or
    not ours is left as it is.
    Raises: ConfigError where there is no such folder; StoreError; StoreLocked when it is held after `wait` seconds
    """
    import duckdb  # late, see database.py

    if not store.parent.is_dir():
        raise ConfigError(f"--store {store}: there is no folder {store.parent}")
    connection = _open(store, wait, clock, sleep)
    try:
        _ready(connection, store)
        connection.execute(f"ATTACH {quoted(str(run))} AS run (READ_ONLY)")
        audit_id = str(query(connection, "SELECT audit_id FROM run.audits").item())
        connection.execute("BEGIN")
        for table in SHARED_TABLES:
            connection.execute(f"DELETE FROM {identifier(table)} WHERE audit_id = ?", [audit_id])
            connection.execute(f"INSERT INTO {identifier(table)} BY NAME SELECT * FROM run.{identifier(table)}")
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        raise StoreError(f"{store} could not take the audit: {str(error).splitlines()[0]}; it is unchanged") from None
    finally:
        connection.close()
    return audit_id


def check_store(store: Path) -> None:
    """Check before an audit that its figures can go there at the end. A store in use at the moment is fine.

    Raises: ConfigError where there is no such folder; StoreError where the file is damaged or not ours
    """
    if not store.parent.is_dir():
        raise ConfigError(f"--store {store}: there is no folder {store.parent}")
    if store.exists():
        try:
            connection = connect(store, read_only=True)
        except StoreLocked:
            return
        with connection:
            check_version(connection, store)


def open_store(store: Path, *, wait: float = READ_WAIT) -> Any:
    """A shared store for reading.

    Raises: ConfigError where it is not there; StoreError where it is damaged, not ours, or held for too long
    """
    if not store.is_file():
        raise ConfigError(f"there is no store {store}; `auditor audit … --store {store}` makes it")
    connection = _open(store, wait, time.monotonic, time.sleep, read_only=True)
    check_version(connection, store)
    return connection


def _open(
    store: Path, wait: float, clock: Callable[[], float], sleep: Callable[[float], None], *, read_only: bool = False
) -> Any:
    begun = clock()
    while True:
        try:
            return connect(store, read_only=read_only)
        except StoreLocked:
            if clock() >= begun + wait:
                raise
        except StoreError:  # its creator may have written only its first bytes
            if clock() >= begun + min(BIRTH, wait) or not store.exists() or store.stat().st_size >= HEADERS:
                raise
        sleep(PAUSE)


def _ready(connection: Any, store: Path) -> None:
    """Tables in a new store; a database with other tables is refused, not added to."""
    tables = query(connection, "SELECT count(*) FROM information_schema.tables").item()
    if not tables:
        connection.execute("BEGIN")
        create_tables(connection)
        connection.execute("COMMIT")
    check_version(connection, store)
