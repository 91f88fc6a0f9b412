"""What a file is, by its name and its first bytes; where they disagree the bytes win."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from auditor.sources.open.compression import MAGIC, SUFFIXES, is_skippable
from auditor.sources.open.lines import wide_encoding, without_bom

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".parq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonlines": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "text",
    ".text": "text",
    ".warc": "warc",
    ".wet": "wet",
    ".tar": "tar",
    ".tgz": "tar",
}
KNOWN = (
    "Parquet, Arrow, JSONL, CSV, TSV, plain text (.txt), WARC, WET and tar (webdataset), each plain or as .gz, .zst, "
    ".bz2, .xz; tables of Delta, Iceberg and Lance"
)

# Formats that people try, with what to do instead.
REFUSED = {
    "Excel": (".xlsx", ".xls", ".xlsm", ".ods"),
    "an archive; unpack it first": (".zip", ".7z", ".rar"),
    "PDF; extract its text first": (".pdf",),
    "a word processor's format; save it as text first": (".docx", ".doc", ".odt", ".rtf", ".epub"),
    "not a format of documents; write it as Parquet first": (".orc", ".avro", ".sqlite", ".db", ".duckdb", ".h5"),
    "a pickle or weights, which are never opened": (".pkl", ".pickle", ".pt", ".bin", ".npy", ".npz", ".safetensors"),
    "MDS, whose columns may be pickles; write it as JSON lines first, with the library mosaicml-streaming": (".mds",),
    "WAT: it holds no text; give the WET or WARC file": (".wat",),
    "lz4, lzma, brotli or snappy; use gz, zst, bz2 or xz": (".lz4", ".lzma", ".br", ".sz", ".z"),
}
_REFUSED_MAGIC = {
    b"PK\x03\x04": "a zip archive (or an Office document)",
    b"%PDF-": "PDF",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"FEA1": "Feather version 1; rewrite it with: pyarrow.feather.write_feather(table, FILE)",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"SQLite format 3": "SQLite",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x89HDF": "HDF5",
    b"\x80\x04\x95": "a pickle, which is never opened",
    b"\x04\x22\x4d\x18": "lz4; use gz, zst, bz2 or xz",
}


TAR_MAGIC_AT = 257


# Names of columns that identify a table whose file name does not (columns.py has them in their order).
TEXT_NAMES = frozenset("text raw_content content body document article story abstract review comment message".split())
_ARROW_STREAM = b"\xff\xff\xff\xff"


# Files that describe the documents beside them: neither documents nor faults.
SIDECAR = "describes the files beside it"
_SIDECAR = re.compile(
    r"(?:readme|licen[cs]e|copying|notice|authors|citation|changelog|contributing|requirements)(?:[-_]\w+)*"
    r"(?:\.\w\w(?=\.))?(?:\.(?:md|txt|rst|cff))?"
    r"|(?:.+\.)?(?:provenance|croissant|truth)\.json|dataset_infos?\.json|(?:dataset_dict|state|datapackage|manifest)\.json"
    r"|(?:md5|sha\d+)sums?(?:\.txt)?|checksums?(?:\.txt)?|.+\.(?:md5|sha1|sha256|sha512|crc|idx|asc|sig|lock)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Guess:
    """format is None where it is unknown or refused, with the reason."""

    format: str | None
    reason: str = ""


def compression_of(head: bytes) -> str | None:
    """The compression by the first bytes: names may be wrong (a `.json.gz` unpacked on the way), bytes are not."""
    if is_skippable(head):
        return "zst"
    return next((name for name, magic in MAGIC.items() if head.startswith(magic)), None)


def is_sidecar(name: str) -> bool:
    """Whether a file is a download's or a tool's description of its neighbours (README, licence, checksums, states)."""
    return _SIDECAR.fullmatch(PurePosixPath(name).name) is not None


def _old_stream(head: bytes) -> bool:
    """Arrow before 0.15 wrote the length of the schema without a marker: a small number, then a table's offset."""
    return (
        len(head) > 8 and 0 < int.from_bytes(head[:4], "little") < 1 << 24 and int.from_bytes(head[4:8], "little") < 256
    )


def by_name(name: str) -> Guess:
    """The format by the suffixes alone, to tell the files of a corpus from others beside them."""
    if is_sidecar(name):
        return Guess(None, SIDECAR)
    suffixes = [s.lower() for s in PurePosixPath(name).suffixes]
    while suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in FORMATS:
        return Guess(FORMATS[last])
    for reason, refused in REFUSED.items():
        if last in refused:
            return Guess(None, f"{last} is {reason}" if " " in reason else f"{last} is {reason}, which isn't read")
    return Guess(None, "of no known format")


def unpacked(name: str) -> str:
    """The command that writes a file's bytes, decompressed, for hints that others follow."""
    tools = {".gz": "gzip -dc", ".bgz": "gzip -dc", ".zst": "zstd -dc", ".bz2": "bzip2 -dc", ".xz": "xz -dc"}
    return f"{tools.get(PurePosixPath(name).suffix.lower(), 'cat')} FILE"


def _table(start: bytes) -> str | None:
    """csv or tsv where the first line is a header with a column of text, and the second has as many fields."""
    lines = start.decode(errors="replace").split("\n")
    for delimiter, format in (("\t", "tsv"), (",", "csv"), (";", "csv"), ("|", "csv")):
        names = [name.strip().strip('"').lower() for name in lines[0].split(delimiter)]
        follows = len(lines) > 1 and lines[1].count(delimiter) >= len(names) - 1
        if len(names) > 1 and all(names) and follows and set(names) & TEXT_NAMES:
            return format
    return None


def by_content(name: str, head: bytes, *, sniff: bool) -> Guess:
    """The format by name and first (decompressed) bytes; sniff: guess it if the name does not say."""
    for magic, kind in _REFUSED_MAGIC.items():
        if head.startswith(magic):
            return Guess(None, f"it is {kind}; reads {KNOWN}")
    if head[TAR_MAGIC_AT:].startswith(b"ustar"):
        return Guess("tar")
    if wide_encoding(head):
        head = b"".join(without_bom([head]))
    named = by_name(name)
    if head.startswith(b"PAR1"):
        return Guess("parquet")
    if head.startswith(b"ARROW1"):
        return Guess("arrow")
    if head.startswith(b"WARC/"):
        return Guess("wet" if named.format == "wet" else "warc")
    if named.format == "arrow" and not head.startswith(_ARROW_STREAM) and not _old_stream(head):
        return Guess(None, "named as Arrow, but it is neither an Arrow file nor a stream: damaged, or another format")
    if named.format in ("parquet", "warc", "wet"):
        expected = {"parquet": "PAR1", "warc": "WARC/", "wet": "WARC/"}[named.format]
        return Guess(
            None, f"named as {named.format}, but it doesn't begin with {expected!r}: damaged, or another format"
        )
    if named.format == "jsonl" and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return Guess(None, f"a JSON array; make lines of it with: {unpacked(name)} | jq -c '.[]' > FILE.jsonl")
    if named.format or not sniff:
        return named
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return Guess("jsonl")
    if table := _table(start):
        return Guess(table)
    if head and b"\0" not in head and not named.reason.startswith("."):
        return Guess("text")
    return Guess(None, f"{named.reason}; reads {KNOWN}")
