"""The shard plan: from paths to shards with their formats, columns and splits, in a fixed order."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from auditor import streams
from auditor.errors import ConfigError, SourceError
from auditor.sources.find.columns import MissingColumn
from auditor.sources.find.discover import STDIN, STDIN_NAME, Candidate, discover
from auditor.sources.find.files import File, open_binary, walk
from auditor.sources.find.formats import KNOWN, by_content, compression_of
from auditor.sources.find.partitions import partition_columns
from auditor.sources.open.compression import expanded
from auditor.sources.read.chooser import reader
from auditor.sources.read.interface import Corpus, Limits, Shard, SourceOptions, Unread

HEAD = 64 << 10  # bytes at each end of a file that its fingerprint covers


class _Empty(Exception):
    """An empty file: passed over, and reported as such."""


def plan_corpus(
    paths: Sequence[str],
    options: SourceOptions,
    *,
    stdin: BinaryIO | None = None,
    sample: int | None = None,
    seed: int = 0,
) -> Corpus:
    """Find what is to be read: folders, files, globs, URLs and "-" (standard input).

    Parameters: stdin: in place of the process' own standard input; sample: look only at so many of the files, evenly
        spaced from a random start
    Returns: Corpus; its shards in the order of the paths given and of the names within; `failed` names files that
        belong to the corpus but cannot be read, `ignored` those passed over
    Raises: ConfigError for a path that isn't there, a folder without a file of a known format, a file named by the
        user whose format isn't read, or where no shard has a column of text
    """
    candidates, ignored = discover(paths, options, stdin=stdin)
    listed = None
    if sample is not None and sample < len(candidates):
        from auditor.statistics.twostage import sample_shards  # it imports scipy, which no reader needs

        listed = len(candidates)
        candidates = [candidates[i] for i in sample_shards(listed, sample, streams.rng(seed, "sampled shards"))]
    shards: list[Shard] = []
    failed: list[Unread] = []
    wrong: list[ConfigError] = []
    for candidate in candidates:
        file = candidate.file
        if (clean := _clean(file.path)) != file.path:
            failed.append(Unread(_clean(file.name), clean, "its name is not UTF-8: rename it"))
            continue
        if candidate.broken:
            failed.append(Unread(file.name, file.path, candidate.broken))
            continue
        try:
            shards.append(plan_shard(candidate, options))
        except _Empty:
            ignored.append(Unread(file.name, file.path, "empty"))
        except (ConfigError, SourceError) as error:
            wrong += [error] if isinstance(error, ConfigError) else []
            failed.append(Unread(file.name, file.path, str(error)))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a library's panic is not an Exception; it costs only this file
            said = " ".join(str(error).split())[:200]
            failed.append(Unread(file.name, file.path, f"it cannot be inspected ({type(error).__name__}: {said})"))
    if wrong and not shards:
        raise wrong[0]
    missing = [error for error in wrong if isinstance(error, MissingColumn)]
    if len(missing) > len(shards):
        # One mistyped name would leave most of the corpus unread: that is not an audit of it.
        files = len(shards) + len(failed)
        raise ConfigError(f"{len(missing):,} of {files:,} files lack a column that an option names; {missing[0]}")
    if not shards and not failed:
        shown = "; ".join(f"{unread.name}: {unread.reason}" for unread in ignored[:3])
        raise ConfigError(f"{', '.join(paths)}: nothing to read; reads {KNOWN}" + (f" ({shown})" if shown else ""))
    return Corpus(_corpus_name(paths), tuple(paths), tuple(shards), tuple(failed), tuple(ignored), listed)


def plan_shard(candidate: Candidate, options: SourceOptions) -> Shard:
    """Look at one file: format, compression, columns, splits, fingerprint.

    Raises: SourceError when it cannot be read; ConfigError when it has no text, or the user named a file of a format
    that isn't read
    """
    file = candidate.file
    if candidate.folder:
        format, compression = candidate.table or "folder", None
        fingerprint = FOLDERS[format](file, options)
    else:
        if file.bytes == 0:
            raise _Empty
        ends = _ends(file, options.storage)
        compression = compression_of(ends[0])
        format = _format(candidate, compression, options)
        fingerprint = _hash(file.bytes, file.mtime, *ends)
    seen = reader(format).inspect(file, compression, options, format)
    columns, partitions = partition_columns(seen.columns, file.path, options)
    return Shard(
        name=file.name,
        path=file.path if "://" in file.path else os.path.abspath(file.path),
        format=format,
        compression=compression,
        bytes=file.bytes,
        mtime=file.mtime,
        fingerprint=fingerprint,
        columns=columns,
        splits=seen.splits,
        rows=seen.rows,
        partitions=partitions,
        version=candidate.version or seen.version,
    )


def is_unchanged(shard: Shard, options: SourceOptions) -> bool:
    """Whether the file is still what was planned: size, time of change, and a hash of its head and tail."""
    from auditor.sources.find.files import stat

    file = stat(shard.path, options.storage, name=shard.name)
    if shard.format in FOLDERS:
        return FOLDERS[shard.format](file, options) == shard.fingerprint
    return file.bytes > 0 and _hash(file.bytes, file.mtime, *_ends(file, options.storage)) == shard.fingerprint


def folder_fingerprint(file: File, options: SourceOptions) -> str:
    """The fingerprint of a folder of plain text: of its files' names, sizes and times of change."""
    from auditor.sources.read.plain import members

    listed = [f"{member.name}\0{member.bytes}\0{member.mtime}".encode() for member in members(file.path, options)]
    return _hash(len(listed), 0.0, *listed)


def table_fingerprint(file: File, options: SourceOptions) -> str:
    """The fingerprint of a Lance table: of its versions, which are one file each."""
    versions = walk(f"{file.path.rstrip('/')}/_versions", options.storage)
    listed = [f"{v.name}\0{v.bytes}\0{v.mtime}".encode() for v in versions if v.name.endswith(".manifest")]
    return _hash(len(listed), 0.0, *listed)


FOLDERS = {"folder": folder_fingerprint, "lance": table_fingerprint}


def _format(candidate: Candidate, compression: str | None, options: SourceOptions) -> str:
    file = candidate.file
    limits = replace(options.limits, decompressed_bytes=max(options.limits.decompressed_bytes, HEAD))
    head = first_bytes(file, compression, limits, options.storage)
    if not head:
        raise _Empty
    guess = by_content(file.name, head, sniff=candidate.explicit)
    if guess.format is None:
        error = (
            ConfigError if candidate.explicit and by_content(file.name, b"", sniff=True).format is None else SourceError
        )
        raise error(f"{file.path}: {guess.reason}")
    return guess.format


def first_bytes(file: File, compression: str | None, limits: Limits, storage: Mapping[str, Any]) -> bytes:
    """The first decompressed bytes, as far as the file gives any.

    Raises: SourceError where it gives none because it is damaged
    """
    head = b""
    try:
        for piece in expanded(file.path, compression, limits=limits, storage=storage):
            head += piece
            if len(head) >= HEAD:
                break
    except SourceError:
        if not head:
            raise
    return head[:HEAD]


def _ends(file: File, storage: Mapping[str, Any]) -> tuple[bytes, bytes]:
    try:
        with open_binary(file.path, storage) as stream:
            head = stream.read(HEAD)
            stream.seek(max(0, file.bytes - HEAD))
            return head, stream.read(HEAD)
    except OSError as error:
        raise SourceError(f"{file.path}: cannot be read ({error.strerror or error})") from error


def _hash(size: int, mtime: float, *parts: bytes) -> str:
    digest = hashlib.blake2b(f"{size}\0{mtime:.6f}".encode(), digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _clean(name: str) -> str:
    """A file's name as text: bytes that are not UTF-8 (surrogates in Python) written as \\xe9."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _corpus_name(paths: Sequence[str]) -> str:
    bases = [STDIN_NAME if path == STDIN else posixpath.basename(path.rstrip("/")) or "corpus" for path in paths]
    return "+".join(dict.fromkeys(bases))
