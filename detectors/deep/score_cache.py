"""Figures of the slow detectors, kept by content and model revision: a text is never put through a model twice."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from auditor.detectors.deep.install import cache_folder

TABLE = "CREATE TABLE IF NOT EXISTS figures (content BLOB PRIMARY KEY, figures BLOB NOT NULL) WITHOUT ROWID"
ASKED = 500  # parameters of one query
CHUNK = 32  # texts after which figures are written


class ScoreCache:
    """Rows of float32 by the hash of a text; one file for each model revision. No text is kept.

    If the cache cannot be opened or written (a read-only disk), everything is computed.
    """

    def __init__(self, revision: str, folder: Path | None = None) -> None:
        self._path = (folder or cache_folder() / "scores") / f"{revision}.sqlite"

    def rows(self, texts: Sequence[str], compute: Callable[[list[str]], Iterable[np.ndarray]]) -> list[np.ndarray]:
        """The row of each text; those not kept yet are computed, texts of similar length together, and kept."""
        keys = [content_key(text) for text in texts]
        found = self.known(keys)
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        listed = sorted(fresh.items(), key=lambda pair: len(pair[1]))
        for start in range(0, len(listed), CHUNK):
            part = listed[start : start + CHUNK]
            new = dict(zip((key for key, _ in part), compute([text for _, text in part]), strict=True))
            self.keep(new)
            found |= new
        return [found[key] for key in keys]

    def known(self, keys: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """The rows that are there."""
        found: dict[bytes, np.ndarray] = {}
        if not self._path.is_file():
            return found
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                for start in range(0, len(keys), ASKED):
                    some = list(keys[start : start + ASKED])
                    marks = ",".join("?" * len(some))
                    rows = connection.execute(f"SELECT * FROM figures WHERE content IN ({marks})", some)
                    found |= {key: np.frombuffer(row, np.float32) for key, row in rows}
        except sqlite3.Error:
            return {}
        return found

    def keep(self, rows: Mapping[bytes, np.ndarray]) -> None:
        """Add rows."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=30)) as connection, connection:
                connection.execute(TABLE)
                fresh = [(key, row.astype(np.float32).tobytes()) for key, row in rows.items()]
                connection.executemany("INSERT OR IGNORE INTO figures VALUES (?, ?)", fresh)
        except (sqlite3.Error, OSError):
            return


def content_key(text: str) -> bytes:
    """The key of a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
