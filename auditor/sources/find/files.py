"""Where files are: local paths and fsspec URLs behind three questions (list, stat, open)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from auditor.distribution import install_command
from auditor.errors import ConfigError, SourceError

READ_BYTES = 1 << 20
# Parts of a query that let whoever has the address read the file.
SIGNED = re.compile(
    r"(?:^|&)(?:x-amz-(?:signature|security-token)|x-goog-signature|signature|sig|(?:access_)?token)=", re.I
)
# What a URL may begin with. Others reach hosts, archives or programs in ways that nobody asked for (ssh, ftp, webhdfs,
# reference, zip, github, …), and a file that somebody else wrote may name them.
PROTOCOLS = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf", "http", "https"))
# The extra that brings what a protocol needs.
EXTRAS = {
    "s3": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "http": "http",
    "https": "http",
    "hf": "hf",
}
# Libraries of stores that raise errors of their own where a local file raises an OSError.
LIBRARIES = frozenset(("aiobotocore", "aiohttp", "azure", "botocore", "gcsfs", "google", "httpx", "huggingface_hub"))


@dataclass(frozen=True, slots=True)
class File:
    """A file of a corpus; name is its path relative to the corpus root, with forward slashes."""

    name: str
    path: str
    bytes: int
    mtime: float


def is_url(path: str) -> bool:
    """Whether fsspec opens it; file:// counts as local."""
    scheme = urlsplit(path).scheme if "://" in path else ""
    return bool(scheme) and scheme != "file"


def filesystem(url: str, storage: Mapping[str, Any]) -> tuple[Any, str]:
    """The fsspec filesystem of a URL and the path inside it.

    Raises: ConfigError when fsspec or the protocol's package is absent, or the URL carries a password
    """
    parts = urlsplit(url)
    if parts.password is not None or (parts.username and parts.scheme in ("s3", "http", "https")):
        raise ConfigError(
            f"{parts.scheme}://…@{parts.hostname}: credentials in a URL would end up in reports; "
            "give them by the environment or a credentials file instead"
        )
    if SIGNED.search(parts.query):
        raise ConfigError(
            f"{parts.scheme}://{parts.hostname}{parts.path}?…: a signed address would end up in reports; give the "
            "plain one, and credentials by the environment"
        )
    if "::" in url or parts.scheme.lower() not in PROTOCOLS:
        chained = "chained protocols are" if "::" in url else f"{parts.scheme}:// is"
        known = ", ".join(sorted(PROTOCOLS))
        raise ConfigError(f"{parts.scheme}://{parts.hostname or ''}…: {chained} not read; URLs begin with {known}")
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(url, **storage)
    except ImportError as error:
        command = install_command(EXTRAS[parts.scheme]) if parts.scheme in EXTRAS else "install what it names"
        raise ConfigError(f"{url}: reading {parts.scheme}:// needs an extra package ({error}): {command}") from error
    except ValueError as error:
        raise ConfigError(f"{url}: {error}") from error


@contextmanager
def as_os_errors() -> Iterator[None]:
    """What a store's library says in errors of its own (no network, no credentials) becomes an OSError."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or type(error).__module__.partition(".")[0] not in LIBRARIES:
            raise
        raise OSError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


class Remote:
    """A file of a store; it fails by an OSError, as a local file does."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        with as_os_errors():
            return self._file.read(size)

    def readinto(self, buffer: Any) -> int:
        """As of any file."""
        with as_os_errors():
            return self._file.readinto(buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def open_binary(path: str, storage: Mapping[str, Any]) -> BinaryIO:
    """Open a local file or a URL for reading.

    Raises: SourceError when it is gone or may not be read
    """
    try:
        if is_url(path):
            fs, inner = filesystem(path, storage)
            with as_os_errors():
                return cast(BinaryIO, Remote(fs.open(inner, "rb")))
        return open(path, "rb")
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be opened ({error.strerror or error}); is it there, and readable?"
        ) from error


def blocks(path: str, storage: Mapping[str, Any], *, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The bytes [start, stop) of a file in blocks of READ_BYTES.

    Raises: SourceError when the file cannot be read, or is shorter than it was when the corpus was planned
    """
    with open_binary(path, storage) as stream:
        try:
            stream.seek(start)
            while stop is None or start < stop:
                block = stream.read(READ_BYTES if stop is None else min(READ_BYTES, stop - start))
                if not block:
                    break
                start += len(block)
                yield block
        except OSError as error:
            raise SourceError(f"{path}: reading failed at byte {start} ({error.strerror or error})") from error
    if stop is not None and start < stop:
        raise SourceError(f"{path}: ends at byte {start}, expected {stop}: it changed since the corpus was planned")


def walk(folder: str, storage: Mapping[str, Any]) -> list[File]:
    """Every file under a folder, ordered by name."""
    if is_url(folder):
        return _walk_remote(folder, storage)
    found = []
    for where, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in names:
            path = os.path.join(where, name)
            found.append(stat(path, storage, name=os.path.relpath(path, folder).replace(os.sep, "/")))
    return sorted(found, key=lambda file: file.name)


def _walk_remote(folder: str, storage: Mapping[str, Any]) -> list[File]:
    fs, inner = filesystem(folder, storage)
    entries = fs.find(inner, detail=True)
    root = inner.rstrip("/") + "/"
    found = [
        File(path.removeprefix(root), fs.unstrip_protocol(path), int(entry.get("size") or 0), _mtime(entry))
        for path, entry in entries.items()
    ]
    return sorted(found, key=lambda file: file.name)


def stat(path: str, storage: Mapping[str, Any], *, name: str) -> File:
    """Size and time of change of one file."""
    try:
        if is_url(path):
            fs, inner = filesystem(path, storage)
            with as_os_errors():
                entry = fs.info(inner)
            return File(name, path, int(entry.get("size") or 0), _mtime(entry))
        status = os.stat(path)
        return File(name, path, status.st_size, status.st_mtime)
    except OSError:
        return File(name, path, -1, 0.0)  # a dangling link, or gone: named as unreadable by the plan


def _mtime(entry: Mapping[str, Any]) -> float:
    stamp = entry.get("LastModified") or entry.get("last_modified") or entry.get("mtime") or entry.get("created") or 0.0
    return float(stamp.timestamp()) if hasattr(stamp, "timestamp") else float(stamp) if stamp else 0.0
