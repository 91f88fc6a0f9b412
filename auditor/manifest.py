"""Files that are either whole or absent: JSON written aside and renamed into place, markers, the run's lock."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from auditor.errors import StoreError
from auditor.run_folder import make_run, open_lock, refuse_links, remove, whole_file

DONE = "done.json"
MANIFEST = "manifest.json"
LOCK = "lock.json"
CLUSTERS, SCRATCH = "clusters", ".scratch"  # folders: of a run; within it, of what does not fit the memory
LAYOUT = 4  # version of the run folder's layout; another one is refused, never guessed


def write_json(path: Path, content: Any, *, within: Path | None = None) -> None:
    """Write JSON with sorted keys, as `write_text` does; values without a JSON type are written as text."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, default=str)
    write_text(path, text + "\n", within=within)


def write_text(path: Path, text: str, *, within: Path | None = None) -> None:
    """Write aside, flush to disk, rename into place: a reader sees the old file or the new one, never a part.

    Parameters: within, the run whose file it is, where it lies in a folder of that run
    """
    with whole_file(path, within=within) as partial:
        partial.write_text(text, encoding="utf-8")


def digest_of(path: Path) -> str:
    """The content of a file of ours, so that a flipped bit is noticed."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def read_json(path: Path) -> Any:
    """The content of a JSON file of a run.

    Raises: StoreError where it is not there or cannot be read
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{path} is not there: the run is incomplete, or this is not a run's folder") from None
    except (OSError, ValueError, RecursionError) as wrong:
        raise StoreError(f"{path} cannot be read ({wrong}): remove it, then run the same command again") from None


def key_of(*parts: Any) -> str:
    """A short stable name for the given parts; output names never come from input names."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder: a second audit into it stops with a clear error.

    The kernel holds the lock and drops it when its owner dies, so none goes stale; the file says who the owner is.
    If the file system has no locks, or none across machines (some network file systems), the owner's name decides.
    """
    refuse_links(make_run(folder))
    path = folder / LOCK
    handle = _take(path, folder)
    try:
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "started": psutil.Process().create_time()}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(owner).encode(), 0)
        yield
    finally:
        remove(path, within=folder)  # while it is still held, so that a waiting process sees that the file has gone
        os.close(handle)


def _take(path: Path, folder: Path) -> int:
    while True:
        handle = open_lock(path, within=folder)
        try:
            _flock(handle, path, folder)
            _refuse_if_alive(path, folder)
            if path.exists() and os.path.samestat(os.fstat(handle), os.lstat(path)):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its last owner removed the file between our opening and locking it


def _flock(handle: int, path: Path, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _refuse_if_alive(path, folder)
        raise StoreError(f"{folder} is in use by another audit; wait for it or choose another --out") from None
    except OSError:
        pass  # no locks here: the owner's name decides


def _refuse_if_alive(path: Path, folder: Path) -> None:
    try:
        other = json.loads(path.read_text(encoding="utf-8"))
        pid, host, started = int(other["pid"]), str(other["host"]), float(other["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # new, or half-written by an owner that was killed
    if host != socket.gethostname():
        raise StoreError(
            f"{folder} is in use by an audit on {host} (process {pid}); if that machine is gone, remove {path}"
        )
    try:
        alive = abs(psutil.Process(pid).create_time() - started) < 2
    except psutil.Error:
        alive = False
    if alive:
        raise StoreError(f"{folder} is in use by another audit (process {pid}); wait for it or choose another --out")
