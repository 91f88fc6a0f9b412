"""Delta tables: the files that the log's latest version holds, by the library of delta-rs.

The log is copied to a private folder before it is read. The library therefore sees nothing else, and a table may be
wherever files may be, with the credentials that fsspec uses.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from auditor.errors import SourceError
from auditor.sources.find.files import File, blocks
from auditor.sources.find.tables import Current, within

LOG = "_delta_log/"
LARGEST = 4 << 30  # bytes of a log that are copied


def current(files: Mapping[str, File], storage: Mapping[str, Any]) -> Current:
    """The latest version of a table, given all files of its folder by their names in it.

    Raises: SourceError where the log is damaged or of a version that isn't read, names files outside the folder,
    renames columns, or marks rows of files as deleted
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    log = {name: file for name, file in files.items() if name.startswith(LOG)}
    if (size := sum(max(0, file.bytes) for file in log.values())) > LARGEST:
        raise SourceError(f"its log has {size:,} bytes, more than {LARGEST:,}; make a checkpoint and clean it up")
    with tempfile.TemporaryDirectory(prefix="auditor-delta-") as folder:
        for name, file in log.items():
            path = Path(folder) / within(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as copy:
                copy.writelines(blocks(file.path, storage))
        try:
            table = DeltaTable(folder)
            renames = table.metadata().configuration.get("delta.columnMapping.mode", "none")
            features = table.protocol().reader_features or ()
            paths = table.get_add_actions(flatten=True).column("path").to_pylist()
        except (DeltaError, OSError, ValueError) as error:
            raise SourceError(
                f"its log cannot be read: damaged, or of a later version of Delta ({_first_line(error)})"
            ) from error
        if renames != "none":
            raise SourceError(
                "its columns have other names in its files (column mapping); write it again as Parquet first: "
                "deltalake.DeltaTable(FOLDER).to_pyarrow_table(), pyarrow.parquet.write_table(…)"
            )
        if "deletionVectors" in features and _leaves_rows_out(table):
            raise SourceError(
                "rows of its files are marked as deleted (deletion vectors); purge them first: "
                "REORG TABLE … APPLY (PURGE) in Spark"
            )
        return Current(f"Delta version {table.version()}", frozenset(within(unquote(path)) for path in paths))


def _leaves_rows_out(table: Any) -> bool:
    """Whether any file has a deletion vector; those in files of their own are not copied, so they cannot be opened."""
    from deltalake.exceptions import DeltaError

    try:
        return any(batch.num_rows for batch in table.deletion_vectors())
    except (DeltaError, OSError):
        return True


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
