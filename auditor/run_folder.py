"""Every write and every removal inside a run's folder, and the proof that none of them leaves it.

A run's folder may come from a stranger, with symbolic links in it that lead to the reader's own files. So a folder of a
run is reached from the run itself, one step at a time, through directory descriptors that follow no link; files are
made, renamed and removed relative to such a descriptor. `refuse_links` names what is wrong before a command begins. The
run's own path comes from the user, so it may be a link.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import psutil

from auditor.errors import StoreError

PRIVATE_FOLDER, PRIVATE_FILE, SHARED_FILE = 0o700, 0o600, 0o666
OTHER_MACHINE_SECONDS = 2 * 86_400.0  # after which leftovers of a writer on another machine count as abandoned
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_DESCRIPTORS = Path("/proc/self/fd")  # Linux: paths below an open folder, whatever happens to its name


def refuse_links(run: Path) -> None:
    """Look through a run's folder for anything that leads out of it or never ends.

    Raises: StoreError that names the first symbolic link, pipe, socket or device in it
    """
    folders = [str(run)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif not entry.is_file(follow_symlinks=False) and os.path.lexists(entry.path):
                        raise StoreError(_refusal(Path(entry.path), link=entry.is_symlink()))
        except (FileNotFoundError, NotADirectoryError):
            continue  # a part that another process has just replaced; or no run at all, which its reader reports
        except PermissionError as error:
            raise StoreError(f"{error.filename}: its folder may not be read") from None


def make_run(run: Path) -> Path:
    """The folder of a run, its owner's alone where it is new."""
    run.parent.mkdir(parents=True, exist_ok=True)
    run.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return run


def make_folder(path: Path, *, within: Path) -> Path:
    """Make a folder of a run, and those above it inside the run."""
    with _opened(within, path.relative_to(within).parts, create=True):
        return path


def make_empty(path: Path, *, within: Path) -> Path:
    """A folder of a run that is new, and ours alone: whatever had its name is removed."""
    remove(path, within=within)
    make_folder(path.parent, within=within)
    with _parent(path, within) as folder:
        os.mkdir(path.name, PRIVATE_FOLDER, dir_fd=folder)
    return path


def make_aside(path: Path, *, within: Path) -> Path:
    """A new private folder beside `path`, named after the writing process, so that `sweep` can remove leftovers."""
    make_folder(path.parent, within=within)
    aside = path.with_name(aside_name(path.name))
    with _parent(path, within) as folder:
        os.mkdir(aside.name, PRIVATE_FOLDER, dir_fd=folder)
    return aside


def remove(path: Path, *, within: Path) -> bool:
    """Remove a file or a folder of a run, if it is there; a link is removed itself, never what it leads to."""
    try:
        with _parent(path, within) as folder:
            return _remove_at(folder, path.name)
    except FileNotFoundError:
        return False


def move(source: Path, target: Path, *, within: Path) -> None:
    """Rename inside a run; a file that stands at the target is replaced, a folder is not.

    Raises: OSError
    """
    with _parent(source, within) as old, _parent(target, within) as new:
        os.rename(source.name, target.name, src_dir_fd=old, dst_dir_fd=new)


def link_or_copy(source: Path, target: Path, *, within: Path) -> None:
    """Put a file of another run into this one, as a hard link where the file system can."""
    make_folder(target.parent, within=within)
    with _parent(target, within) as folder:
        try:
            os.link(source, target.name, dst_dir_fd=folder, follow_symlinks=False)
        except OSError:
            with open(source, "rb") as octets, os.fdopen(_create(folder, target.name), "wb") as copy:
                shutil.copyfileobj(octets, copy, 1 << 20)


@contextmanager
def whole_file(path: Path, *, within: Path | None = None, private: bool = False) -> Iterator[Path]:
    """A path to write to; renamed to the one given when the block ends well, removed when it does not.

    Parameters: within, the run that the file belongs to, whose folder is never left; without one the folder is the
        user's choice and is made if missing; private, for text of the corpus: its owner alone may read it
    """
    if within is None:
        within = path.parent
        within.mkdir(parents=True, exist_ok=True)
    make_folder(path.parent, within=within)
    with _parent(path, within) as folder:
        name = aside_name(path.name)
        os.close(_create(folder, name, PRIVATE_FILE if private else SHARED_FILE))
        try:
            partial = _DESCRIPTORS / str(folder) / name
            yield partial if _DESCRIPTORS.is_dir() else path.with_name(name)
            handle = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)


def new_file(path: Path, *, within: Path) -> BinaryIO:
    """A file of a run that was not there before, open for writing, its owner's alone."""
    make_folder(path.parent, within=within)
    with _parent(path, within) as folder:
        return os.fdopen(_create(folder, path.name), "wb")


def open_lock(path: Path, *, within: Path) -> int:
    """A descriptor of a run's lock file, made where it is missing.

    Raises: StoreError where it is a link, of either kind, or no file: it would be written over
    """
    with _parent(path, within) as folder:
        try:
            handle = os.open(path.name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=folder)
        except OSError as error:
            if path.is_symlink() or not path.is_file():
                raise StoreError(_refusal(path, link=path.is_symlink())) from None
            raise StoreError(f"{path} cannot be opened for writing ({error.strerror})") from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(handle)
        raise StoreError(_refusal(path, link=False))
    return handle


def aside_name(name: str) -> str:
    """A name for a file still being written; it names the writer, so that leftovers can be swept."""
    return f".{name}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}"


def sweep(folder: Path, *, within: Path) -> None:
    """Remove what killed writers left in a folder: at once for this machine, after two days for others."""
    for path in folder.glob(".*.*.*.*"):
        match = re.search(r"\.([^.]+)\.(\d+)\.[^.]*$", path.name)
        if match is None:
            continue
        try:
            old = time.time() - path.lstat().st_mtime > OTHER_MACHINE_SECONDS
        except OSError:
            continue
        if (match[1] == _host() and not psutil.pid_exists(int(match[2]))) or (match[1] != _host() and old):
            remove(path, within=within)


@contextmanager
def _opened(run: Path, names: tuple[str, ...], *, create: bool = False) -> Iterator[int]:
    """A descriptor of a folder inside a run, reached step by step."""
    handle = os.open(run, _FOLDER)
    try:
        for depth, name in enumerate(names):
            if name in ("", ".", ".."):
                raise StoreError(f"{name!r} names no folder of {run}")
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, PRIVATE_FOLDER, dir_fd=handle)
            try:
                inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
            except NotADirectoryError:  # also said of a link
                path = run.joinpath(*names[: depth + 1])
                raise StoreError(_refusal(path, link=path.is_symlink())) from None
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _parent(path: Path, within: Path) -> Iterator[int]:
    with _opened(within, path.relative_to(within).parts[:-1]) as folder:
        yield folder


def _create(folder: int, name: str, mode: int = PRIVATE_FILE) -> int:
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)


def _remove_at(folder: int, name: str) -> bool:
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder)  # by descriptors too: links in it are not followed
        else:
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _refusal(path: Path, *, link: bool) -> str:
    what = "is a symbolic link" if link else "is not an ordinary file or folder"
    return (
        f"{path} {what}: nothing inside a run's folder is followed out of it; remove it (a run that needs another "
        "disk goes there whole, with --out)"
    )


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname()) or "host"
