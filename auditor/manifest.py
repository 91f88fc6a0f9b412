"""Files that are either whole or not there: JSON written aside and renamed into place, markers, the run's lock."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from auditor.errors import StoreError

DONE = "done.json"
MANIFEST = "manifest.json"
LOCK = "lock.json"
LAYOUT = 1  # version of the run folder's layout; another one is refused, never guessed at


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write aside, flush to disk, rename into place: a reader sees the old file or the new one, never a part."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; renamed to the one given when the block ends well, removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{path} is not there: the run is incomplete, or this is not a run's folder") from None
    except (OSError, ValueError, RecursionError) as wrong:
        raise StoreError(f"{path} cannot be read ({wrong}): remove it, then run the same command again") from None


def key_of(*parts: Any) -> str:
    """A short stable name for whatever the parts say; output names never come from input names."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder: a second audit into it stops with a clear error, a dead owner's lock is taken over."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "started": psutil.Process().create_time()}
    for _ in range(2):
        try:
            with open(path, "x", encoding="utf-8") as file:
                json.dump(owner, file)
            break
        except FileExistsError:
            _refuse_if_alive(path, folder)
            path.unlink(missing_ok=True)
    else:
        raise StoreError(f"{folder} is being taken by another audit at this moment; try again")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _refuse_if_alive(path: Path, folder: Path) -> None:
    try:
        other = json.loads(path.read_text(encoding="utf-8"))
        pid, host, started = int(other["pid"]), str(other["host"]), float(other["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # half-written by an owner that was killed
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
