"""Which folders are runs of auditor: their parts, reports and locks are never read as a corpus, whoever made them."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from auditor.errors import SourceError
from auditor.manifest import CLUSTERS, LOCK, MANIFEST
from auditor.sources.find.files import File, is_url, open_binary
from auditor.sources.read.interface import Unread

RUN_FOLDER = "a run folder of auditor"
# What a run's folder holds beside the figures: a file named in one of these is refused as a corpus.
INSIDE = ("parts", CLUSTERS, "spool", "slurm", "audit.duckdb", "report.json", MANIFEST, LOCK)
HEAD = 64 << 10
# The manifest is written with its keys in order, the audit's id first; the lock says who holds the folder.
SIGNS = {
    MANIFEST: re.compile(rb'"audit_id"\s*:\s*"[0-9a-f]{20}"'),
    LOCK: re.compile(rb'^\{"pid": \d+, "host": "'),
}


def without_runs(files: Iterable[File], storage: Mapping[str, Any]) -> tuple[list[File], list[Unread]]:
    """The files of a listing that lie in no run's folder, and those folders."""
    listed = list(files)
    runs: dict[str, str] = {}
    for file in listed:
        folder, _, name = file.name.rpartition("/")
        if name in SIGNS and folder not in runs and _says_so(file.path, SIGNS[name], storage):
            runs[folder] = posixpath.dirname(file.path)
    kept = [file for file in listed if not any(folder in runs for folder in _above(file.name))] if runs else listed
    outermost = [folder for folder in sorted(runs) if not any(above in runs for above in _above(folder))]
    return kept, [Unread(folder or ".", runs[folder], RUN_FOLDER) for folder in outermost]


def named_run(path: str) -> str | None:
    """The run that a path given by the user is or belongs to; other folders in a run may be a corpus."""
    whole = os.path.abspath(path)
    for folder in (whole, *_parents(whole)):
        inside = os.path.relpath(whole, folder).split(os.sep)[0]
        if (folder == whole or inside in INSIDE) and is_run(folder):
            return folder
    return None


def run_around(path: str, root: str, known: dict[str, bool]) -> str | None:
    """The run below `root` that a local file lies in, or that a folder is.

    Parameters: known, what was found of earlier folders
    """
    whole, top = os.path.abspath(path), os.path.abspath(root or ".")
    for folder in (whole, *_parents(whole)):
        if folder == top:
            break
        if folder not in known:
            known[folder] = is_run(folder)
        if known[folder]:
            return folder
    return None


def is_run(folder: str) -> bool:
    """Whether a local folder holds the manifest of a run, or the lock of one that is being made."""
    return any(_says_so(os.path.join(folder, name), sign, {}) for name, sign in SIGNS.items())


def _says_so(path: str, sign: re.Pattern[bytes], storage: Mapping[str, Any]) -> bool:
    if not is_url(path) and not os.path.isfile(path):
        return False
    try:
        with open_binary(path, storage) as stream:
            return sign.search(stream.read(HEAD)) is not None
    except (SourceError, OSError):
        return False


def _parents(path: str) -> list[str]:
    return [str(folder) for folder in PurePath(path).parents]


def _above(name: str) -> list[str]:
    """The folders that a name lies in, the listing's root first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]
