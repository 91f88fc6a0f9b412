"""A copy of a shard without some of its records: same format, same compression, the kept records byte for byte."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np

from auditor.errors import SourceError
from auditor.sources.find.files import File, open_binary
from auditor.sources.read import plain
from auditor.sources.read.interface import MIB, Shard, SourceOptions
from auditor.sources.write.records import RECORDS, without_bound
from auditor.sources.write.selection import Selection, Written
from auditor.sources.write.sink import Sink
from auditor.sources.write.tables import write_arrow, write_lance, write_parquet


def write_filtered(
    shard: Shard,
    documents: np.ndarray,
    keep: np.ndarray,
    destination: Path,
    options: SourceOptions,
    *,
    keep_unread: bool = True,
) -> Written:
    """Write a shard without the documents that are left out, streaming, into a file that appears when it is whole.

    Records of JSONL, CSV, WARC and text are byte-equal to the source's; Parquet keeps schema, codecs and row groups
    (those above GROUP are cut). A CSV keeps its header, a WARC the records that hold no document (warcinfo, requests).
    Tar shards keep all members of a sample. Of a folder of text files the files that stay are copied into the folder
    `destination`; a Lance table becomes a folder of one version.

    Parameters: documents (n,) int64, ascending: rows of documents, as batches gave them; keep (n,) bool: which stay;
        keep_unread: whether records that were no documents (damaged, without text, too large) stay
    Returns: how many records were kept, left out and unread: together all records of the shard
    Raises: SourceError where the shard is damaged or cannot be written; then nothing is left at `destination`
    """
    chosen = Selection(documents, keep, keep_unread=keep_unread)
    if shard.format == "folder":
        return _write_folder(shard, chosen, destination, options)
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f"{destination.name}.{os.getpid()}.part")
    try:
        if shard.format == "parquet":
            written = write_parquet(shard, chosen, part, options)
        elif shard.format == "arrow":
            written = write_arrow(shard, chosen, part, options)
        elif shard.format == "lance":
            written = write_lance(shard, chosen, part)
        else:
            written = _write_records(shard, chosen, part, without_bound(shard, options))
        os.replace(part, destination)
    except OSError as error:
        raise SourceError(f"{destination}: cannot be written ({error.strerror or error})") from error
    finally:
        _remove(part)
    return written


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def _write_records(shard: Shard, chosen: Selection, part: Path, options: SourceOptions) -> Written:
    total = Written()
    with closing(Sink(part, shard.compression, by_record=shard.format in ("warc", "wet"))) as sink:
        for record, counts in RECORDS[shard.format](shard, chosen, options):
            if record:
                sink.write(record)
            total += counts
    return total


def _write_folder(shard: Shard, chosen: Selection, destination: Path, options: SourceOptions) -> Written:
    if options.text_unit != "file":
        raise SourceError(f"{shard.path}: a folder of text files can only be filtered by whole files, not by lines")
    destination.mkdir(parents=True, exist_ok=True)
    total = Written()
    for row, file in enumerate(plain.members(shard.path, options)):
        stays, counts = chosen.one(row)
        if stays:
            _copy(file, destination / file.name, options)
        total += counts
    return total


def _copy(file: File, target: Path, options: SourceOptions) -> None:
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    with open_binary(file.path, options.storage) as source, open(part, "wb") as sink:
        shutil.copyfileobj(source, sink, MIB)
    os.replace(part, target)
