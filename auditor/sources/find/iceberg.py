"""Iceberg tables: the data files of the current snapshot, by pyiceberg, which reads through the listing alone.

Iceberg writes whole addresses. They are taken relative to the table's own location, so a copied table can be read; what
does not begin with it is refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from auditor.errors import SourceError
from auditor.sources.find.files import File, open_binary
from auditor.sources.find.tables import Current, within

HINT = "metadata/version-hint.text"
LARGEST = 1 << 30  # bytes of one metadata file or manifest
_NUMBER = re.compile(r"metadata/(?:v(\d+)|(\d+)-[0-9a-f-]+)(?:\.gz)?\.metadata\.json")


def current(files: Mapping[str, File], storage: Mapping[str, Any]) -> Current:
    """The current snapshot of a table, given all files of its folder by their names in it.

    Raises: SourceError where its metadata is damaged or of a version that isn't read, names files outside the folder,
    deletes rows of its files, or holds files that are no Parquet
    """
    from pyiceberg.catalog.noop import NoopCatalog
    from pyiceberg.manifest import clear_manifest_cache
    from pyiceberg.serializers import FromByteStream
    from pyiceberg.table import StaticTable

    latest = _latest(files, storage)
    octets = _octets(files[latest], storage)
    clear_manifest_cache()  # it looks for addresses, and a copy has those of its original
    try:
        if latest.endswith(".gz.metadata.json"):
            import gzip

            octets = gzip.GzipFile(fileobj=io.BytesIO(octets)).read(LARGEST)
        metadata = FromByteStream.table_metadata(io.BytesIO(octets))
        place = _file_io(files, storage, metadata.location)
        table = StaticTable(("table",), metadata, latest, place, NoopCatalog("none"))
        snapshot = table.current_snapshot()
        tasks = list(table.scan().plan_files()) if snapshot else []
    except SourceError:
        raise
    except Exception as error:  # of pydantic, of Avro's decoder, of the library itself
        raise SourceError(
            f"its metadata cannot be read: damaged, or of a later version of Iceberg ({type(error).__name__}: "
            f"{_first_line(error)})"
        ) from error
    if deleted := sum(1 for task in tasks if task.delete_files):
        raise SourceError(
            f"rows of {deleted:,} of its files are deleted by further files; rewrite them first: "
            "CALL system.rewrite_data_files(table => …, options => map('delete-file-threshold', '1')) in Spark"
        )
    if other := sorted({task.file.file_format.value for task in tasks} - {"PARQUET"}):
        raise SourceError(f"its data are {', '.join(other)}; write it again as Parquet first")
    names = frozenset(place.name_of(task.file.file_path) for task in tasks)
    return Current(f"Iceberg snapshot {snapshot.snapshot_id if snapshot else 'none'}", names)


def _latest(files: Mapping[str, File], storage: Mapping[str, Any]) -> str:
    """The current metadata file: the one that the version hint names, or the one with the highest number."""
    numbered = {name: int(found[1] or found[2]) for name in files if (found := _NUMBER.fullmatch(name))}
    if HINT in files:
        said = _octets(files[HINT], storage).decode(errors="replace").strip()
        hinted = [name for name, number in numbered.items() if str(number) == said]
        if len(hinted) == 1:
            return hinted[0]
    latest = [name for name, number in numbered.items() if number == max(numbered.values())]
    if len(latest) != 1:
        raise SourceError(
            f"{len(latest):,} metadata files have its highest number ({', '.join(sorted(latest)[:2])}): only its "
            "catalog knows which is in force; remove those that aren't"
        )
    return latest[0]


def _file_io(files: Mapping[str, File], storage: Mapping[str, Any], location: str) -> Any:
    from pyiceberg.io import FileIO, InputFile

    class _Within(FileIO):
        """Reads what the listing has under the table's own location."""

        def name_of(self, address: str) -> str:
            root, path = _plain(location).rstrip("/") + "/", _plain(address)
            if not path.startswith(root):
                raise SourceError(f"it names a file outside its folder ({address[:200]!r}), which is not opened")
            return within(path.removeprefix(root))

        def new_input(self, location: str) -> InputFile:
            name = self.name_of(location)
            if name not in files:
                raise SourceError(f"{name!r}, which it names, isn't in its folder: only part of it was copied")
            return _Input(location, files[name])

        def new_output(self, location: str) -> Any:
            raise SourceError("a corpus is not written to")

        def delete(self, location: Any) -> None:
            raise SourceError("a corpus is not written to")

    class _Input(InputFile):
        def __init__(self, location: str, file: File) -> None:
            super().__init__(location)
            self.file = file

        def __len__(self) -> int:
            return max(0, self.file.bytes)

        def exists(self) -> bool:
            return True

        def open(self, seekable: bool = True) -> Any:
            return io.BytesIO(_octets(self.file, storage))

    return _Within()


def _octets(file: File, storage: Mapping[str, Any]) -> bytes:
    if file.bytes > LARGEST:
        raise SourceError(f"{file.name} has {file.bytes:,} bytes, more than {LARGEST:,}; not read")
    with open_binary(file.path, storage) as stream:
        return stream.read(LARGEST)


def _plain(address: str) -> str:
    """An address in one of its equivalent forms: file:///a, file:/a and /a are the same, so are s3a and s3."""
    address = re.sub(r"^file:/*", "/", address)
    return re.sub(r"^(?:s3a|s3n)://", "s3://", address)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
