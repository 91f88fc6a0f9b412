"""Topics of the corpus and its reference: found in the drawn documents, their diversity, and which of them are lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from auditor import streams
from auditor.config import Config
from auditor.estimate.diversity.lost import Bodies, Loss, at_size, drawn_groups, lost_in
from auditor.estimate.diversity.lost_reference import NO_REFERENCE
from auditor.estimate.diversity.measure import Orders, measure_spectrum
from auditor.estimate.diversity.shares import LostName, lost_names
from auditor.estimate.diversity.spectrum import Cells
from auditor.estimate.diversity.topics import (
    LEAST_DOCUMENTS,
    document_vectors,
    find_topics,
    name_topics,
    topic_cells,
    word_vectors,
)
from auditor.pipeline.diversity.strata import NOT_DRAWN, MatchedReference
from auditor.pipeline.diversity.word_sample import WordSample
from auditor.records import Estimate
from auditor.run_columns import GROUPS
from auditor.sketch.types_kernel import key_of

MOST_CORPUS, MOST_REFERENCE = 2048, 1024
STANDARD_DOCUMENTS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Topics:
    """The topic of each drawn document (rows with a column `found`), and what each topic is called."""

    ours: pl.DataFrame
    theirs: pl.DataFrame
    names: list[str]
    why_not: str = ""

    def of(self, shard: str | None, synthetic: np.ndarray | None, config: Config) -> tuple[Orders, Loss]:
        """Diversity of topics of the corpus (None) or of a shard, and what of it was lost: levels.topic of a report."""
        rows = self.ours if shard is None else self.ours.filter(pl.col("shard") == shard)
        why = self.why_not
        if not why and rows.height < STANDARD_DOCUMENTS:
            why = f"{rows.height} documents drawn: too few to count topics"
        if why:
            return Orders.all(Estimate.not_measured(why)), Loss.nothing(why)
        spectrum = _cells(rows).spectrum()
        found = measure_spectrum(spectrum, tokens=STANDARD_DOCUMENTS, level=config.level, unit="documents")
        if not self.theirs.height:
            return found.orders, Loss.nothing(NO_REFERENCE)
        original = rows.filter("original")
        rng = streams.rng(config.seed, "diversity of topics")
        source, draws = _cells(original), [] if synthetic is None else drawn_groups(synthetic, rng)
        bodies = Bodies(
            spectrum,
            _cells(self.theirs).spectrum(),
            source.spectrum(),
            least=STANDARD_DOCUMENTS,
            unit="documents",
            human=tuple(source.spectrum(groups) for groups in draws),
        )
        return found.orders, lost_in(bodies, standard=at_size, level=config.level)

    def lost(self, level: float) -> list[LostName]:
        """The topics that lost most, by name."""
        if self.why_not or not self.theirs.height:
            return []
        ours, theirs = (_table(rows, len(self.names)) for rows in (self.ours, self.theirs))
        return lost_names(self.names, ours, theirs, level=level)


def measure_topics(drawn: WordSample, gold: MatchedReference, config: Config, words: pl.DataFrame) -> Topics:
    """Topics of the corpus and the reference, found together so that they mean the same in both; words, to name them
    by."""
    ours = drawn.of("all", None).head(MOST_CORPUS)
    theirs = gold.rows.sort("stable_id").head(MOST_REFERENCE)
    both = pl.concat([ours, theirs])
    if both.height < LEAST_DOCUMENTS:
        return Topics(ours, theirs, [], NOT_DRAWN if not drawn.rows.height else f"{both.height} documents: too few")
    tokens = drawn.tokens(both)
    vectors = document_vectors(word_vectors(tokens.hashes, tokens.offsets), seed=config.seed)
    if not vectors.any():
        return Topics(ours, theirs, [], "no words that tell documents apart")
    found = find_topics(vectors, seed=config.seed)
    keys = key_of(tokens.hashes)
    place = np.minimum(np.searchsorted(words["type"].to_numpy(), keys), words.height - 1)
    known = words["type"].to_numpy()[place] == keys
    document = np.repeat(np.arange(both.height), tokens.words)[known]
    names = name_topics(found, document, place[known], words["word"].to_list())
    both = both.with_columns(found=pl.Series(found))
    return Topics(both.head(ours.height), both.tail(theirs.height), names)


def _cells(rows: pl.DataFrame) -> Cells:
    return topic_cells(*(rows[name].to_numpy() for name in ("found", "unit", "score_bin")))


def _table(rows: pl.DataFrame, topics: int) -> np.ndarray:
    table = np.zeros((topics, GROUPS))
    np.add.at(table, (rows["found"].to_numpy(), rows["unit"].to_numpy()), 1.0)
    return table
