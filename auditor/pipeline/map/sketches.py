"""Signatures and bands of a split, written as they come."""

from __future__ import annotations

import pyarrow as pa

from auditor.config import Config
from auditor.pipeline.run.parts import ROW_GROUP, PartWriter, signature_rows
from auditor.pipeline.run.plan import lsh_of
from auditor.sketch.bands import band_frame


class Sketches:
    """Signatures and their bands, by row groups: the bands of a row group are in order of band and hash.

    So a partition reads only its own band's row groups, and the bytes do not depend on the batches.
    """

    def __init__(self, writer: PartWriter, config: Config) -> None:
        self._writer, self._held = writer, pa.table({})
        self._lsh = lsh_of(config)

    def add(self, signatures: pa.Table) -> None:
        """Add the signatures of a batch; whole row groups are written."""
        self._held = pa.concat_tables([self._held, signatures]) if self._held.num_columns else signatures
        while self._held.num_rows >= ROW_GROUP:
            self._write(self._held.slice(0, ROW_GROUP))
            self._held = self._held.slice(ROW_GROUP)

    def end(self) -> None:
        """Write what is still held."""
        if self._held.num_columns:
            self._write(self._held)

    def _write(self, rows: pa.Table) -> None:
        self._writer.add("signatures", rows)
        for batch in rows.combine_chunks().to_batches():
            self._writer.add("bands", band_frame(*signature_rows(batch), self._lsh).to_arrow())
