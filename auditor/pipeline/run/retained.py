"""Text of the corpus that a run keeps: how much, where copies of it went, and its permanent removal."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.errors import StoreError
from auditor.manifest import DONE, read_json, write_json
from auditor.pipeline.run.parts import PARTS, RETAINED, done
from auditor.run_folder import refuse_links, remove

SPOOL = "spool"
FORGOTTEN = "forgotten.json"  # in a run whose text was removed: nothing is retained in it again
COPIES = "text_copies.json"  # files outside the run that quote its text


@dataclass(frozen=True, slots=True)
class Retained:
    """What a run holds of its corpus' text; documents: whose beginnings, of both corpus and references."""

    documents: int
    bytes: int


def retained(run: Path) -> Retained:
    """Count the retained text of a run: the samples of all splits, and standard input kept to be read twice."""
    documents = size = 0
    for path in _texts(run):
        size += path.stat().st_size
        if path.name == RETAINED[0]:
            try:
                documents += pq.ParquetFile(path).metadata.num_rows
            except (OSError, pa.ArrowException):
                continue  # damaged: `audit` and `finalise` report it
    return Retained(documents, size)


def forget_texts(run: Path) -> int:
    """Remove retained text and spooled input; the figures stay. Returns the number of files removed.

    Markers then no longer count the removed parts as damaged, and later audits into this run retain nothing.
    """
    refuse_links(run)
    write_json(run / FORGOTTEN, {"forgotten": True}, within=run)
    for marker in run.glob(f"{PARTS}/*/{DONE}"):
        content = done(run, marker.parent.name)
        gone = tuple(sorted(set(RETAINED) & set((content and content.files) or ())))
        if content is not None and content.forgotten != gone:
            write_json(marker, replace(content, forgotten=gone).as_json(), within=run)
    return sum(remove(path, within=run) for path in _texts(run))


def is_forgotten(run: Path) -> bool:
    """Whether the text of this run was removed by `auditor forget`."""
    return (run / FORGOTTEN).exists()


def note_copy(run: Path, path: Path) -> None:
    """Remember a file outside the run that quotes its text, so that `auditor forget` can name it."""
    known = set(copies(run))
    whole = os.path.abspath(path)
    if whole not in known and not whole.startswith(os.path.abspath(run) + os.sep):
        write_json(run / COPIES, sorted(known | {whole}), within=run)


def copies(run: Path) -> list[str]:
    """Files outside the run that quote its text."""
    try:
        content = read_json(run / COPIES) if (run / COPIES).exists() else []
    except StoreError:
        return []
    return [path for path in content if isinstance(path, str)] if isinstance(content, list) else []


def _texts(run: Path) -> list[Path]:
    return [path for name in RETAINED for path in sorted(run.glob(f"{PARTS}/*/{name}"))] + sorted(
        path for path in run.glob(f"{SPOOL}/*") if path.is_file()
    )
