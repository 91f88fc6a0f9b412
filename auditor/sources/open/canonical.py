"""From a source's own columns to the canonical ones: identity, date, host, language."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor.records import Skip
from auditor.sources.open.dates import to_dates
from auditor.sources.open.languages import normalised
from auditor.sources.read.interface import CANONICAL, ROLES

# An authority may have a user before it and a port behind it; an IPv6 address is in brackets.
_AUTHORITY = r"(?:[^/?#@\s]*@)?(\[[0-9A-Fa-f:.]+\]|[^/?#:@\s]+)"
# Only of schemes of the web: s3://bucket, urn:uuid:…, doi:10.1/x name no host. A bare name has a port, or no colon.
_HOST, _BARE = rf"(?i)^\s*(?:(?:https?|ftps?|wss?):)?//{_AUTHORITY}", rf"^\s*{_AUTHORITY}"
_NO_HOST = r"^\s*(?:[^/?#@\s.\[]*:|[^/?#@\s\[]*:(?:[^0-9/?#]|[0-9]+[^0-9/?#\s]))"
_WEB = r"^(?i:https?|ftps?|wss?):$"
HASHED = 2048  # bytes at each end of a long text
_LABELS = ("source", "topic", "category")


@dataclass(frozen=True, slots=True)
class Raw:
    """Records as a reader parsed them: row, text and any of id, date, url, language, …, with what was left out.

    `name` takes the place of `id` where the record itself has none, `date_given` for a date as the source writes it.
    records: how many the reader met, documents or not
    """

    frame: pl.DataFrame
    skips: tuple[Skip, ...] = ()
    notes: tuple[Skip, ...] = ()
    records: int = 0


def to_canonical(raw: Raw, shard: str) -> Raw:
    """The same records in the canonical columns; text null becomes the empty text, which is a document."""
    frame = raw.frame.with_columns(pl.col("text").fill_null(""))
    notes = list(raw.notes)
    columns: dict[str, pl.Expr | pl.Series] = {"row": pl.col("row"), "doc_id": _identity(frame), "text": pl.col("text")}
    if "date" in frame.columns:
        columns["date"], counts = to_dates(frame["date"])
        notes += [Skip(shard, reason, n) for reason, n in counts.items()]
    if "url" in frame.columns:
        columns["host"] = host(frame.select(_string(frame, "url")).to_series())
    if "language" in frame.columns:
        columns["language"] = normalised(frame.select(_string(frame, "language")).to_series())
    for name in _LABELS:
        if name in frame.columns:
            columns[name] = _label(_string(frame, name))
    for name, own in (("declared_generator", "generator"), ("licence", "licence")):
        if own in frame.columns:
            columns[name] = _label(_string(frame, own))
    columns["given"] = _given(frame)
    given = frame.select(**columns)
    missing = [pl.lit(None, dtype=CANONICAL[name]).alias(name) for name in CANONICAL if name not in columns]
    return Raw(
        given.with_columns(missing).select(CANONICAL.names()).cast(CANONICAL), raw.skips, tuple(notes), raw.records
    )


def _given(frame: pl.DataFrame) -> pl.Expr:
    """What the source says beside the text, verbatim: role, length and value of every column that is read."""
    said = []
    for role in ROLES[1:]:
        if role in frame.columns:
            value = _string(frame, "date_given" if role == "date" and "date_given" in frame.columns else role)
            length = value.str.len_bytes().cast(pl.String)
            said.append(pl.concat_str(pl.lit(f"{role}:"), length, pl.lit(":"), value))
    return pl.concat_str(said, ignore_nulls=True).fill_null("") if said else pl.lit("")


def host(url: pl.Series) -> pl.Series:
    """The lower-case host of a URL or of a bare host name, without user, port and final dot.

    Splitting at slashes takes a fifth of the time of the pattern, which is kept for what isn't `scheme://host/…`.
    """
    parts = url.str.split_exact("/", 3).struct
    plain = (
        (parts[1] == "") & parts[0].str.contains(_WEB) & ~parts[2].str.contains(r"[@:\[?#\s]") & (parts[2] != "")
    ).fill_null(False)
    found = parts[2].set(~plain, None)
    left = ~plain & url.is_not_null()
    if left.any():
        rest = url.filter(left)
        bare = rest.str.extract(_BARE, 1).set(rest.str.contains("//", literal=True) | rest.str.contains(_NO_HOST), None)
        found = found.scatter(left.arg_true(), rest.str.extract(_HOST, 1).zip_with(bare.is_null(), bare))
    return found.to_frame("h").select(_label(pl.col("h").str.to_lowercase().str.strip_chars_end("."))).to_series()


def _label(column: pl.Expr) -> pl.Expr:
    trimmed = column.str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _string(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A column as strings; of a list the first element, which is the likeliest (HPLT's `lang`)."""
    kind = frame.schema[name]
    if isinstance(kind, pl.List):
        return pl.col(name).list.first().cast(pl.String, strict=False)
    if isinstance(kind, pl.Struct) or kind.is_(pl.Object):
        return pl.lit(None, dtype=pl.String)
    return pl.col(name).cast(pl.String, strict=False)


def _identity(frame: pl.DataFrame) -> pl.Expr | pl.Series:
    """The source's id verbatim; where it has none, a hash of the text and the row: stable while the file is."""
    own = "id" if "id" in frame.columns else "name"
    if own not in frame.columns:
        return _hashes(frame)
    given = frame.select(i=_string(frame, own)).to_series()
    absent = given.is_null() | (given == "")
    if not absent.any():
        return given.alias("doc_id")
    return given.scatter(absent.arg_true(), _hashes(frame.filter(absent))).alias("doc_id")


def _hashes(frame: pl.DataFrame) -> pl.Series:
    """BLAKE2b of 12 bytes over row and text (polars' own hash is not stable from version to version)."""
    column = frame["text"].to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = np.frombuffer(column.buffers()[1], np.int64, len(column) + 1, column.offset * 8).tolist()
    octets = memoryview(column.buffers()[2] or b"")
    made = [
        _hash(octets[a:b], row) for a, b, row in zip(offsets[:-1], offsets[1:], frame["row"].to_list(), strict=True)
    ]
    return pl.Series("doc_id", made, dtype=pl.String)


def _hash(text: memoryview, row: int) -> str:
    """Hashes the length, head and tail of a long text: the row tells documents apart, the text shows that the file is
    the same."""
    digest = hashlib.blake2b(row.to_bytes(8, "little"), digest_size=12)
    digest.update(len(text).to_bytes(8, "little"))
    if len(text) <= 2 * HASHED:
        digest.update(text)
    else:
        digest.update(text[:HASHED])
        digest.update(text[-HASHED:])
    return digest.hexdigest()
