"""From what the user names (folders, files, globs, URLs, standard input) to files with unique names."""

from __future__ import annotations

import difflib
import glob
import hashlib
import os
import posixpath
import stat as stat_module
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from auditor.errors import ConfigError, SourceError
from auditor.run_folder import aside_name, move, new_file
from auditor.sources.find.files import READ_BYTES, File, as_os_errors, filesystem, is_url, stat, walk
from auditor.sources.find.formats import by_name
from auditor.sources.find.hub import pinned
from auditor.sources.find.runs import RUN_FOLDER, named_run, run_around, without_runs
from auditor.sources.find.tables import DROPPED, NAMES, OF_TABLE, Table, current, tables_among
from auditor.sources.read.interface import SourceOptions, Unread

STDIN = "-"
STDIN_NAME = "standard-input"
HIDDEN = "hidden, or a marker of another program"
HIDDEN_FOLDER = "in a folder whose name begins with a dot or an underscore"
TWICE = "given twice"
PIPE = "a pipe or device; name it itself to have it read"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file of the corpus, or a folder that is one shard; explicit when the user named the file itself."""

    root: str
    file: File
    explicit: bool = False
    folder: bool = False
    table: str = ""  # "lance" where the folder is one
    version: str = ""  # of the table that the file belongs to
    broken: str = ""  # why it cannot be read


def discover(
    paths: Sequence[str], options: SourceOptions, *, stdin: BinaryIO | None = None
) -> tuple[list[Candidate], list[Unread]]:
    """The files to look at, with unique names, in the order of the paths given and of the names in each; those passed
    over.

    Raises: ConfigError for a path that isn't there
    """
    if not paths:
        raise ConfigError("no corpus given; name a folder, a file, a glob, a URL, or - for standard input")
    found: list[Candidate] = []
    ignored: list[Unread] = []
    for path in paths:
        here, passed = _under(path, options, stdin)
        found += here
        ignored += passed
    return _named(_once(found, ignored)), ignored


def _under(path: str, options: SourceOptions, stdin: BinaryIO | None) -> tuple[list[Candidate], list[Unread]]:
    if path == STDIN:
        return [_spooled(options, stdin or sys.stdin.buffer, STDIN_NAME)], []
    path = path.removeprefix("file://")
    if is_url(path):
        return _under_url(path, options.storage)
    if (run := named_run(path)) is not None:
        raise ConfigError(
            f"{path}: {run} is {RUN_FOLDER}, not a corpus; its figures are read with auditor report {run}"
        )
    if os.path.isdir(path):
        return _in_folder(path, walk(path, options.storage), options.storage)
    if _is_pipe(path):
        with open(path, "rb") as stream:
            return [_spooled(options, stream, f"pipe-{os.path.basename(path)}" if _is_numbered(path) else path)], []
    if os.path.exists(path):
        return [Candidate(os.path.dirname(path), stat(path, {}, name=os.path.basename(path)), explicit=True)], []
    if glob.has_magic(path):
        return _globbed(path, sorted(glob.glob(path, recursive=True)), options.storage)
    raise ConfigError(f"{path}: there is no such file or folder{_like(path)}")


def _under_url(url: str, storage: Mapping[str, Any]) -> tuple[list[Candidate], list[Unread]]:
    fs, inner = filesystem(url, storage)
    if (fixed := pinned(url, fs, inner)) != url:
        url = fixed
        fs, inner = filesystem(url, storage)
    try:
        with as_os_errors():
            if glob.has_magic(inner) and not url.startswith("http"):
                return _globbed(url, sorted(fs.unstrip_protocol(p) for p in fs.glob(inner)), storage)
            if fs.isfile(inner) or url.startswith("http"):
                fs.info(inner)
                name = posixpath.basename(inner.split("?")[0].rstrip("/"))
                return [Candidate(posixpath.dirname(url), stat(url, storage, name=name), explicit=True)], []
            if fs.isdir(inner):
                return _in_folder(url, walk(url, storage), storage)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"{url}: cannot be reached ({type(error).__name__}: {str(error)[:200]})") from error
    raise ConfigError(f"{url}: there is no such file or folder")


def _in_folder(root: str, files: Iterable[File], storage: Mapping[str, Any]) -> tuple[list[Candidate], list[Unread]]:
    """The files of known formats; if all of those in one folder are plain text, the folder is one candidate."""
    by_folder: dict[str, list[File]] = defaultdict(list)
    listed, ignored = without_runs(files, storage)
    tables, outside = tables_among(listed)
    for file in outside:
        parts = file.name.split("/")
        guess = by_name(file.name)
        if any(part.startswith((".", "_")) for part in parts):
            ignored.append(Unread(file.name, file.path, _hidden(parts)))
        elif guess.format is None:
            ignored.append(Unread(file.name, file.path, guess.reason))
        elif file.bytes == 0 and not is_url(file.path) and _is_pipe(file.path):
            ignored.append(Unread(file.name, file.path, PIPE))
        else:
            by_folder["/".join(parts[:-1])].append(file)
    found = []
    for table in tables:
        here, passed = _in_table(root, table, storage)
        found += here
        ignored += passed
    for folder, members in by_folder.items():
        if all(by_name(file.name).format == "text" for file in members) and len(members) > 1:
            found.append(Candidate(root, _together(root, folder, members), folder=True))
        else:
            found += [Candidate(root, file) for file in members]
    return sorted(found, key=lambda c: c.file.name), ignored


def _in_table(root: str, table: Table, storage: Mapping[str, Any]) -> tuple[list[Candidate], list[Unread]]:
    """The files that a table holds now; those of Delta and Iceberg are Parquet, a Lance table is read as one."""
    whole = _together(root, table.folder, list(table.files))
    if table.kind == "lance":
        return [Candidate(root, whole, folder=True, table="lance")], []
    try:
        now = current(table, storage)
    except SourceError as error:
        return [Candidate(root, whole, broken=f"{NAMES[table.kind]}: {error}")], []
    found, ignored = [], []
    prefix = f"{table.folder}/" if table.folder else ""
    for file in table.files:
        name = file.name.removeprefix(prefix)
        if name in now.names:
            found.append(Candidate(root, file, version=now.version))
        else:
            is_record = name.startswith(("_delta_log/", "metadata/"))
            ignored.append(Unread(file.name, file.path, OF_TABLE if is_record else DROPPED))
    return found, ignored


def _hidden(parts: list[str]) -> str:
    """Why a path with a part that begins with a dot or an underscore is passed over."""
    return HIDDEN_FOLDER if any(part.startswith((".", "_")) for part in parts[:-1]) else HIDDEN


def _together(root: str, folder: str, members: list[File]) -> File:
    base = root.rstrip("/")
    name = folder or posixpath.basename(base) or "text"
    path = f"{base}/{folder}" if folder else base
    return File(name, path, sum(max(0, file.bytes) for file in members), max(file.mtime for file in members))


def _globbed(pattern: str, paths: list[str], storage: Mapping[str, Any]) -> tuple[list[Candidate], list[Unread]]:
    """Matching files, named relative to the last folder without a wildcard; matching folders with what is in them."""
    if not paths:
        raise ConfigError(f"{pattern}: nothing matches this pattern")
    fixed = pattern[: min(pattern.find(c) for c in "*?[" if c in pattern)]
    root = fixed[: fixed.rfind("/") + 1]
    found: list[Candidate] = []
    ignored: list[Unread] = []
    if not is_url(root) and (named := named_run(root or ".")) is not None:
        raise ConfigError(f"{pattern}: {named} is {RUN_FOLDER}, not a corpus")
    runs: set[str] = set()
    known: dict[str, bool] = {}
    for path in paths:
        relative = path.removeprefix(root)
        if not is_url(path) and (run := run_around(path, root, known)) is not None:
            if run not in runs:
                ignored.append(Unread(os.path.relpath(run, root or "."), run, RUN_FOLDER))
            runs.add(run)
        elif not is_url(path) and os.path.isdir(path):
            if pattern.endswith("**"):
                continue  # what is in it matches too
            inside, passed = _in_folder(path, walk(path, storage), storage)
            found += [replace(c, root=root, file=replace(c.file, name=f"{relative}/{c.file.name}")) for c in inside]
            ignored += passed
        elif (guess := by_name(path)).format is None:
            ignored.append(Unread(relative, path, guess.reason))
        else:
            found.append(Candidate(root, stat(path, storage, name=relative)))
    return found, ignored


def _once(found: list[Candidate], ignored: list[Unread]) -> list[Candidate]:
    """Each file once, even if a folder and a file in it were both given."""
    seen: set[str] = set()
    kept = []
    for candidate in found:
        path = candidate.file.path
        real = path if is_url(path) else os.path.realpath(path)
        if real in seen:
            ignored.append(Unread(candidate.file.name, path, TWICE))
            continue
        seen.add(real)
        kept.append(candidate)
    return kept


def _named(found: list[Candidate]) -> list[Candidate]:
    """Names unique over several roots: those that clash get their root's name, then a number."""
    clashes = {name for name, n in Counter(c.file.name for c in found).items() if n > 1}
    taken: set[str] = {c.file.name for c in found} - clashes
    named = []
    for candidate in found:
        name = candidate.file.name
        if name in clashes:
            base = posixpath.basename(candidate.root.rstrip("/")) or "root"
            name, n = f"{base}/{name}", 1
            while name in taken:
                n += 1
                name = f"{base}~{n}/{candidate.file.name}"
        taken.add(name)
        named.append(replace(candidate, file=replace(candidate.file, name=name)))
    return named


def _is_pipe(path: str) -> bool:
    """Whether a path is a named pipe, a process substitution or a device: read once, from its beginning to its end."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat_module.S_ISFIFO(mode) or stat_module.S_ISCHR(mode) or stat_module.S_ISSOCK(mode)


def _is_numbered(path: str) -> bool:
    return os.path.basename(path).isdigit()


def _spooled(options: SourceOptions, stream: BinaryIO, path: str) -> Candidate:
    """Standard input or a pipe, kept in a file named by its content, since the audit reads twice."""
    if options.spool is None:
        shown = "standard input (-)" if path == STDIN_NAME else path
        raise ConfigError(f"{shown} can only be read where there is a folder to keep it in: give --out")
    spool, name = options.spool, os.path.basename(path)
    part = spool / aside_name(name)
    digest = hashlib.blake2b(digest_size=8)
    with new_file(part, within=spool.parent) as sink:
        while block := stream.read(READ_BYTES):
            digest.update(block)
            sink.write(block)
    target = spool / f"{name}-{digest.hexdigest()}"
    move(part, target, within=spool.parent)
    # The same input gives the same shard again, so a killed run can resume.
    os.utime(target, (0, 0), follow_symlinks=False)
    return Candidate(str(options.spool), stat(str(target), {}, name=name), explicit=True)


def _like(path: str) -> str:
    folder, name = os.path.split(os.path.abspath(path))
    if not os.path.isdir(folder):
        return f" (nor the folder {folder})"
    near = difflib.get_close_matches(name, os.listdir(folder), n=1, cutoff=0.6)
    return f"; did you mean {os.path.join(os.path.dirname(path), near[0])}?" if near else ""
