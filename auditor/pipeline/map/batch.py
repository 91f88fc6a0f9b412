"""One batch of documents to the columns of the parts: tokens once, then every sketch and detector reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa

from auditor.config import Config
from auditor.detectors.first_tier import Ensemble
from auditor.pipeline.run.parts import signature_table
from auditor.run_columns import NO_SCORE, SAMPLE_BINS, SAMPLE_CHARACTERS, SCORE_BINS
from auditor.sketch import identity
from auditor.sketch.content import content_hashes, record_hashes
from auditor.sketch.language import identify
from auditor.sketch.minhash import Permutations, permutations, signatures, signed
from auditor.text.arrow import buffers
from auditor.text.batch import TextBatch


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured batch: the frames of its parts, and the tokens that the type counter reads next.

    records: (n,) uint64, a hash of each document as the source has it, for the digest
    """

    documents: pl.DataFrame
    signatures: pa.Table
    batch: TextBatch
    records: np.ndarray


@dataclass(frozen=True, slots=True)
class Measurer:
    """Measures batches; holds what is loaded once per process. Safe to share among threads."""

    ensemble: Ensemble
    permutations: Permutations
    minimum_words: int

    @classmethod
    def of(cls, config: Config) -> Measurer:
        """A measurer with the detectors and permutations that a configuration asks for."""
        return cls(
            Ensemble.load(config.detectors),
            permutations(config.permutations),
            config.minimum_words,
        )

    def measure(self, frame: pl.DataFrame, corpus: str, shard: str) -> Measured:
        """Documents in canonical columns (see sources) to their measured columns."""
        languages = frame["language"]
        batch = TextBatch.of(frame["text"], languages)
        if languages.null_count():
            unknown = languages.is_null()
            found = identify(batch if unknown.all() else TextBatch.of(frame.filter(unknown)["text"]))
            languages = _fill(languages, unknown, found)
            batch = replace(batch, languages=languages)
        ids = identity.stable_ids(corpus, shard, frame["row"].to_numpy())
        content = content_hashes(batch.text, batch.offsets)
        scores = self.ensemble.score(batch)
        units, kinds = self.ensemble.in_human_units(batch, scores.logit)
        reasons = self._reasons(batch, scores.logit)
        eligible = np.array([reason is None for reason in reasons], dtype=bool)  # also for no documents
        hosts = identity.host_hashes(frame["host"].to_list())
        sketch = signatures(batch.tokens, self.permutations)
        has_words = signed(sketch)
        documents = frame.drop("text", "given").with_columns(
            stable_id=pl.Series(ids),
            content_1=pl.Series(content[:, 0]),
            content_2=pl.Series(content[:, 1]),
            bytes=pl.Series(batch.bytes),
            characters=pl.Series(batch.tokens.characters),
            words=pl.Series(batch.tokens.words),
            language=languages,
            group=pl.Series(identity.groups(hosts, ids)),
            eligible=pl.Series(eligible),
            skip_reason=pl.Series(reasons, dtype=pl.String),
            kind=kinds,
            score=_nullable(units),
            score_bin=pl.Series(score_bins(np.where(eligible, units, np.nan))),
            tier=pl.Series(scores.tier.astype(np.uint8)),
            **{f"score_{name}": _nullable(values) for name, values in scores.members.items()},
        )
        return Measured(
            documents,
            signature_table(ids[has_words], sketch[has_words]),
            batch,
            as_given(batch, content, frame["given"]),
        )

    def _reasons(self, batch: TextBatch, logit: np.ndarray) -> list[str | None]:
        """Why each document is not eligible, None where it is (reasons of auditor.run_columns.SKIP_REASONS)."""
        words = batch.tokens.words
        supported = batch.languages.is_in(list(self.ensemble.languages)).fill_null(False).to_numpy()
        code = np.select(
            [batch.bytes == 0, words == 0, words < self.minimum_words, ~supported, ~np.isfinite(logit)],
            [1, 2, 3, 4, 5],
            0,
        )
        names = np.array([None, "empty", "no_words", "too_short", "unsupported_language", "not_scored"], dtype=object)
        return names[code].tolist()


def as_given(batch: TextBatch, content: np.ndarray, given: pl.Series) -> np.ndarray:
    """(n,) uint64: hashes of the records as the source has them; `content` (n, 2) are hashes of their normal form."""
    text, changed = content, batch.rewritten
    if changed is not None:
        text = content.copy()
        text[changed.rows] = content_hashes(changed.text, changed.offsets)
    return record_hashes(text, content_hashes(*buffers(given)))


def score_bins(score: np.ndarray, edges: Sequence[float] = SCORE_BINS) -> np.ndarray:
    """(n,) uint8: the bin of each score, NO_SCORE for NaN."""
    return np.where(np.isfinite(score), np.searchsorted(edges, score), NO_SCORE).astype(np.uint8)


def candidates(measured: Measured) -> pl.DataFrame:
    """The eligible documents with the columns of the retained sample, their stratum and their place in the batch."""
    fine = pl.Series("stratum", score_bins(measured.documents["score"].to_numpy(), SAMPLE_BINS))
    frame = measured.documents.select(
        "row", "stable_id", "doc_id", "language", "topic", "words", "score", "score_bin", "eligible"
    ).with_columns(fine, place=pl.int_range(pl.len(), dtype=pl.Int64))
    return frame.filter("eligible").drop("eligible")


def capped_texts(measured: Measured, places: np.ndarray) -> pl.Series:
    """The beginnings of some of the batch's documents."""
    return pl.Series([measured.batch.document(i)[:SAMPLE_CHARACTERS] for i in places], dtype=pl.String)


def redacted_texts(measured: Measured, places: np.ndarray) -> pl.Series:
    """The same without e-mail addresses, telephone numbers and keys."""
    from auditor.reports.text.redact import redact

    texts = capped_texts(measured, places)
    return pl.Series([redact(text, SAMPLE_CHARACTERS) for text in texts], dtype=pl.String)


def lowest(frame: pl.DataFrame, per_cell: int) -> pl.DataFrame:
    """The per_cell rows of lowest stable_id in each language x stratum, in order of stable_id."""
    rank = pl.col("stable_id").rank("ordinal").over("language", "stratum")
    return frame.filter(rank <= per_cell).sort("stable_id")


def _nullable(values: np.ndarray) -> pl.Series:
    """Scores rounded to three decimals (the order of a sum must not show), null for NaN."""
    return pl.Series(np.round(values.astype(np.float64), 3).astype(np.float32)).fill_nan(None)


def _fill(languages: pl.Series, unknown: pl.Series, found: pl.Series) -> pl.Series:
    names = languages.to_list()
    for place, name in zip(unknown.arg_true(), found, strict=True):
        names[place] = name
    return pl.Series("language", names, dtype=pl.String)
