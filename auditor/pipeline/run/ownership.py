"""Whose run a folder is: one that this user made is sealed with a key in the user's cache folder; others are foreign.

A manifest says where the corpus, the shared store and models lie. In a run from someone else, or from another machine,
those are not trusted: none of its paths is written to, and none of its addresses is opened.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from auditor.records import Json

SEAL = "seal"
KEY_FILE, KEY_BYTES = "run.key", 32
NOWHERE = "/dev/null/"  # paths below a file that is no folder: nothing is ever there
REFUSAL = (
    "this run was made by another user or on another machine, and where its corpus lies is not taken from it: "
    "name the corpus with --corpus PATH (or, to map and finalise, say with --trust that the run is yours)"
)

_TRUSTED: set[str] = set()


def sealed(manifest: Mapping[str, Any]) -> Json:
    """The manifest with the seal of this user."""
    content = {name: value for name, value in manifest.items() if name != SEAL}
    return content | {SEAL: _seal(content)}


def is_own(manifest: Mapping[str, Any]) -> bool:
    """Whether this user made the run, as its seal says."""
    content = {name: value for name, value in manifest.items() if name != SEAL}
    return hmac.compare_digest(str(manifest.get(SEAL, "")).encode(), _seal(content).encode())


def trust(run: Path) -> None:
    """Take a run for this user's own until this process ends: the user says so, where the key is on another machine."""
    _TRUSTED.add(os.path.realpath(run))


def is_trusted(run: Path) -> bool:
    """Whether the user has said, in this process, that the run is their own."""
    return os.path.realpath(run) in _TRUSTED


def _seal(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hmac.new(_key(str(_cache_folder())), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _cache_folder() -> Path:
    own = os.environ.get("AUDITOR_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(own) if own else Path(base) / "auditor"


@cache
def _key(folder: str) -> bytes:
    """The user's key, made where there is none. If none can be stored, the key is this process' alone: its runs count
    as own until it ends."""
    path = os.path.join(folder, KEY_FILE)
    with suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as new:
                new.write(secrets.token_bytes(KEY_BYTES))
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            status, key = os.fstat(handle), file.read(KEY_BYTES + 1)
        # A key that others can read or have made proves nothing.
        private = status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077
        if private and stat.S_ISREG(status.st_mode) and len(key) == KEY_BYTES:
            return key
    return secrets.token_bytes(KEY_BYTES)
