"""The columns of a run's parts, declared once: name, type, meaning; and the constants that define what they hold.

The durable tables are in store/schema.sql. Folders that may not import each other (sketch, estimate, detectors) take
their shared constants from here.
"""

from __future__ import annotations

import polars as pl

# One row per document of a split, in row order. score_<detector> columns follow, Float32, null where not applicable.
DOCUMENTS = {
    "row": pl.Int64,  # position of the record in its shard, counting skipped ones
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
# Documents retained of each language and stratum of a split; the strata are cut at these scores (human units).
SAMPLE_PER_CELL = 100
SAMPLE_BINS = (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0)

# One row per type (word, bigram or trigram), score bin and resampling group: the sample of types of sketch.types, which
# is the frequency spectrum of estimate.diversity. A null type is the exact total over all types, sampled or not.
TYPES = {
    "level": pl.UInt8,  # WORD, BIGRAM or TRIGRAM
    "type": pl.UInt64,  # key of the type
    "bin": pl.UInt8,  # coarse bin of the score
    "group": pl.UInt8,
    "count": pl.UInt64,  # occurrences
    "blocks": pl.UInt64,  # blocks of 200 tokens that hold it
    "fixed": pl.Boolean,  # counted whatever its hash
    "threshold": pl.UInt64,  # below which a key is sampled; KEEP_ALL: every key
}
WORD, BIGRAM, TRIGRAM = 1, 2, 3
LEVELS = {"word": WORD, "bigram": BIGRAM, "trigram": TRIGRAM}
KEEP_ALL = 2**64 - 1
TYPE_CAP = 1 << 16  # cells kept per level of a split; bounds memory and the size of the parts

# Resampling groups: hash(near-duplicate cluster, else host, else document) mod 32. A cluster bootstrap over 32 groups
# is within a few percent of one over the clusters themselves.
GROUPS = 32
# The grid that scores (human units) are counted on; scores beyond it count in its outermost bins.
LOWEST, HIGHEST, BINS = -12.0, 12.0, 96
NO_SCORE = 255
# Edges of the coarse score bins (human units): kept few, because every type is counted in each of them.
SCORE_BINS = (0.5, 1.5, 2.5)
# Dated documents count as human when first seen before this day: the release of ChatGPT (30 November 2022).
HUMAN_BEFORE = "2022-11-01"

SKIP_REASONS = {
    "empty": "the text is empty or blank",
    "no_words": "there is no word in it",
    "too_short": "fewer words than the minimum",
    "unsupported_language": "no detector was trained and measured in its language",
    "not_scored": "no detector gives it a score",
}
