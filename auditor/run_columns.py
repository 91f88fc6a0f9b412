"""The columns of a run's parts, declared once: name, type, meaning. The durable tables are in store/schema.sql."""

from __future__ import annotations

import polars as pl

# One row per document of a split, in row order. score_<detector> columns follow, Float32, null where not applicable.
DOCUMENTS = {
    "row": pl.Int64,  # position of the record in its shard, records that were skipped counted
    "stable_id": pl.UInt64,  # hash of corpus, shard, row
    "doc_id": pl.String,  # the source's own id, not assumed unique
    "content_1": pl.UInt64,  # 128-bit hash of the text's bytes
    "content_2": pl.UInt64,
    "bytes": pl.Int64,
    "characters": pl.Int64,
    "words": pl.Int64,
    "language": pl.String,  # ISO 639-1
    "date": pl.Date,
    "host": pl.String,
    "source": pl.String,
    "topic": pl.String,
    "category": pl.String,
    "declared_generator": pl.String,
    "licence": pl.String,
    "group": pl.UInt8,  # resampling group: hash of host, else of the document, mod 32
    "eligible": pl.Boolean,
    "skip_reason": pl.String,  # why it is not eligible
    "kind": pl.String,  # kind of text, LANGUAGE/WORDS, of the content model; null where no detector applies
    "score": pl.Float32,  # the ensemble's, in bundled human units of the kind; null where no detector applies
    "score_bin": pl.UInt8,  # coarse bin of the score, 255 without one: how the type counts are kept
    "tier": pl.UInt8,  # 0: first tier alone, 1: with the deep detectors
}

# One row per document that has words. The signature is datasketch's, so it loads into datasketch's indexes: its numbers
# of 32 bits, one after the other, lowest byte first.
SIGNATURES = {"stable_id": pl.UInt64, "signature": pl.Binary}

# One row per document and band, a row group per band and flush.
BANDS = {"band": pl.UInt8, "hash": pl.UInt64, "document": pl.UInt64}

# The lowest-hash documents per language and score bin: capped text for the deep tier, review and adaptation.
SAMPLE = {
    "row": pl.Int64,
    "stable_id": pl.UInt64,
    "doc_id": pl.String,
    "language": pl.String,
    "topic": pl.String,
    "words": pl.Int64,
    "score": pl.Float32,
    "score_bin": pl.UInt8,
    "text": pl.String,  # the first SAMPLE_CHARACTERS characters
}
SAMPLE_CHARACTERS = 8000
NO_SCORE = 255
# Edges of the coarse score bins (human units): kept few, because every type is counted in each of them.
SCORE_BINS = (0.5, 1.5, 2.5)

SKIP_REASONS = {
    "empty": "the text is empty or blank",
    "no_words": "there is no word in it",
    "too_short": "fewer words than the minimum",
    "unsupported_language": "no detector was trained and measured in its language",
    "not_scored": "no detector gives it a score",
}
