"""Tar shards in webdataset's layout: members that share their name up to its first dot are one sample.

A sample becomes one line of JSON: its name, its texts by their suffixes (`txt`, `caption`, …), and the fields of its
JSON. So whatever holds for JSON lines holds for it too. Nothing is unpacked to disk, and links are not followed.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from auditor.errors import SourceError
from auditor.records import Skip
from auditor.sources.find.columns import detect
from auditor.sources.find.files import File
from auditor.sources.find.partitions import partitions_of
from auditor.sources.open import images
from auditor.sources.open.batching import batched
from auditor.sources.open.canonical import Raw
from auditor.sources.open.compression import Stream, expanded
from auditor.sources.open.lines import BLOCK, TOO_LARGE, Lines
from auditor.sources.read.interface import MIB, Batch, Inspected, Shard, SourceOptions, Split
from auditor.sources.read.jsonl import SAMPLED, SAMPLED_BYTES, Parser, field_names

TEXTS = ("txt", "text", "caption")  # suffixes of members that are text
KEY = "__key__"
UNREADABLE_JSON = "json_unreadable"
HEADER = MIB  # bytes of a long name or of extended headers, at most
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)


@dataclass(slots=True)
class Sample:
    """Members of one name: what of them is read, by suffix; too_large: one of those was longer than a record may be.

    spans: first byte and end of each member in the archive as it is uncompressed, headers and padding included
    """

    key: str
    parts: dict[str, bytes] = field(default_factory=dict)
    too_large: bool = False
    images: list[str] = field(default_factory=list)  # what each of its images declares
    spans: list[tuple[int, int]] = field(default_factory=list)


def inspect(file: File, compression: str | None, options: SourceOptions, format: str) -> Inspected:
    """The fields of the first samples are the columns; one split, since a tar has no index.

    Raises: SourceError where it is no tar, or its first samples have no text; ConfigError where none is the one named
    """
    found: list[bytes] = []
    size = 0
    try:
        for sample in islice(samples(file.path, compression, options), SAMPLED):
            found.append(line_of(sample)[0])
            size += len(found[-1])
            if size > SAMPLED_BYTES:
                break
    except SourceError:
        if not found:
            raise
    names, _ = field_names(found)
    if set(names) <= {KEY}:
        raise SourceError(
            f"{file.path}: a tar archive whose first {len(found):,} samples have no text (.txt, .caption or .json "
            "members, in webdataset's layout); unpack it first if it holds files of another kind"
        )
    columns = detect(names, options, where=file.name, partitions=partitions_of(file.path))
    return Inspected(columns, (Split(0, 0, file.bytes),))


def read(shard: Shard, split: Split, options: SourceOptions) -> Iterator[Batch]:
    """The samples of a shard; row counts them, those without text too."""
    return batched(_raws(shard, options), shard, options)


def samples(path: str, compression: str | None, options: SourceOptions, *, look: bool = False) -> Iterator[Sample]:
    """The samples of a tar in the order of their members.

    Parameters: look: whether images are asked what they declare
    Raises: SourceError at the damage, after every whole sample before it
    """
    last: list[bytes] = []
    pieces = _watched(expanded(path, compression, limits=options.limits, storage=options.storage), last)
    sample: Sample | None = None
    count = 0
    try:
        with tarfile.open(fileobj=Stream(pieces), mode="r|", tarinfo=_Entry) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would keep every header
                named = _named(member)
                if named is None:
                    continue
                key, suffix = named
                if sample is None or sample.key != key:
                    if sample is not None:
                        count += 1
                        yield sample
                    sample = Sample(key)
                sample.spans.append((member.offset, archive.offset))  # type: ignore[attr-defined]
                if suffix in (*TEXTS, "json"):
                    if member.size > options.limits.record_bytes:
                        sample.too_large = True
                    elif (stream := archive.extractfile(member)) is not None:
                        sample.parts[suffix] = stream.read()
                elif look and suffix in images.SUFFIXES:
                    sample.images.append(_declared(archive, member, options))
        # The parser takes any end for the end; a whole archive ends with blocks of zeros.
        if any(last[0] if last else b""):
            raise EOFError("without an end mark: truncated, still being written, or several archives in one file")
    except (tarfile.TarError, EOFError, ValueError) as error:
        after = f"after sample {count:,}" if count or sample else "at its beginning"
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise SourceError(f"{path}: damaged tar {after} ({said}); the rest of it is lost") from error
    if sample is not None:
        yield sample


def line_of(sample: Sample) -> tuple[bytes, list[str]]:
    """A sample as a line of JSON, and what had to be mended for it."""
    notes: list[str] = []
    named = {KEY: sample.key}
    for suffix in TEXTS:
        if (octets := sample.parts.get(suffix)) is not None:
            try:
                named[suffix] = octets.decode("utf-8-sig")
            except UnicodeDecodeError:
                named[suffix] = octets.decode("utf-8-sig", errors="replace")
                notes.append("invalid_utf8_replaced")
    own = json.dumps(named).encode()
    if (given := sample.parts.get("json")) is None:
        return own, notes
    body = given.removeprefix(b"\xef\xbb\xbf").strip().replace(b"\n", b" ").replace(b"\r", b" ")
    if len(named) > 1 and not _is_object(body):
        return own, [*notes, UNREADABLE_JSON]
    if not body.startswith(b"{"):
        return body or own, notes  # the parser says what is wrong with it
    return own[:-1] + (b"" if body[1:].lstrip().startswith(b"}") else b",") + body[1:], notes


def _raws(shard: Shard, options: SourceOptions) -> Iterator[Raw]:
    gathered = _Gathered(shard)
    failure: SourceError | None = None
    found = samples(shard.path, shard.compression, options, look=options.images)
    while True:
        try:
            sample = next(found, None)
        except SourceError as error:
            sample, failure = None, error
        if sample is None:
            break
        gathered.add(sample)
        if gathered.size >= BLOCK:
            yield gathered.finish()
    yield gathered.finish()
    if failure is not None:
        raise failure


class _Gathered:
    """Lines of samples up to a block of them."""

    def __init__(self, shard: Shard) -> None:
        self.shard, self.parser, self.row = shard.name, Parser(shard.name, shard.columns), 0
        self._clear()

    def _clear(self) -> None:
        self.first, self.size = self.row, 0
        self.lines: list[bytes] = []
        self.skips: list[Skip] = []
        self.notes: list[Skip] = []

    def add(self, sample: Sample) -> None:
        """Take one sample; an empty line stands for one that was too large."""
        line, notes = (b"", []) if sample.too_large else line_of(sample)
        if sample.too_large:
            self.skips.append(Skip(self.shard, TOO_LARGE, row=self.row, detail=sample.key[:200]))
        notes += [images.note(said) for said in sample.images]
        self.notes += [Skip(self.shard, note, row=self.row) for note in notes]
        self.lines.append(line)
        self.size += len(line) + 1
        self.row += 1

    def finish(self) -> Raw:
        records = len(self.lines)
        raw = self.parser.block(Lines(self.first, b"\n".join(self.lines), records)) if records else None
        made = Raw(
            raw.frame if raw else self.parser.empty,
            (*self.skips, *(raw.skips if raw else ())),
            (*self.notes, *(raw.notes if raw else ())),
            records,
        )
        self._clear()
        return made


def _declared(archive: tarfile.TarFile, member: tarfile.TarInfo, options: SourceOptions) -> str:
    if not images.can_look():
        return images.UNSEEN
    stream = archive.extractfile(member) if member.size <= options.limits.record_bytes else None
    return images.declaration(stream.read()) if stream else images.UNREADABLE


def _watched(pieces: Iterator[bytes], last: list[bytes]) -> Iterator[bytes]:
    """The pieces, with the end of the latest one kept in `last`."""
    for piece in pieces:
        last[:] = [piece[-tarfile.BLOCKSIZE :]]
        yield piece


def _named(member: tarfile.TarInfo) -> tuple[str, str] | None:
    """The key and the suffix of a regular file; None for all else, for hidden files, and for holes (sparse files)."""
    name = member.name.removeprefix("./")
    folder, slash, base = name.rpartition("/")
    stem, dot, suffix = base.partition(".")
    if not (member.isreg() and stem and dot) or member.type == tarfile.GNUTYPE_SPARSE or member.sparse is not None:
        return None
    return f"{folder}{slash}{stem}", suffix.lower()


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body, strict=False, parse_int=str), dict)
    except (ValueError, RecursionError):
        return False


class _Entry(tarfile.TarInfo):
    """A header that may not ask for more memory than a header needs."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in _LONG and self.size > HEADER:
            raise tarfile.ReadError(f"an extended header of {self.size:,} bytes, more than {HEADER:,}")
        return super()._proc_member(archive)  # type: ignore[misc]
